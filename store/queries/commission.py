"""The commission: its sessions, what waits for one, an item with its declared interests and votes, reservations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from identity_core import queries as identity
from platform_core.database import db
from platform_core.errors import NotFound
from store.models.applications import Application
from store.models.commission import AgendaItem, Interest, Reservation, Session, Vote
from store.models.submissions import Submission
from store.rules.commission import Ballot, Tally, tally
from store.workflow import Opinion, ReservationState, Role, SessionState, SubmissionState


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session. `items` counts its agenda."""

    id: UUID
    starts_at: datetime
    place: str
    remote_url: str
    state: SessionState
    planned_by: str
    items: int


@dataclass(frozen=True, slots=True)
class MemberPart:
    """What a member did on an item. `links`: None when nothing is declared yet, empty when they have no interest."""

    member_id: UUID
    name: str
    links: str | None
    ballot: Ballot | None


@dataclass(frozen=True, slots=True)
class ItemView:
    """A submission on an agenda. `tally` counts the votes as they stand, `opinion` is what was recorded."""

    id: UUID
    session_id: UUID
    submission_id: UUID
    application_name: str
    position: int
    proposal: Opinion | None
    opinion: Opinion | None
    motive: str
    members: Sequence[MemberPart]
    tally: Tally


@dataclass(frozen=True, slots=True)
class Ready:
    """A submission whose evaluation is concluded and which is on no agenda."""

    submission_id: UUID
    application_name: str
    proposal: Opinion
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReservationView:
    """A reservation. `claim` is what the publisher says they did; `claimed_at` is None while they said nothing new."""

    id: UUID
    submission_id: UUID
    criterion: str | None
    text: str
    suspensive: bool
    due_on: date
    state: ReservationState
    claim: str
    claimed_at: datetime | None
    evidence_ids: Sequence[UUID]


def list_sessions() -> Sequence[SessionView]:
    """Every session, the latest first."""
    return [_session_view(row) for row in db.session.execute(_sessions().order_by(Session.starts_at.desc()))]


def get_session(session_id: UUID) -> SessionView:
    """Raises `NotFound`."""
    row = db.session.execute(_sessions().where(Session.id == session_id)).one_or_none()
    if row is None:
        raise NotFound("This session does not exist.")
    return _session_view(row)


def _sessions() -> sa.Select[Session, int]:
    items = sa.select(sa.func.count()).where(AgendaItem.session_id == Session.id).scalar_subquery()
    return sa.select(Session, items)


def _session_view(row: sa.Row[Session, int]) -> SessionView:
    session, items = row
    return SessionView(
        session.id,
        session.starts_at,
        session.place,
        session.remote_url,
        SessionState(session.state),
        session.planned_by_name,
        items,
    )


def list_items(session_id: UUID) -> Sequence[ItemView]:
    """The agenda of a session, in order, with what each member declared and voted."""
    rows = db.session.execute(
        sa.select(AgendaItem, Application.name, Submission.proposal)
        .join(Submission, Submission.id == AgendaItem.submission_id)
        .join(Application, Application.id == Submission.application_id)
        .where(AgendaItem.session_id == session_id)
        .order_by(AgendaItem.position)
    ).all()
    ids = [item.id for item, _, _ in rows]
    interests = db.session.scalars(sa.select(Interest).where(Interest.item_id.in_(ids))).all()
    votes = db.session.scalars(sa.select(Vote).where(Vote.item_id.in_(ids))).all()
    members = {agent.id: agent.display_name for agent in identity.list_agents(Role.COMMISSION)}
    return [
        _item_view(
            row,
            {one.member_id: one for one in interests if one.item_id == row[0].id},
            {one.member_id: one for one in votes if one.item_id == row[0].id},
            members,
        )
        for row in rows
    ]


def _item_view(
    row: sa.Row[AgendaItem, str, str | None],
    interests: dict[UUID, Interest],
    votes: dict[UUID, Vote],
    members: dict[UUID, str],
) -> ItemView:
    item, name, proposal = row
    past = {one.member_id: one.member_name for one in interests.values()}
    parts = [
        MemberPart(
            member_id,
            display_name,
            interests[member_id].links if member_id in interests else None,
            Ballot(votes[member_id].ballot) if member_id in votes else None,
        )
        for member_id, display_name in {**past, **members}.items()
    ]
    return ItemView(
        item.id,
        item.session_id,
        item.submission_id,
        name,
        item.position,
        Opinion(proposal) if proposal else None,
        Opinion(item.opinion) if item.opinion else None,
        item.motive,
        sorted(parts, key=lambda part: part.name),
        tally([part.ballot for part in parts if part.ballot], members=sum(not part.links for part in parts)),
    )


def list_ready() -> Sequence[Ready]:
    """The submissions ready for a session, those whose delay ends first on top."""
    on_agenda = sa.select(AgendaItem.submission_id).where(AgendaItem.opinion.is_(None))
    rows = (
        sa.select(Submission.id, Application.name, Submission.proposal, Submission.due_at)
        .join(Application, Application.id == Submission.application_id)
        .where(
            Submission.state == SubmissionState.IN_EVALUATION,
            Submission.proposal.is_not(None),
            Submission.id.not_in(on_agenda),
        )
        .order_by(Submission.due_at, Submission.id)
    )
    return [Ready(row.id, row.name, Opinion(row.proposal), row.due_at) for row in db.session.execute(rows)]


def list_reservations(submission_id: UUID) -> Sequence[ReservationView]:
    """The reservations of the opinion on a submission, suspensive ones first."""
    rows = sa.select(Reservation).where(Reservation.submission_id == submission_id)
    order = (Reservation.suspensive.desc(), Reservation.due_on, Reservation.id)
    return [
        ReservationView(
            one.id,
            one.submission_id,
            one.criterion,
            one.text,
            one.suspensive,
            one.due_on,
            ReservationState(one.state),
            one.claim,
            one.claimed_at,
            one.evidence_ids,
        )
        for one in db.session.scalars(rows.order_by(*order))
    ]
