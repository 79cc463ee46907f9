"""Values that may be seen once. PostgreSQL keeps them: losing Redis replays nothing."""

from datetime import datetime

import sqlalchemy as sa

from oauth.rules.replays import idle_slot, slots_of
from platform_core import clock
from platform_core.crypto import hash_token
from platform_core.database import db, run

ASSERTION = "assertion"
PROOF = "proof"
_REMEMBER = """
INSERT INTO oauth_replay (slot, value_hash) SELECT unnest(%(slots)s::smallint[]), %(value_hash)s
ON CONFLICT DO NOTHING RETURNING slot
"""


def remember(kind: str, value: str, expires_at: datetime) -> bool:
    """Record a value until it could no longer be accepted anyway. False when it was seen before."""
    slots = list(slots_of(clock.now(), expires_at))
    return len(run(_REMEMBER, {"slots": slots, "value_hash": hash_token(f"{kind} {value}")})) == len(slots)


def forget_idle() -> None:
    """Empty the slot that no check reads now. The transaction is of the role ens_batch."""
    db.session.execute(sa.text(f"TRUNCATE oauth_replay_{idle_slot(clock.now())}"))
