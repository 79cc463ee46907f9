"""The medical summary that a doctor is writing for a patient, and the last that they signed."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import Base


class SynthesisDraft(Base):
    """What a doctor made of the lines that the record proposes, sealed under the key of the patient.

    `content` is the draft that waits until `lapses_at`; `signed` what became the document `document_id`, from which the
    next one begins.
    """

    __tablename__ = "dmp_synthesis_draft"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    professional_id: Mapped[UUID] = mapped_column(primary_key=True)
    content: Mapped[bytes | None]
    changed_at: Mapped[datetime | None]
    lapses_at: Mapped[datetime | None]
    signed: Mapped[bytes | None]
    document_id: Mapped[UUID | None]

    __table_args__ = (
        sa.CheckConstraint("(content IS NULL) = (changed_at IS NULL)", name="changed"),
        sa.CheckConstraint("(content IS NULL) = (lapses_at IS NULL)", name="lapses"),
        sa.CheckConstraint("(signed IS NULL) = (document_id IS NULL)", name="signed"),
        sa.Index(None, "lapses_at"),
    )
