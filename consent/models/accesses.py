"""Tables beside the journal of accesses: what patients contest, what was out of an app's habit."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from consent.models.consents import CONSENT_KEY
from consent.rules import reports
from consent.rules.volume import Kind
from platform_core.database import Base, one_of, uuid_key


class AccessReport(Base):
    """An access that a patient does not recognise, as the authority examines it: no patient, no health data.

    `patient_reference` is the pairwise id by which the app, or the professional, knows the patient; `families` are
    those of the categories touched. `application_id` is empty for the access of a professional.
    """

    __tablename__ = "consent_report"

    id: Mapped[UUID] = uuid_key()
    number: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), unique=True)
    application_id: Mapped[UUID | None] = mapped_column(index=True)
    actor_kind: Mapped[str]
    actor_name: Mapped[str]
    patient_reference: Mapped[str]
    request_id: Mapped[str]
    accessed_at: Mapped[datetime]
    access: Mapped[str]
    outcome: Mapped[str]
    families: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    motive: Mapped[str]
    paused: Mapped[bool]
    state: Mapped[str]
    answer: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", "state", reports.State),
        one_of("motive", "motive", reports.Motive),
        sa.Index(None, "state", "created_at"),
    )


class AccessReportEvent(Base):
    """One transition of a report. Append-only. The patient is not named."""

    __tablename__ = "consent_report_event"

    id: Mapped[UUID] = uuid_key()
    report_id: Mapped[UUID] = mapped_column(sa.ForeignKey(AccessReport.id, ondelete="CASCADE"), index=True)
    verb: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    actor_kind: Mapped[str]
    actor_name: Mapped[str]
    occurred_at: Mapped[datetime]

    __table_args__ = (one_of("verb", "verb", reports.Verb),)


class ContestedAccess(Base):
    """The line of the journal that a patient contests, and their report. `told_state` is the last they heard of."""

    __tablename__ = "consent_contested_access"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID] = mapped_column(primary_key=True)
    report_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey(AccessReport.id, ondelete="CASCADE", deferrable=True, initially="DEFERRED"), unique=True
    )
    told_state: Mapped[str]


class UnusualUse(Base):
    """What an app did out of its habit with one patient, on one day (Europe/Paris)."""

    __tablename__ = "consent_unusual_use"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    consent_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True, index=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    usual: Mapped[int]
    categories: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    noticed_at: Mapped[datetime]

    __table_args__ = (sa.ForeignKeyConstraint(["patient_id", "consent_id"], CONSENT_KEY), one_of("kind", "kind", Kind))


class Watch(Base):
    """How far a reader of the sealed journal has come: the number of the last batch that it looked at."""

    __tablename__ = "consent_watch"

    name: Mapped[str] = mapped_column(primary_key=True)
    batch: Mapped[int] = mapped_column(sa.BigInteger)
    moved_at: Mapped[datetime]
