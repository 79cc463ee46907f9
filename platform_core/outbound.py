"""HTTP going out: one guarded session, with time limits, a size cap, no redirects and a check of the address dialled.

A name is resolved once and the very address that was checked is dialled, so that neither a rebinding name nor an odd
spelling of an address reaches an inner network. A call is cut when its time is over, whatever has come by then: limits
of each read alone would let a host that drips hold a thread for ever.
"""

import ipaddress
import os
import socket
import threading
from collections.abc import Iterable
from contextlib import suppress
from contextvars import ContextVar
from typing import Any, Self
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from platform_core import config
from platform_core.errors import Forbidden, Unavailable

TIMEOUT = (3.05, 10.0)
MOST_BYTES = 5 * 1024 * 1024


class OutboundRefused(Forbidden):
    """The address is not one that the platform may call."""

    code = "outbound-refused"


class _Deadline:
    """The end of one call: the connections that it watches are shut down then, in the middle of whatever they do."""

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._watched: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def watch(self, connection: socket.socket) -> None:
        """Keep a second handle on a connection: TLS takes the first one over."""
        with self._lock:
            self._watched.append(socket.socket(fileno=os.dup(connection.fileno())))
        if self.is_over:
            self._cut()

    def _cut(self) -> None:
        self.is_over = True
        with self._lock:
            for connection in self._watched:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._token = _present.set(self)
        self._timer.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._timer.cancel()
        _present.reset(self._token)
        with self._lock:
            for connection in self._watched:
                connection.close()
            self._watched.clear()


_present: ContextVar[_Deadline] = ContextVar("outbound deadline")


def _dial(connection: HTTPConnection) -> socket.socket:
    """Connect to the first public address of the host, or to a trusted origin of the settings."""
    trusted, deadline = (connection.host, connection.port) in _trusted_origins(), _present.get()
    for family, kind, protocol, _, address in _resolve(connection):
        if deadline.is_over:
            raise NewConnectionError(connection, f"{connection.host} does not answer in time.")
        if not trusted and not _is_public(str(address[0])):
            raise OutboundRefused(f"{connection.host} is not a public address: the call is refused.")
        dialled = socket.socket(family, kind, protocol)
        try:
            timeout = connection.timeout
            dialled.settimeout(timeout if isinstance(timeout, int | float) else TIMEOUT[0])
            dialled.connect(address)
        except OSError as error:
            dialled.close()
            last: OSError = error
        else:
            deadline.watch(dialled)
            return dialled
    raise NewConnectionError(connection, f"{connection.host} does not answer: {last}")


def _resolve(connection: HTTPConnection) -> list[Any]:
    try:
        return socket.getaddrinfo(connection.host, connection.port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise NewConnectionError(connection, f"{connection.host} has no address: {error}") from error


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.split("%")[0])
    inner = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    return ip.is_global and not ip.is_multicast and (inner is None or inner.is_global)


def _trusted_origins() -> set[tuple[str, int]]:
    """Hosts that the operator configured: identity providers, and in development the platform itself."""
    settings = config.current()
    urls = [settings.citizen_idp.issuer, settings.pro_idp.issuer, settings.agent_idp.issuer]
    if not settings.is_production:
        urls += [settings.base_url, f"http://127.0.0.1:{settings.demo_partner_port}"]
    return {_origin(url) for url in urls}


def _origin(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


class _GuardedHTTP(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _dial(self)

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send on a connection that may be one of the call before, of which this call's deadline knows nothing."""
        if self.sock:
            _present.get().watch(self.sock)
        super().request(*args, **kwargs)


class _GuardedHTTPS(_GuardedHTTP, HTTPSConnection):
    pass


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _GuardedHTTP


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _GuardedHTTPS


class _GuardedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


class GuardedSession(requests.Session):
    """A `requests` session that refuses inner addresses, follows no redirect and reads a bounded answer."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        adapter = _GuardedAdapter()
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        """Send a request. Raises `Unavailable` when nobody answers in time, `OutboundRefused`, `Forbidden`."""
        if urlsplit(url).scheme == "http" and _origin(url) not in _trusted_origins():
            raise OutboundRefused("Only https addresses are called.")
        kwargs.setdefault("timeout", TIMEOUT)
        kwargs.update(allow_redirects=False, stream=True)
        with _Deadline(config.current().outbound_seconds) as deadline:
            try:
                response = super().request(method, url, *args, **kwargs)
                _read(response)
            except requests.RequestException as error:
                raise Unavailable(f"{urlsplit(url).hostname} does not answer.") from error
        if deadline.is_over:
            raise Unavailable(f"{urlsplit(url).hostname} does not answer in time.")
        return response


def _read(response: requests.Response) -> None:
    body = bytearray()
    chunks: Iterable[bytes] = response.iter_content(64 * 1024)
    for chunk in chunks:
        body += chunk
        if len(body) > MOST_BYTES:
            response.close()
            raise OutboundRefused(f"The answer is larger than {MOST_BYTES} bytes.")
    response._content = bytes(body)


def session() -> GuardedSession:
    """A new guarded session. Use it as a context manager, or keep it for one provider."""
    return GuardedSession()
