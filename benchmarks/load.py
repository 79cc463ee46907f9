"""A load generator: keep-alive connections, requests prepared as bytes, latencies of every answer.

It costs a few tens of microseconds a request on the cores it shares with the servers, the same for every route, so
that ratios to the bare route are a little flattering; the table says what the bare route reached.
"""

import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of requests gave: seconds in all, each latency in seconds, and how many had each status."""

    seconds: float
    latencies: list[float]
    statuses: dict[int, int]

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """A latency in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    started: float = 0.0
    received: bytes = b""
    expected: int = -1


def http(method: str, path: str, headers: dict[str, str], body: bytes = b"", *, host: str = "127.0.0.1") -> bytes:
    """One HTTP/1.1 request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *(f"{k}: {v}" for k, v in headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def run(port: int, requests: Iterator[bytes], *, connections: int = CONNECTIONS) -> Outcome:
    """Send every request over a fixed number of connections, each one request at a time."""
    selector = selectors.DefaultSelector()
    latencies: list[float] = []
    statuses: dict[int, int] = {}
    started = time.perf_counter()
    for _ in range(connections):
        opened = socket.create_connection(("127.0.0.1", port))
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = _Connection(opened)
        if _send(connection, requests):
            selector.register(opened, selectors.EVENT_READ, connection)
    while selector.get_map():
        for key, _ in selector.select(timeout=30):
            connection = key.data
            status = _receive(connection)
            if status is None:
                continue
            latencies.append(time.perf_counter() - connection.started)
            statuses[status] = statuses.get(status, 0) + 1
            if not _send(connection, requests):
                selector.unregister(connection.socket)
                connection.socket.close()
    return Outcome(time.perf_counter() - started, latencies, statuses)


def _send(connection: _Connection, requests: Iterator[bytes]) -> bool:
    payload = next(requests, None)
    if payload is None:
        return False
    connection.received, connection.expected = b"", -1
    connection.started = time.perf_counter()
    connection.socket.sendall(payload)
    return True


def _receive(connection: _Connection) -> int | None:
    """Read what came; the status once the answer is whole."""
    chunk = connection.socket.recv(262_144)
    if not chunk:
        raise ConnectionError("The server closed a connection.")
    connection.received += chunk
    if connection.expected < 0:
        head = connection.received.find(b"\r\n\r\n")
        if head < 0:
            return None
        start = connection.received.lower().find(b"content-length:", 0, head)
        length = int(connection.received[start + 15 :].split(b"\r\n", 1)[0]) if start > 0 else 0
        connection.expected = head + 4 + length
    if len(connection.received) < connection.expected:
        return None
    return int(connection.received[9:12])
