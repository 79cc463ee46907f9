"""The dossiers as they were submitted: append-only."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import Base
from store.models.submissions import Submission


class Version(Base):
    """A dossier as it was sent, numbered from 1 within its submission. Append-only."""

    __tablename__ = "store_version"

    submission_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Submission.id), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    dossier: Mapped[dict[str, Any]] = mapped_column(JSONB)
    grid_version: Mapped[str]
    submitted_at: Mapped[datetime]
    submitted_by: Mapped[UUID | None]
    submitted_by_name: Mapped[str]

    __table_args__ = (sa.CheckConstraint("number > 0", name="number"),)
