"""Server-side sessions: the cookie is 256 random bits, the rest is in PostgreSQL.

A request that never touches `flask.session` never touches the database for it. Writes merge key by key, so that two
requests of one browser cannot undo each other's sign-in.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Flask, Request, Response
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from identity_core.models import IDLE, LONGEST, BrowserSession
from platform_core import clock, config
from platform_core.crypto import hash_token
from platform_core.database import db, is_outage
from platform_core.errors import Unavailable
from platform_core.ids import opaque, uuid7

_TOUCH = timedelta(minutes=1)
_log = logging.getLogger(__name__)


class StoredSession(SessionMixin):
    """The session of one browser, read at its first use.

    While the database is away it is `broken`: empty where a page only looks, so that public pages and error pages
    render; reading it to act raises `Unavailable`.
    """

    def __init__(self, token: str | None, *, acts: bool) -> None:
        self.token = token
        self.acts = acts
        self.row_id: UUID | None = None
        self.rotated = False
        self.broken = False
        self.seen_at: datetime | None = None
        self.changed: set[str] = set()
        self.loaded = False
        self._data: dict[str, Any] = {}

    @property
    def modified(self) -> bool:  # type: ignore[override]
        return bool(self.changed) or self.rotated

    @property
    def data(self) -> dict[str, Any]:
        """The values. Raises `Unavailable`, once, when the request acts and the database is away."""
        self._load()
        return self._data

    def rotate(self) -> None:
        """Give the session another cookie with the answer: the present one dies, and its lifetime starts anew."""
        self._load()
        self.rotated = True

    def _load(self) -> None:
        if self.loaded:
            return
        self.loaded = True
        if self.token:
            self._read(self.token)

    def _read(self, token: str) -> None:
        try:
            row = _find(token)
        except sa.exc.SQLAlchemyError as error:
            self.broken = True
            if not is_outage(error):
                raise
            if self.acts:
                raise Unavailable("The database is away. Try again in a few seconds.") from error
            return
        if row is not None:
            self.row_id, self._data, self.seen_at = row.id, row.data, row.seen_at

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.data[key] = value
        self.changed.add(key)

    def __delitem__(self, key: str) -> None:
        del self.data[key]
        self.changed.add(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)


class DatabaseSessions(SessionInterface):
    """Flask's interface to `StoredSession`."""

    def open_session(self, app: Flask, request: Request) -> StoredSession:
        acts = request.method not in {"GET", "HEAD", "OPTIONS"}
        return StoredSession(request.cookies.get(self.get_cookie_name(app)), acts=acts)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not isinstance(session, StoredSession) or not session.loaded or session.broken:
            return
        response.vary.add("Cookie")
        try:
            token = _store(session)
        except sa.exc.SQLAlchemyError as error:
            if not is_outage(error):
                raise
            _log.warning("The database is away: a session was not saved.")
            return
        if token:
            response.set_cookie(
                self.get_cookie_name(app), token, httponly=True, samesite="Lax", secure=config.current().secure
            )

    def get_cookie_name(self, app: Flask) -> str:
        """`__Host-` binds the cookie to this very host and to https (RFC 6265bis §4.1.3.2)."""
        return "__Host-ens" if config.current().secure else "ens"


def _find(token: str) -> sa.Row[Any] | None:
    now = clock.now()
    query = sa.select(BrowserSession.id, BrowserSession.data, BrowserSession.seen_at).where(
        BrowserSession.token_hash == hash_token(token),
        BrowserSession.seen_at > now - IDLE,
        BrowserSession.started_at > now - LONGEST,
    )
    try:
        return _first(query)
    except sa.exc.OperationalError as error:
        # The connection had died while pooled: PostgreSQL may be back.
        if not error.connection_invalidated:
            raise
        return _first(query)


def _first(query: sa.Select[Any]) -> sa.Row[Any] | None:
    with db.engine.connect() as connection:
        return connection.execute(query).one_or_none()


def _store(session: StoredSession) -> str | None:
    """Write what changed; returns the new cookie value when there is one."""
    now = clock.now()
    if session.row_id is None:
        return _create(session, now) if session.data else None
    values: dict[str, Any] = {"seen_at": now}
    token = None
    if session.changed:
        values["data"] = _merged(session)
    if session.rotated:
        token = opaque()
        values |= {"token_hash": hash_token(token), "started_at": now}
    if session.modified or session.seen_at is None or session.seen_at < now - _TOUCH:
        with db.engine.begin() as connection:
            connection.execute(sa.update(BrowserSession).where(BrowserSession.id == session.row_id).values(values))
    return token


def _create(session: StoredSession, now: datetime) -> str:
    token = opaque()
    row = {
        "id": uuid7(),
        "token_hash": hash_token(token),
        "data": session.data,
        "started_at": now,
        "seen_at": now,
    }
    with db.engine.begin() as connection:
        connection.execute(sa.insert(BrowserSession).values(row))
    return token


def _merged(session: StoredSession) -> sa.ColumnElement[Any]:
    """The stored values with only the changed keys replaced or removed."""
    kept = BrowserSession.data.op("-")(sa.cast(sorted(session.changed), ARRAY(sa.Text)))
    written = {key: session.data[key] for key in session.changed if key in session.data}
    merged: sa.ColumnElement[Any] = kept.op("||")(sa.cast(written, JSONB))
    return merged
