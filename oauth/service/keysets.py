"""The keys that clients publish at their `jwks_uri`: fetched outside of any transaction, kept for every process."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from oauth.models import ClientKeySet
from oauth.rules.keysets import PAUSE, fresh_for, read_keyset
from platform_core import outbound
from platform_core.database import db
from platform_core.errors import DomainError

TIMEOUT = (2.0, 3.0)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address answered: public keys and how long they count, or the fault that left none."""

    keys: list[dict[str, Any]]
    counts_for: timedelta
    fault: str | None = None


def fetch_keyset(jwks_uri: str) -> Fetched:
    """Ask for a key set. Never raises: an address that does not serve one is a fault to remember."""
    try:
        with outbound.session() as session:
            answer = session.get(jwks_uri, headers={"Accept": "application/jwk-set+json"}, timeout=TIMEOUT)
        keys = read_keyset(answer.status_code, answer.headers.get("Content-Type", ""), answer.content)
    except DomainError as error:
        return Fetched([], PAUSE, error.message)
    except ValueError as error:
        return Fetched([], PAUSE, str(error))
    return Fetched(keys, fresh_for(answer.headers.get("Cache-Control", "")))


def keep_keyset(*, client_pk: UUID, fetched: Fetched, now: datetime) -> None:
    """Keep what was fetched. A failure leaves a copy that still counts as it is, and is not tried again for a while."""
    empty = {"client_pk": client_pk, "keys": [], "fetched_at": now, "fresh_until": now}
    db.session.execute(insert(ClientKeySet).values(empty).on_conflict_do_nothing())
    row = db.session.execute(
        sa.select(ClientKeySet).where(ClientKeySet.client_pk == client_pk).with_for_update()
    ).scalar_one()
    row.fetched_at, row.fault = now, fetched.fault
    if fetched.fault is None or row.fresh_until <= now:
        row.keys, row.fresh_until = fetched.keys, now + fetched.counts_for
