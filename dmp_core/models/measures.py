"""Measures, the devices that took them, and the goals of a person.

A measure keeps the Observation as text without what each reader sees differently (id, meta, subject, device), so that
it is sent back by splicing. Measures are partitioned by hash of the patient.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import Base


class StoredMeasure(Base):
    """One measure. `value2` is the diastolic pressure; `author_id` and `author_name` tell who wrote it.

    With `hidden_at`, no app and no professional reads it; if it is entered in error too, nobody does: it is deleted.
    """

    __tablename__ = "dmp_measure"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    effective_at: Mapped[datetime]
    value: Mapped[Decimal] = mapped_column(sa.Numeric)
    value2: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    status: Mapped[str]
    device_id: Mapped[UUID | None]
    device_details: Mapped[Any | None] = mapped_column(JSON)
    author_id: Mapped[UUID | None]
    author_name: Mapped[str]
    source: Mapped[str]
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    meta: Mapped[Any] = mapped_column(JSON)
    body: Mapped[Any] = mapped_column(JSON)
    hidden_at: Mapped[datetime | None]

    __table_args__ = (
        sa.Index("ix_dmp_measure_kind_time", "patient_id", "kind", sa.text("effective_at DESC"), sa.text("id DESC")),
        sa.Index(None, "patient_id", "updated_at", "id"),
        {"postgresql_partition_by": "HASH (patient_id)"},
    )


class StoredDevice(Base):
    """A device, known by one identifier within a record. The patient may give it a `label`, and put it aside."""

    __tablename__ = "dmp_device"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    identifier_system: Mapped[str]
    identifier_value: Mapped[str]
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    meta: Mapped[Any] = mapped_column(JSON)
    body: Mapped[Any] = mapped_column(JSON)
    label: Mapped[str] = mapped_column(server_default="")
    put_aside_at: Mapped[datetime | None]

    __table_args__ = (sa.UniqueConstraint("patient_id", "identifier_system", "identifier_value"),)


class StoredGoal(Base):
    """What a person aims at for one kind of measure, in its unit: bounds that are themselves within the goal.

    `low2` and `high2` are those of the diastolic pressure. Past `until`, its last day, a goal holds no longer.
    """

    __tablename__ = "dmp_measure_goal"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    low: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    high: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    low2: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    high2: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    until: Mapped[date | None]
    author_kind: Mapped[str]
    author_id: Mapped[UUID]
    author_name: Mapped[str]
    set_at: Mapped[datetime]


class MeasureRow(NamedTuple):
    """A measure as queries bring it: texts ready to be spliced. The id of a computed one is not a UUID."""

    id: str
    kind: str
    effective_at: datetime
    version: int
    updated_at: datetime
    author_id: str | None
    source: str
    meta: str
    body: str
    device_id: UUID | None
    device_details: str | None


class DeviceRow(NamedTuple):
    """A device as queries bring it."""

    id: UUID
    version: int
    updated_at: datetime
    meta: str
    body: str
