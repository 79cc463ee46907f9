"""Values that may be seen once. PostgreSQL keeps them: losing Redis replays nothing."""

from datetime import datetime

import sqlalchemy as sa

from oauth.models import Replay
from platform_core import clock
from platform_core.crypto import hash_token
from platform_core.database import db, run

ASSERTION = "assertion"
PROOF = "proof"
_REMEMBER = """
INSERT INTO oauth_replay (kind, value_hash, expires_at) VALUES (%(kind)s, %(value_hash)s, %(expires_at)s)
ON CONFLICT DO NOTHING RETURNING kind
"""


def remember(kind: str, value: str, expires_at: datetime) -> bool:
    """Record a value until it could no longer be accepted anyway. False when it was seen before."""
    row = {"kind": kind, "value_hash": hash_token(value), "expires_at": expires_at}
    return len(run(_REMEMBER, row)) == 1


def forget_expired() -> None:
    """Delete what no check would accept any more."""
    db.session.execute(sa.delete(Replay).where(Replay.expires_at < clock.now()))
