"""Values that may be seen once. PostgreSQL keeps them: losing Redis replays nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from oauth.errors import InvalidClient, OAuthRefusal
from oauth.rules.replays import idle_slot, slots_of
from platform_core import clock
from platform_core.crypto import hash_token
from platform_core.database import db, run

ASSERTION = "assertion"
PROOF = "proof"
RECORD = """
INSERT INTO oauth_replay (slot, value_hash) SELECT * FROM unnest(%(slots)s::smallint[], %(hashes)s::bytea[])
ON CONFLICT DO NOTHING RETURNING value_hash
"""


@dataclass(frozen=True, slots=True)
class Once:
    """A value that may be seen once, until it could no longer be accepted anyway."""

    kind: str
    value: str
    expires_at: datetime

    @property
    def digest(self) -> bytes:
        return hash_token(f"{self.kind} {self.value}")


def places(values: Iterable[Once]) -> dict[str, Any]:
    """The parameters of `RECORD`: the slots to write in, always in the same order, so that no two requests wait for
    each other."""
    now = clock.now()
    pairs = sorted((slot, value.digest) for value in values for slot in slots_of(now, value.expires_at))
    return {"slots": [slot for slot, _ in pairs], "hashes": [digest for _, digest in pairs]}


def require_new(values: Iterable[Once], wanted: Sequence[bytes], recorded: Iterable[Any]) -> None:
    """Compare what `RECORD` was asked to write with what it wrote. Raises the refusal of a value seen before:
    `InvalidClient`, `OAuthRefusal` (`invalid_dpop_proof`)."""
    left = list(wanted)
    for row in recorded:
        left.remove(row.value_hash)
    for value in values:
        if value.digest in left:
            raise _refusal(value)


def _refusal(value: Once) -> InvalidClient | OAuthRefusal:
    if value.kind == ASSERTION:
        return InvalidClient("The client assertion was used before.")
    return OAuthRefusal("invalid_dpop_proof", "the proof was used before.")


def use_up(values: Sequence[Once]) -> None:
    """Record values, by one statement. Raises as `require_new`."""
    if values:
        written = places(values)
        require_new(values, written["hashes"], run(RECORD, written))


def forget_idle() -> None:
    """Empty the slot that no check reads now. The transaction is of the role ens_batch."""
    db.session.execute(sa.text(f"TRUNCATE oauth_replay_{idle_slot(clock.now())}"))
