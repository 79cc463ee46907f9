"""The evidence of an organisation, and what it proves in its dossiers."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import Base, one_of, uuid_key
from store.models.submissions import Submission
from store.rules.evidence import TargetKind


class Evidence(Base):
    """One file that proves something, valid from one day to another (both included; None: no bound).

    A newer file supersedes it, never erases it. `warned_days` is the shortest notice of its expiry that was given.
    """

    __tablename__ = "store_evidence"

    id: Mapped[UUID] = uuid_key()
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("identity_organisation.id"))
    kind: Mapped[str]
    title: Mapped[str]
    file_name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int] = mapped_column(sa.BigInteger)
    sha256: Mapped[bytes]
    blob_name: Mapped[str] = mapped_column(index=True)
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]
    added_by: Mapped[UUID]
    added_by_name: Mapped[str]
    added_at: Mapped[datetime]
    superseded_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("store_evidence.id"), unique=True)
    warned_days: Mapped[int | None]

    __table_args__ = (
        sa.CheckConstraint("size > 0", name="size"),
        sa.CheckConstraint("valid_until >= valid_from", name="validity"),
        sa.Index("ix_store_evidence_organisation_id", "organisation_id", "added_at"),
        sa.Index("ix_store_evidence_expiring", "valid_until", postgresql_where=sa.text("superseded_by IS NULL")),
    )


class EvidenceLink(Base):
    """That a piece of evidence backs a criterion or a section of a submission, from one instant to another."""

    __tablename__ = "store_evidence_link"

    id: Mapped[UUID] = uuid_key()
    submission_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Submission.id))
    target_kind: Mapped[str]
    target: Mapped[str]
    evidence_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Evidence.id), index=True)
    linked_by: Mapped[UUID]
    linked_at: Mapped[datetime]
    unlinked_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("target_kind", "target_kind", TargetKind),
        sa.CheckConstraint("unlinked_at >= linked_at", name="dates"),
        sa.Index(
            "uq_store_evidence_link_live",
            "submission_id",
            "target_kind",
            "target",
            "evidence_id",
            unique=True,
            postgresql_where=sa.text("unlinked_at IS NULL"),
        ),
        sa.Index("ix_store_evidence_link_submission_id", "submission_id"),
    )
