"""Files made in the background for one person about one patient, kept a day under the patient's key.

Who asked alone finds them: another who may look at the same record does not see the same things. A room asks, makes
the file in a task of its own, and delivers it here.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from platform_core import clock
from platform_core.access import Actor, ActorKind
from platform_core.blobs.service import BlobRef
from platform_core.database import Base, db
from platform_core.errors import NotFound, TooManyRequests
from platform_core.ids import uuid7

COLLECTION = "downloads"
KEPT = timedelta(hours=24)
PATIENCE = timedelta(hours=1)
MOST = 5
"""How many downloads of one kind one person may have at once: each may weigh gigabytes."""


class Download(Base):
    """A file asked for, then made: `done` of `total` steps; without `ready_at`, it is not there yet."""

    __tablename__ = "core_download"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    asked_by: Mapped[UUID]
    asker_kind: Mapped[str]
    asker_name: Mapped[str]
    asked_at: Mapped[datetime]
    done: Mapped[int]
    total: Mapped[int]
    ready_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    blob_name: Mapped[str | None]
    size: Mapped[int | None] = mapped_column(sa.BigInteger)
    sha256: Mapped[bytes | None]

    __table_args__ = (sa.Index(None, "expires_at"), sa.Index(None, "blob_name"))

    @property
    def asker(self) -> Actor:
        """Who asked, as they acted."""
        kind = ActorKind(self.asker_kind)
        of = self.patient_id if kind is ActorKind.REPRESENTATIVE else None
        return Actor(kind, self.asked_by, self.asker_name, on_behalf_of=of)

    @property
    def blob(self) -> BlobRef | None:
        """The file, once it is there."""
        if self.blob_name is None or self.size is None or self.sha256 is None:
            return None
        return BlobRef(self.blob_name, self.size, self.sha256)


def ask(*, patient_id: UUID, kind: str, by: Actor) -> tuple[Download, bool]:
    """The download to be made, and whether it is a new one: one that began within the hour is not begun again.

    Raises `TooManyRequests` (`too-many-downloads`) when the person has `MOST` of them.
    """
    now = clock.now()
    db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"{patient_id}:{kind}", 0))))
    present = find_latest(patient_id=patient_id, kind=kind, by=by)
    if present and present.ready_at is None and present.asked_at > now - PATIENCE:
        return present, False
    if count_present(patient_id=patient_id, kind=kind, by=by) >= MOST:
        raise TooManyRequests("Several copies were made today already: use one of them.", code="too-many-downloads")
    made = Download(
        patient_id=patient_id,
        id=uuid7(),
        kind=kind,
        asked_by=by.id,
        asker_kind=by.kind,
        asker_name=by.name,
        asked_at=now,
        done=0,
        total=0,
        expires_at=now + KEPT,
    )
    db.session.add(made)
    db.session.flush()
    return made, True


def find_latest(*, patient_id: UUID, kind: str, by: Actor) -> Download | None:
    """The last download of a kind that this person asked for and that is not over."""
    theirs = sa.select(Download).where(*_present(patient_id, kind, by))
    return db.session.scalar(theirs.order_by(Download.id.desc()).limit(1))


def count_present(*, patient_id: UUID, kind: str, by: Actor) -> int:
    """How many downloads of a kind this person has that are not over."""
    theirs = sa.select(sa.func.count()).select_from(Download).where(*_present(patient_id, kind, by))
    return db.session.scalar(theirs) or 0


def find_waiting(*, patient_id: UUID, download_id: UUID) -> Download | None:
    """A download that is still to be made; None when it was made, or is over."""
    found = db.session.get(Download, (patient_id, download_id))
    return found if found and found.ready_at is None and found.expires_at > clock.now() else None


def record_progress(*, patient_id: UUID, download_id: UUID, done: int, total: int) -> None:
    """Tell how far the making is."""
    this = (Download.patient_id == patient_id, Download.id == download_id)
    db.session.execute(sa.update(Download).where(*this).values(done=done, total=total))


def deliver(*, patient_id: UUID, download_id: UUID, blob: BlobRef) -> bool:
    """Put the file at the disposal of who asked, for a day from now; False when another making came first."""
    now = clock.now()
    this = (Download.patient_id == patient_id, Download.id == download_id, Download.ready_at.is_(None))
    values = {"blob_name": blob.name, "size": blob.size, "sha256": blob.sha256}
    statement = sa.update(Download).where(*this).values(ready_at=now, expires_at=now + KEPT, **values)
    return cast("sa.CursorResult[None]", db.session.execute(statement)).rowcount == 1


def get_ready(*, patient_id: UUID, download_id: UUID, by: Actor) -> BlobRef:
    """The file that this person asked for. Raises `NotFound` when it is not there, not theirs, or over."""
    found = db.session.get(Download, (patient_id, download_id))
    mine = found is not None and (found.asked_by, found.asker_kind) == (by.id, by.kind)
    if found is None or not mine or found.blob is None or found.expires_at <= clock.now():
        raise NotFound("There is no such file any more.")
    return found.blob


def list_referenced_blobs(names: Collection[str]) -> Collection[str]:
    """Those of the files that a download names, for the sweep of orphans."""
    return db.session.scalars(sa.select(Download.blob_name).where(Download.blob_name.in_(names))).all()  # type: ignore[return-value]


def list_blobs_of(patient_id: UUID) -> Collection[str]:
    """The files made about one patient."""
    theirs = sa.select(Download.blob_name).where(Download.patient_id == patient_id, Download.blob_name.is_not(None))
    return db.session.scalars(theirs).all()  # type: ignore[return-value]


def drop_expired() -> int:
    """Forget the downloads that are over, as the batch role; their files become orphans. Returns how many."""
    over = sa.delete(Download).where(Download.expires_at <= clock.now())
    return cast("sa.CursorResult[None]", db.session.execute(over)).rowcount


def _present(patient_id: UUID, kind: str, by: Actor) -> tuple[sa.ColumnElement[bool], ...]:
    of = (Download.patient_id == patient_id, Download.kind == kind)
    return *of, Download.asked_by == by.id, Download.asker_kind == by.kind, Download.expires_at > clock.now()
