"""Calls going out: inner addresses are refused however they are spelled, answers are bounded."""

import socket
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from platform_core import config as settings
from platform_core import outbound
from platform_core.errors import Forbidden, Unavailable


@pytest.fixture
def inner_server(app):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/away":
                self.send_response(302)
                self.send_header("Location", "http://127.0.0.1:1/")
                self.end_headers()
                return
            self.send_response(200)
            self.end_headers()
            size = 6 * 1024 * 1024 if self.path == "/large" else 2
            self.wfile.write(b"o" * size)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def _resolve_to(monkeypatch, address):
    found = [(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]
    monkeypatch.setattr(outbound.socket, "getaddrinfo", lambda *args, **kwargs: found)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "2002:7f00:1::",
    ],
)
def test_a_name_that_leads_inside_is_refused(app, monkeypatch, address):
    _resolve_to(monkeypatch, address)
    with outbound.session() as session, pytest.raises(outbound.OutboundRefused):
        session.get("https://partner.example/hook")


def test_plain_http_is_refused_but_for_configured_origins(app, inner_server):
    with outbound.session() as session, pytest.raises(Forbidden):
        session.get(f"http://127.0.0.1:{inner_server}/")


def test_redirects_are_not_followed_and_answers_are_bounded(app, inner_server, monkeypatch):
    monkeypatch.setattr(outbound, "_trusted_origins", lambda: {("127.0.0.1", inner_server)})
    with outbound.session() as session:
        assert session.get(f"http://127.0.0.1:{inner_server}/").content == b"oo"
        assert session.get(f"http://127.0.0.1:{inner_server}/away").status_code == 302
        with pytest.raises(outbound.OutboundRefused):
            session.get(f"http://127.0.0.1:{inner_server}/large")


@pytest.fixture
def dripping(app, config, monkeypatch):
    """A host that sends a beginning, then a byte every tenth of a second, thirty of them; `seen` says how it ended."""
    settings.configure(replace(config, outbound_seconds=0.4))
    listener = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(outbound, "_trusted_origins", lambda: {listener.getsockname()})
    seen = []

    def drip(beginning):
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(beginning)
            try:
                for _ in range(30):
                    connection.sendall(b"x")
                    threading.Event().wait(0.1)
            except OSError:
                seen.append("cut")
            else:
                seen.append("done")

    def call(beginning):
        host = threading.Thread(target=drip, args=(beginning,))
        host.start()
        with outbound.session() as session, pytest.raises(Unavailable):
            session.get(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        host.join()
        return seen

    yield call
    listener.close()
    settings.configure(config)


@pytest.mark.parametrize(
    "beginning",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nX-Slow: ", id="headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n", id="body of a known length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", id="body up to the end"),
    ],
)
def test_a_host_that_drips_is_cut_when_the_time_of_the_call_is_over(dripping, beginning):
    assert dripping(beginning) == ["cut"]


def test_a_host_that_does_not_answer_is_unavailable(app, monkeypatch):
    monkeypatch.setattr(outbound, "_trusted_origins", lambda: {("127.0.0.1", 9)})
    with outbound.session() as session, pytest.raises(Unavailable):
        session.get("http://127.0.0.1:9/")
