"""Facts of the record that are not measures: results, vaccinations, reimbursements, the health profile."""

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSON
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import Base


class StoredEntry(Base):
    """One entry of the record: a vaccination, a reimbursement, a line of the health profile, a result of biology.

    `codes` and `identifiers` are `system|value`. `wrong` says that it was entered in error, `hidden_at` that the
    patient keeps it from all others; `document_id` and `path` name the place of the document where it was read.
    """

    __tablename__ = "dmp_entry"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    category: Mapped[str]
    version: Mapped[int]
    status: Mapped[str]
    wrong: Mapped[bool]
    label: Mapped[str]
    codes: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    identifiers: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    effective_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    value: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    unit: Mapped[str]
    low: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    high: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    interpretation: Mapped[str]
    document_id: Mapped[UUID | None]
    path: Mapped[str]
    hidden_at: Mapped[datetime | None]
    author_id: Mapped[UUID | None]
    author_name: Mapped[str]
    source: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    meta: Mapped[Any] = mapped_column(JSON)
    body: Mapped[Any] = mapped_column(JSON)

    __table_args__ = (
        sa.Index(
            "ix_dmp_entry_category_time", "patient_id", "category", sa.text("effective_at DESC"), sa.text("id DESC")
        ),
        sa.Index(None, "patient_id", "updated_at", "id"),
        sa.Index(None, "patient_id", "document_id"),
        {"postgresql_partition_by": "HASH (patient_id)"},
    )


class EntryRow(NamedTuple):
    """An entry as queries bring it; `meta` and `body` are texts ready to be spliced."""

    id: UUID
    category: str
    version: int
    status: str
    label: str
    codes: list[str]
    effective_at: datetime
    ends_at: datetime | None
    value: Decimal | None
    unit: str
    low: Decimal | None
    high: Decimal | None
    interpretation: str
    document_id: UUID | None
    hidden_at: datetime | None
    author_id: UUID | None
    author_name: str
    source: str
    updated_at: datetime
    meta: str
    body: str
