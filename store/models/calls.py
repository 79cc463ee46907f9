"""Calls for applications, the candidacies to them and their scores, and the pilots that follow."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import Base, one_of, uuid_key
from store.models.applications import Application
from store.workflow import CALL, CANDIDACY, CallState, CandidacyState


class Call(Base):
    """A need that the authority makes known. `terms` is what was published: `rules.calls.Terms`.

    `closes_on` is the last day for a candidacy. `version` counts the writes.
    """

    __tablename__ = "store_call"

    id: Mapped[UUID] = uuid_key()
    slug: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str]
    title: Mapped[str]
    terms: Mapped[dict[str, Any]] = mapped_column(JSONB)
    closes_on: Mapped[date]
    prepared_by: Mapped[UUID]
    prepared_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()

    __table_args__ = (
        one_of("state", "state", CallState),
        sa.CheckConstraint("btrim(title) <> ''", name="title"),
        sa.Index("ix_store_call_open", "closes_on", postgresql_where=sa.text("state = 'published'")),
    )
    __mapper_args__ = {"version_id_col": version}


class Candidacy(Base):
    """The answer of an organisation to a call, with one of its applications. `answers`: criterion to text."""

    __tablename__ = "store_candidacy"

    id: Mapped[UUID] = uuid_key()
    call_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Call.id))
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Application.id), index=True)
    state: Mapped[str]
    answers: Mapped[dict[str, str]] = mapped_column(JSONB)
    team: Mapped[str]
    links: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    motive: Mapped[str] = mapped_column(default="")
    filed_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()

    __table_args__ = (
        one_of("state", "state", CandidacyState),
        sa.UniqueConstraint("call_id", "application_id"),
    )
    __mapper_args__ = {"version_id_col": version}


class CandidacyScore(Base):
    """What one reviewer gives on one criterion of a candidacy, from 0 to 5, and why."""

    __tablename__ = "store_candidacy_score"

    candidacy_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Candidacy.id), primary_key=True)
    reviewer_id: Mapped[UUID] = mapped_column(primary_key=True)
    criterion: Mapped[str] = mapped_column(primary_key=True)
    score: Mapped[int]
    comment: Mapped[str]
    reviewer_name: Mapped[str]
    scored_at: Mapped[datetime]

    __table_args__ = (
        sa.CheckConstraint("score BETWEEN 0 AND 5", name="score"),
        sa.CheckConstraint("btrim(comment) <> ''", name="comment"),
    )


_VERBS = sorted({str(verb) for verb in (*CALL, *CANDIDACY)})


class CallEvent(Base):
    """One transition of a call, or of a candidacy to it. Append-only."""

    __tablename__ = "store_call_event"

    id: Mapped[UUID] = uuid_key()
    position: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(always=True), unique=True)
    call_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Call.id), index=True)
    candidacy_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey(Candidacy.id))
    verb: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    motive: Mapped[str]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str]
    occurred_at: Mapped[datetime]

    __table_args__ = (sa.CheckConstraint(f"verb IN ({', '.join(map(repr, _VERBS))})", name="verb"),)


class Pilot(Base):
    """The limits of an experiment: where people live, how many may take part, until when.

    `taken` counts the people who ever took part: who leaves and comes back takes no second place. `results` holds a
    number for each indicator of the call. The pilot outlives its listing, which becomes an ordinary one.
    """

    __tablename__ = "store_pilot"

    id: Mapped[UUID] = uuid_key()
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Application.id), unique=True)
    call_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Call.id), index=True)
    candidacy_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Candidacy.id), unique=True)
    regions: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    places: Mapped[int]
    taken: Mapped[int] = mapped_column(default=0)
    opened_at: Mapped[datetime]
    ends_on: Mapped[date]
    results: Mapped[dict[str, str] | None] = mapped_column(JSONB)
    conclusion: Mapped[str] = mapped_column(default="")
    reported_at: Mapped[datetime | None]

    __table_args__ = (
        sa.CheckConstraint("places > 0 AND taken BETWEEN 0 AND places", name="places"),
        sa.CheckConstraint("cardinality(regions) > 0", name="regions"),
    )
