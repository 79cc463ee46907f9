"""The antivirus of the operator, asked before a file is kept: clamd over its INSTREAM command (clamd(8)).

It is asked when `ENS_ANTIVIRUS_URL` names it (`tcp://host:3310` or `unix:///run/clamav/clamd.ctl`). Once configured it
must answer: a file that nobody looked at is not kept.
"""

import socket
import struct
from typing import IO
from urllib.parse import urlsplit

from platform_core import config
from platform_core.errors import Invalid, Unavailable

_PIECE = 64 * 1024
_SECONDS = 30
_MOST_ANSWER = 4096


def check(stream: IO[bytes]) -> None:
    """Pass a stream from its start; it is left there. Raises `Invalid` (`file-infected`), `Unavailable`."""
    url = config.current().antivirus_url
    if not url:
        return
    stream.seek(0)
    try:
        with _connect(url) as connection:
            answer = _ask(connection, stream)
    except OSError as error:
        raise Unavailable("The antivirus does not answer.") from error
    finally:
        stream.seek(0)
    if answer.endswith("FOUND"):
        raise Invalid("The antivirus refused the file.", code="file-infected")
    if answer != "stream: OK":
        raise Unavailable("The antivirus could not look at the file.")


def _connect(url: str) -> socket.socket:
    parts = urlsplit(url)
    if parts.scheme == "tcp":
        return socket.create_connection((parts.hostname, parts.port or 3310), timeout=_SECONDS)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(_SECONDS)
        connection.connect(parts.path)
    except OSError:
        connection.close()
        raise
    return connection


def _ask(connection: socket.socket, stream: IO[bytes]) -> str:
    connection.sendall(b"zINSTREAM\0")
    while piece := stream.read(_PIECE):
        connection.sendall(struct.pack("!L", len(piece)) + piece)
    connection.sendall(struct.pack("!L", 0))
    answer = bytearray()
    while len(answer) < _MOST_ANSWER and (piece := connection.recv(_MOST_ANSWER)):
        answer += piece
    return answer.rstrip(b"\0").decode("ascii", "replace")
