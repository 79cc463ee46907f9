"""Tables of the referencing: the application, its submissions and their verdicts, decisions, history, the listing."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import Base, one_of, uuid_key
from store.rules.grid import Verdict as VerdictValue
from store.workflow import FINAL, ListingState, SubmissionState, Verb

LISTING_NUMBER = sa.Sequence("store_listing_number_seq", metadata=Base.metadata)
_OPEN = f"state NOT IN ({', '.join(sorted(repr(str(state)) for state in FINAL))})"


class Application(Base):
    """A service that an organisation wants referenced. Its name follows the dossier until it is listed."""

    __tablename__ = "store_application"

    id: Mapped[UUID] = uuid_key()
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("identity_organisation.id"), index=True)
    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]


class Submission(Base):
    """One dossier, from draft to decision; an application has at most one that is not decided.

    `proposal` is the verb that the evaluation proposes to the decider. `version` counts the writes.
    """

    __tablename__ = "store_submission"

    id: Mapped[UUID] = uuid_key()
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Application.id))
    number: Mapped[int]
    state: Mapped[str]
    dossier: Mapped[dict[str, Any]] = mapped_column(JSONB)
    grid_version: Mapped[str]
    proposal: Mapped[str | None]
    evaluator_id: Mapped[UUID | None]
    evaluator_name: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column()
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", "state", SubmissionState),
        sa.UniqueConstraint("application_id", "number"),
        sa.Index("uq_store_submission_open", "application_id", unique=True, postgresql_where=sa.text(_OPEN)),
        sa.Index("ix_store_submission_queue", "state", "submitted_at"),
    )
    __mapper_args__ = {"version_id_col": version}


class Verdict(Base):
    """What the reviewers found on one criterion. `version` is its optimistic lock."""

    __tablename__ = "store_verdict"

    submission_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Submission.id), primary_key=True)
    criterion: Mapped[str] = mapped_column(primary_key=True)
    verdict: Mapped[str]
    comment: Mapped[str]
    reviewer_id: Mapped[UUID]
    reviewer_name: Mapped[str]
    reviewed_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()

    __table_args__ = (one_of("verdict", "verdict", VerdictValue),)
    __mapper_args__ = {"version_id_col": version}


class Decision(Base):
    """An act that had to say why. Append-only."""

    __tablename__ = "store_decision"

    id: Mapped[UUID] = uuid_key()
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Application.id), index=True)
    submission_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey(Submission.id))
    verb: Mapped[str]
    motive: Mapped[str]
    decided_by: Mapped[UUID | None]
    decided_by_name: Mapped[str]
    decided_at: Mapped[datetime]

    __table_args__ = (
        one_of("verb", "verb", Verb),
        sa.CheckConstraint("btrim(motive) <> ''", name="motive"),
    )


class StoreEvent(Base):
    """One transition of a submission or of a listing. Append-only."""

    __tablename__ = "store_event"

    id: Mapped[UUID] = uuid_key()
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Application.id))
    submission_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey(Submission.id), index=True)
    verb: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    decision_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey(Decision.id))
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str]
    occurred_at: Mapped[datetime]

    __table_args__ = (
        one_of("verb", "verb", Verb),
        sa.Index(None, "application_id", "occurred_at"),
    )


class Listing(Base):
    """The referencing itself: what the catalogue shows and what bounds the application's requests.

    `entry` is the public page as it was approved; `search_text` its words, for the catalogue's search.
    `state`, `expires_on` and `application_id` are read at every data call.
    """

    __tablename__ = "store_listing"

    id: Mapped[UUID] = uuid_key()
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Application.id), unique=True)
    submission_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Submission.id))
    state: Mapped[str]
    number: Mapped[str] = mapped_column(unique=True)
    listed_on: Mapped[date]
    expires_on: Mapped[date]
    ceiling: Mapped[dict[str, Any]] = mapped_column(JSONB)
    profile: Mapped[str]
    entry: Mapped[dict[str, Any]] = mapped_column(JSONB)
    search_text: Mapped[str]
    version: Mapped[int] = mapped_column()

    __table_args__ = (
        one_of("state", "state", ListingState),
        sa.CheckConstraint("profile IN ('fapi2', 'smart')", name="profile"),
        sa.CheckConstraint("expires_on > listed_on", name="dates"),
        sa.Index("ix_store_listing_state", "state", "expires_on"),
    )
    __mapper_args__ = {"version_id_col": version}
