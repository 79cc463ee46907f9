"""Tables of the consent. Those that a patient owns stand under row-level security, `patient_id` first in their keys.

The request is not the consent: it asks a question, and belongs to nobody until somebody begins to answer it.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from consent.rules.cascade import Change
from consent.workflow import LIVE, OPEN, ErasureState, Origin, RequestStatus, Status
from platform_core.access import Access
from platform_core.database import Base, one_of, uuid_key
from platform_core.permission import PeriodicityKind, Purpose, Unit

_LIVE = sa.text(f"status IN ({', '.join(sorted(repr(str(status)) for status in LIVE))})")
_OPEN = sa.text(f"status IN ({', '.join(sorted((repr(str(status)) for status in OPEN), reverse=True))})")
CONSENT_KEY = ["consent_consent.patient_id", "consent_consent.id"]


class Consent(Base):
    """One patient and one app. `id` is the OAuth `grant_id`.

    `valid_until` is excluded. `event_count` and `event_head` hold the end of the chain of `consent_event`.
    """

    __tablename__ = "consent_consent"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = uuid_key()
    app_id: Mapped[UUID]
    client_pk: Mapped[UUID]
    environment: Mapped[str]
    app_name: Mapped[str]
    publisher_name: Mapped[str]
    status: Mapped[str]
    version: Mapped[int]
    purpose: Mapped[str]
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime]
    presence_until: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    event_count: Mapped[int] = mapped_column(default=0)
    event_head: Mapped[bytes] = mapped_column(default=bytes(32))

    __table_args__ = (
        sa.UniqueConstraint("id"),
        one_of("status", "status", Status),
        one_of("purpose", "purpose", Purpose),
        sa.CheckConstraint("environment IN ('production', 'sandbox')", name="environment"),
        sa.CheckConstraint("valid_from < valid_until", name="validity"),
        sa.Index("uq_consent_consent_live", "patient_id", "app_id", unique=True, postgresql_where=_LIVE),
        sa.Index("ix_consent_consent_due", "valid_until", postgresql_where=_LIVE),
        sa.Index("ix_consent_consent_app", "app_id", "id", postgresql_where=_LIVE),
        sa.Index("ix_consent_consent_of_app", "app_id", "id"),
    )


class ConsentItem(Base):
    """One (category, access) granted: dates of the data and periodicity."""

    __tablename__ = "consent_item"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    consent_id: Mapped[UUID] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(primary_key=True)
    access: Mapped[str] = mapped_column(primary_key=True)
    data_from: Mapped[date | None]
    data_to: Mapped[date | None]
    periodicity_kind: Mapped[str]
    periodicity_max: Mapped[int | None]
    periodicity_unit: Mapped[str | None]

    __table_args__ = (
        sa.ForeignKeyConstraint(["patient_id", "consent_id"], CONSENT_KEY),
        one_of("access", "access", Access),
        one_of("periodicity_kind", "periodicity_kind", PeriodicityKind),
        one_of("periodicity_unit", "periodicity_unit", Unit),
        sa.CheckConstraint("data_from <= data_to", name="data_period"),
        sa.CheckConstraint(
            "(periodicity_kind = 'recurring') = (periodicity_max IS NOT NULL AND periodicity_unit IS NOT NULL)"
            " AND periodicity_max > 0",
            name="periodicity",
        ),
    )


class ConsentUsage(Base):
    """The windows of one (consent, category, access). It outlives amendments; a counter for each calendar unit."""

    __tablename__ = "consent_usage"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    consent_id: Mapped[UUID] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(primary_key=True)
    access: Mapped[str] = mapped_column(primary_key=True)
    window_until: Mapped[datetime | None]
    once_until: Mapped[datetime | None]
    hour_start: Mapped[datetime]
    hour_used: Mapped[int]
    day_start: Mapped[datetime]
    day_used: Mapped[int]
    week_start: Mapped[datetime]
    week_used: Mapped[int]
    month_start: Mapped[datetime]
    month_used: Mapped[int]
    last_opened_at: Mapped[datetime]

    __table_args__ = (
        sa.ForeignKeyConstraint(["patient_id", "consent_id"], CONSENT_KEY),
        sa.Index("ix_consent_usage_once", "once_until", postgresql_where=sa.text("once_until IS NOT NULL")),
    )


class ConsentVersion(Base):
    """What was decided, when, by whom, on which texts. Append-only. `text_hash` is the SHA-256 of the texts shown."""

    __tablename__ = "consent_version"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    consent_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    decided_at: Mapped[datetime]
    decided_by: Mapped[UUID | None]
    decider_kind: Mapped[str]
    decider_name: Mapped[str]
    assurance: Mapped[str]
    locale: Mapped[str]
    text_version: Mapped[str]
    text_hash: Mapped[bytes]
    snapshot: Mapped[dict[str, Any]] = mapped_column(JSONB)

    __table_args__ = (sa.ForeignKeyConstraint(["patient_id", "consent_id"], CONSENT_KEY),)


class ConsentEvent(Base):
    """One act in the life of a consent. Append-only; `hash` covers the act and the hash before it."""

    __tablename__ = "consent_event"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    consent_id: Mapped[UUID] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    occurred_at: Mapped[datetime]
    kind: Mapped[str]
    version: Mapped[int]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str]
    on_behalf_of: Mapped[UUID | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    hash: Mapped[bytes]

    __table_args__ = (sa.ForeignKeyConstraint(["patient_id", "consent_id"], CONSENT_KEY),)


class ConsentReceipt(Base):
    """The signed receipt of one act. Append-only; `number` is that of the act in the chain of events."""

    __tablename__ = "consent_receipt"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    consent_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int]
    kind: Mapped[str]
    issued_at: Mapped[datetime]
    jws: Mapped[str]

    __table_args__ = (sa.ForeignKeyConstraint(["patient_id", "consent_id"], CONSENT_KEY),)


class ConsentRequest(Base):
    """A question to a patient. `choice` is what they ticked and have not confirmed yet.

    Without `browser_hash` it was opened in the patient's own space. `silent`: it was refused for them, unseen, because
    they had turned the app down twice. `closed_at` is when it left the open statuses.
    """

    __tablename__ = "consent_request"

    id: Mapped[UUID] = uuid_key()
    app_id: Mapped[UUID]
    client_pk: Mapped[UUID]
    environment: Mapped[str]
    app_name: Mapped[str]
    publisher_name: Mapped[str]
    application_id: Mapped[UUID | None]
    items: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    ceiling: Mapped[dict[str, Any]] = mapped_column(JSONB)
    purpose: Mapped[str]
    valid_until: Mapped[date]
    origin: Mapped[str]
    resume_path: Mapped[str]
    browser_hash: Mapped[bytes | None]
    grant_id: Mapped[UUID | None]
    merges: Mapped[bool]
    status: Mapped[str]
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    patient_id: Mapped[UUID | None] = mapped_column(index=True)
    choice: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None]
    assurance: Mapped[str] = mapped_column(default="")
    consent_id: Mapped[UUID | None]
    consent_version: Mapped[int | None]
    taken_at: Mapped[datetime | None]
    silent: Mapped[bool] = mapped_column(default=False)
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("status", "status", RequestStatus),
        one_of("origin", "origin", Origin),
        sa.Index("ix_consent_request_due", "expires_at", postgresql_where=_OPEN),
        sa.Index("ix_consent_request_standing", "patient_id", "app_id", postgresql_where=_OPEN),
        sa.Index("ix_consent_request_refused", "patient_id", postgresql_where=sa.text("status = 'refused'")),
        sa.Index("ix_consent_request_closed", "closed_at", postgresql_where=sa.text("closed_at IS NOT NULL")),
    )


class ConsentSilence(Base):
    """How often a patient turned an app down since they last let it ask; two refusals keep it silent for a while."""

    __tablename__ = "consent_silence"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    app_id: Mapped[UUID] = mapped_column(primary_key=True)
    app_name: Mapped[str]
    refusals: Mapped[int] = mapped_column(sa.SmallInteger)
    refused_at: Mapped[datetime]
    silent_until: Mapped[datetime | None]

    __table_args__ = (
        sa.CheckConstraint("refusals IN (1, 2) AND (refusals = 2) = (silent_until IS NOT NULL)", name="counted"),
        sa.Index("ix_consent_silence_refused_at", "refused_at"),
    )


class Exclusion(Base):
    """One resource (a measure, a document) that an app never gets, whatever its consent covers."""

    __tablename__ = "consent_exclusion"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID] = mapped_column(primary_key=True)
    resource_id: Mapped[UUID] = mapped_column(primary_key=True)
    category: Mapped[str]
    created_at: Mapped[datetime]


class Erasure(Base):
    """What a patient asked an app to erase after a consent ended (RGPD art. 17).

    `patient_reference` is the id by which the app knows the patient; `due_at` ends the month of art. 12.3; `motive` is
    what the publisher answers when it refuses.
    """

    __tablename__ = "consent_erasure"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    consent_id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID]
    patient_reference: Mapped[str]
    state: Mapped[str]
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    motive: Mapped[str] = mapped_column(default="")
    reminded_at: Mapped[datetime | None]
    overdue_at: Mapped[datetime | None]

    __table_args__ = (
        sa.ForeignKeyConstraint(["patient_id", "consent_id"], CONSENT_KEY),
        one_of("state", "state", ErasureState),
        sa.CheckConstraint("(state = 'refused') = (motive <> '')", name="motive"),
        sa.Index(None, "application_id", "asked_at"),
        sa.Index("ix_consent_erasure_due", "due_at", postgresql_where=sa.text("state IN ('asked', 'acknowledged')")),
    )


class ConsentClock(Base):
    """How far ahead of real time the consents of one sandbox client and one synthetic patient live."""

    __tablename__ = "consent_clock"

    client_pk: Mapped[UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    offset_seconds: Mapped[float]

    __table_args__ = (sa.CheckConstraint("offset_seconds >= 0", name="forward_only"),)


class Cascade(Base):
    """One change of an app's referencing, on its way into the consents that it concerns.

    `number` orders the changes of an app. `cursor` is the last consent that was visited, in the order of their ids;
    `left` names those that could not be brought up to date yet.
    """

    __tablename__ = "consent_cascade"

    application_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    change: Mapped[str]
    decided_at: Mapped[datetime]
    total: Mapped[int]
    cursor: Mapped[UUID | None]
    done: Mapped[int] = mapped_column(default=0)
    told: Mapped[int] = mapped_column(default=0)
    left: Mapped[list[str]] = mapped_column(JSONB, default=list)
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("change", "change", Change),
        sa.Index("ix_consent_cascade_decided_at", "decided_at"),
    )
