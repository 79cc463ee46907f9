"""Values that may be seen once. PostgreSQL keeps them: losing Redis replays nothing."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from oauth.models import Replay
from platform_core import clock
from platform_core.crypto import hash_token
from platform_core.database import db

ASSERTION = "assertion"
PROOF = "proof"


def remember(kind: str, value: str, expires_at: datetime) -> bool:
    """Record a value until it could no longer be accepted anyway. False when it was seen before."""
    row = {"kind": kind, "value_hash": hash_token(value), "expires_at": expires_at}
    statement = insert(Replay).values(row).on_conflict_do_nothing().returning(Replay.kind)
    return db.session.execute(statement).one_or_none() is not None


def forget_expired() -> None:
    """Delete what no check would accept any more."""
    db.session.execute(sa.delete(Replay).where(Replay.expires_at < clock.now()))
