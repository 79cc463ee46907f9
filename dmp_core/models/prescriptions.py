"""Lines of prescriptions and of dispensations."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from dmp_core.rules.prescriptions.lines import LineKind
from platform_core.database import Base, one_of


class MedicineLine(Base):
    """A line of a prescription or of a dispensation, as `rules.prescriptions.lines.Line` tells it.

    It is written with its document and never again; who sees the document sees it.
    """

    __tablename__ = "dmp_medicine_line"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    document_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    identifier: Mapped[str]
    order: Mapped[str]
    orders: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    label: Mapped[str]
    substances: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    codes: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    written_on: Mapped[date]
    starts_on: Mapped[date | None]
    days: Mapped[int | None]
    repeats: Mapped[int | None]
    quantity: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    unit: Mapped[str]
    partial: Mapped[bool]
    author: Mapped[str]
    dosages: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    remarks: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))

    __table_args__ = (
        one_of("kind", "kind", LineKind),
        sa.Index("ix_dmp_medicine_line_written_on", "patient_id", sa.text("written_on DESC")),
        {"postgresql_partition_by": "HASH (patient_id)"},
    )
