"""What opens a record to a professional, or keeps it shut."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from dmp_core.rules.professionals.agreements import AgreementState, Mode
from platform_core.database import Base, one_of, uuid_key

_TREATING = "mode = 'treating-doctor' AND state = 'active'"


class Agreement(Base):
    """What opens a record to one professional, until `ends_at`; the motive of an emergency is encrypted."""

    __tablename__ = "dmp_agreement"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = uuid_key()
    professional_id: Mapped[UUID]
    mode: Mapped[str]
    state: Mapped[str]
    ends_at: Mapped[datetime | None]
    motive: Mapped[bytes | None]
    created_at: Mapped[datetime]
    state_changed_at: Mapped[datetime]

    __table_args__ = (
        one_of("mode", "mode", Mode),
        one_of("state", "state", AgreementState),
        sa.CheckConstraint("(mode = 'emergency') = (motive IS NOT NULL)", name="motive"),
        sa.CheckConstraint("(mode = 'treating-doctor') = (ends_at IS NULL)", name="end"),
        sa.Index("uq_dmp_agreement_treating_doctor", "patient_id", unique=True, postgresql_where=sa.text(_TREATING)),
        sa.Index("ix_dmp_agreement_professional", "professional_id", postgresql_where=sa.text("state = 'active'")),
    )


class Block(Base):
    """A professional whom the patient keeps out."""

    __tablename__ = "dmp_block"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    professional_id: Mapped[UUID] = mapped_column(primary_key=True)
    blocked_at: Mapped[datetime]


class AccessChoice(Base):
    """What the patient allows unasked (no row: both), and the one-off code that waits, hashed under a key."""

    __tablename__ = "dmp_access_choice"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    emergency: Mapped[bool]
    writing: Mapped[bool]
    code_hash: Mapped[bytes | None] = mapped_column(index=True)
    code_until: Mapped[datetime | None]


class FailedAttempt(Base):
    """A code or an identity that a professional got wrong: counted for an hour."""

    __tablename__ = "dmp_failed_attempt"

    professional_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = uuid_key()
    at: Mapped[datetime]
