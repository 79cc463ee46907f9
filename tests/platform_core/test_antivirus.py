"""The antivirus over clamd's protocol, spoken by a small server that knows one virus."""

import io
import socketserver
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from platform_core import antivirus
from platform_core import config as settings_module
from platform_core.config import Config
from platform_core.errors import Invalid, Unavailable

VIRUS = b"a virus of this test"
MOST = 1024 * 1024


class Clamd(socketserver.StreamRequestHandler):
    """INSTREAM of clamd(8): pieces that say their length, an empty one at the end, then the verdict."""

    def handle(self) -> None:
        command = self.rfile.read(len(b"zINSTREAM\0"))
        content = bytearray()
        while size := struct.unpack("!L", self.rfile.read(4))[0]:
            content += self.rfile.read(size)
        verdict = b"INSTREAM size limit exceeded. ERROR" if len(content) > MOST else b"stream: OK"
        if VIRUS in content:
            verdict = b"stream: Test.Virus FOUND"
        self.wfile.write((verdict if command == b"zINSTREAM\0" else b"UNKNOWN COMMAND") + b"\0")


@pytest.fixture(params=["tcp", "unix"])
def asked(request: pytest.FixtureRequest, app: Flask, config: Config, tmp_path: Path) -> Iterator[None]:
    """An antivirus at a TCP address, then at a socket of this machine."""
    path = str(tmp_path / "clamd.ctl")
    tcp = request.param == "tcp"
    server: socketserver.BaseServer = (
        socketserver.TCPServer(("127.0.0.1", 0), Clamd) if tcp else socketserver.UnixStreamServer(path, Clamd)
    )
    url = f"tcp://127.0.0.1:{server.server_address[1]}" if tcp else f"unix://{path}"  # type: ignore[index]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    settings_module.configure(replace(config, antivirus_url=url))
    yield
    settings_module.configure(config)
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_clean_file_passes_and_is_left_at_its_start(asked: None) -> None:
    stream = io.BytesIO(bytes(200_000))
    antivirus.check(stream)
    assert stream.tell() == 0


def test_a_file_with_a_virus_is_refused(asked: None) -> None:
    with pytest.raises(Invalid) as refused:
        antivirus.check(io.BytesIO(bytes(100_000) + VIRUS))
    assert refused.value.code == "file-infected"


def test_a_file_that_the_antivirus_would_not_look_at_is_not_kept(asked: None) -> None:
    with pytest.raises(Unavailable):
        antivirus.check(io.BytesIO(bytes(MOST + 1)))


def test_a_configured_antivirus_must_answer(app: Flask, config: Config, tmp_path: Path) -> None:
    settings_module.configure(replace(config, antivirus_url=f"unix://{tmp_path}/nobody"))
    try:
        with pytest.raises(Unavailable):
            antivirus.check(io.BytesIO(b"a"))
    finally:
        settings_module.configure(config)


def test_without_an_antivirus_nothing_is_asked(app: Flask) -> None:
    antivirus.check(io.BytesIO(VIRUS))
