"""`Idempotency-Key`: the same request sent again within 24 hours gets the answer of the first, and does nothing.

The key is claimed in the transaction of the request: a twin that runs at the same time waits for its outcome.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Mapped, mapped_column

from platform_core import clock
from platform_core.access import DataCall
from platform_core.database import Base, db
from platform_core.errors import Fault, Invalid, Malformed

KEPT = timedelta(hours=24)
_LONGEST_KEY = 255


class IdempotencyKey(Base):
    """A key that a caller used on a patient's record, the hash of the request and the answer that it got."""

    __tablename__ = "core_idempotency"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    caller: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes]
    created_at: Mapped[datetime]
    status: Mapped[int | None]
    categories: Mapped[list[str] | None] = mapped_column(ARRAY(sa.Text))
    location: Mapped[str | None]
    version: Mapped[int | None]
    answer: Mapped[str | None]

    __table_args__ = (sa.Index(None, "created_at"),)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: enough to answer the same again. `location` and `version` are those of a single resource."""

    status: int
    text: str
    categories: tuple[str, ...]
    location: str = ""
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A key held by the present request, or, with `answer`, the one that an earlier request used."""

    patient_id: UUID
    caller: str
    key: str
    answer: Answer | None = None

    def keep(self, answer: Answer) -> None:
        """Store the answer beside the key."""
        db.session.execute(
            sa.update(IdempotencyKey)
            .where(*_same(self.patient_id, self.caller, self.key))
            .values(
                status=answer.status,
                answer=answer.text,
                categories=list(answer.categories),
                location=answer.location,
                version=answer.version,
            )
        )


def claim(call: DataCall, key: str, request: Sequence[bytes]) -> Claim:
    """Take the key for this request (method, path and body).

    Raises `Invalid` (`invalid-resource`) when the key was used for another request, `Malformed` when it is too long.
    """
    if not 0 < len(key) <= _LONGEST_KEY:
        raise Malformed(f"Idempotency-Key must hold 1 to {_LONGEST_KEY} characters.", code="invalid-parameter")
    digest = hashlib.sha256(b"\n".join(request)).digest()
    if not _take(call.patient_id, call.caller, key, digest):
        found = _find(call.patient_id, call.caller, key)
        if found.request_hash != digest:
            raise Invalid(
                "This Idempotency-Key was used for another request.",
                code="invalid-resource",
                faults=[Fault("Idempotency-Key", "was used for another request.", "conflict")],
            )
        return Claim(call.patient_id, call.caller, key, _answer(found))
    return Claim(call.patient_id, call.caller, key)


def purge() -> None:
    """Forget the keys older than 24 hours."""
    db.session.execute(sa.delete(IdempotencyKey).where(IdempotencyKey.created_at < clock.now() - KEPT))


def _take(patient_id: UUID, caller: str, key: str, digest: bytes) -> bool:
    """Insert the key, or take over one that is older than 24 hours."""
    now = clock.now()
    row = {"request_hash": digest, "created_at": now, "status": None, "answer": None}
    statement = insert(IdempotencyKey).values(patient_id=patient_id, caller=caller, key=key, **row)
    taken = statement.on_conflict_do_update(
        index_elements=["patient_id", "caller", "key"],
        set_=row,
        where=IdempotencyKey.created_at < now - KEPT,
    ).returning(IdempotencyKey.created_at)
    return db.session.execute(taken).first() is not None


def _find(patient_id: UUID, caller: str, key: str) -> IdempotencyKey:
    return db.session.execute(sa.select(IdempotencyKey).where(*_same(patient_id, caller, key))).scalar_one()


def _answer(found: IdempotencyKey) -> Answer:
    return Answer(
        found.status or 200, found.answer or "", tuple(found.categories or ()), found.location or "", found.version
    )


def _same(patient_id: UUID, caller: str, key: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        IdempotencyKey.patient_id == patient_id,
        IdempotencyKey.caller == caller,
        IdempotencyKey.key == key,
    )
