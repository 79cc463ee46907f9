"""Tables of the journal. The application's role inserts and reads; only the sealer writes the sealing columns."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import Base


class JournalEntry(Base):
    """One data call, served or refused. Rows belong to a patient and stand under row-level security.

    `resources` holds the ids that the call touched, when they are few and their category can tell what they are.
    """

    __tablename__ = "core_journal"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    occurred_at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str]
    on_behalf_of: Mapped[UUID | None]
    app_id: Mapped[UUID | None]
    grant_id: Mapped[UUID | None]
    interaction: Mapped[str]
    resource: Mapped[str]
    access: Mapped[str]
    categories: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    count: Mapped[int]
    outcome: Mapped[str]
    code: Mapped[str]
    request_id: Mapped[str]
    resources: Mapped[list[UUID] | None] = mapped_column(ARRAY(sa.Uuid))
    batch: Mapped[int | None] = mapped_column(sa.BigInteger)
    position: Mapped[int | None]
    leaf: Mapped[bytes | None]

    __table_args__ = (
        sa.CheckConstraint("outcome IN ('served', 'refused')", name="outcome"),
        sa.Index("ix_core_journal_patient_time", "patient_id", sa.text("occurred_at DESC"), sa.text("id DESC")),
        sa.Index("ix_core_journal_grant", "patient_id", "grant_id", sa.text("occurred_at DESC")),
        sa.Index(
            "ix_core_journal_people",
            "patient_id",
            "actor_id",
            postgresql_where=sa.text("actor_kind <> 'application'"),
        ),
        sa.Index("ix_core_journal_unsealed", "id", postgresql_where=sa.text("batch IS NULL")),
        sa.Index("ix_core_journal_batch", "batch", "position", postgresql_where=sa.text("batch IS NOT NULL")),
    )


class JournalBatch(Base):
    """One sealed batch: the Merkle root of its rows, chained to the batch before, signed."""

    __tablename__ = "core_journal_batch"

    number: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True, autoincrement=False)
    sealed_at: Mapped[datetime]
    size: Mapped[int]
    root: Mapped[bytes]
    previous: Mapped[bytes]
    chain: Mapped[bytes]
    signature: Mapped[str]
    dropped_at: Mapped[datetime | None]
