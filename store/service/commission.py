"""The commission: its sessions and their agenda, declared interests, votes, and the opinion on each submission."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from identity_core import queries as identity
from platform_core import audit, clock
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import Conflict, Invalid, NotFound
from store import workflow
from store.errors import ConflictOfInterest
from store.models.commission import AgendaItem, Interest, Reservation, Session, Vote
from store.rules import commission, grid
from store.rules.commission import Ballot, NewReservation
from store.service.independence import check_four_eyes
from store.service.reviews import list_found
from store.service.transitions import check_role, lock_for_review, locked, move, person
from store.workflow import Opinion, ReservationVerb, Role, SessionState, SessionVerb, SubmissionState, SubmissionVerb


def plan_session(*, starts_at: datetime, place: str, remote_url: str = "", by: Actor) -> UUID:
    """Plan a meeting. Raises `Invalid` (`place-required`, `date-past`)."""
    if not place.strip() and not remote_url.strip():
        raise Invalid("Say where the commission meets.", code="place-required")
    if starts_at < clock.now():
        raise Invalid("The session is in the past.", code="date-past")
    session = Session(
        starts_at=starts_at,
        place=place.strip(),
        remote_url=remote_url.strip(),
        planned_by=person(by),
        planned_by_name=by.name,
        created_at=clock.now(),
    )
    _move(session, SessionVerb.PLAN, by=by)
    return session.id


def add_to_agenda(*, session_id: UUID, submission_id: UUID, by: Actor) -> UUID:
    """Put a submission whose evaluation is concluded on the agenda of a session not yet closed.

    Raises `Conflict` (`proposal-missing`, `session-closed`, `already-on-an-agenda`).
    """
    check_role(by, Role.REVIEWER, Role.COMMISSION)
    session = _lock_session(session_id)
    submission = lock_for_review(submission_id, by=by)
    if session.state == SessionState.CLOSED:
        raise Conflict("This session is closed.", code="session-closed")
    if submission.state != SubmissionState.IN_EVALUATION or not submission.proposal:
        raise Conflict("The evaluation is not concluded.", code="proposal-missing")
    waiting = sa.select(AgendaItem.id).where(
        AgendaItem.submission_id == submission_id,
        sa.or_(AgendaItem.opinion.is_(None), AgendaItem.session_id == session_id),
    )
    if db.session.scalar(waiting):
        raise Conflict("This dossier is on an agenda already.", code="already-on-an-agenda")
    last = sa.select(sa.func.coalesce(sa.func.max(AgendaItem.position), 0)).where(AgendaItem.session_id == session_id)
    item = AgendaItem(session_id=session_id, submission_id=submission_id, position=(db.session.scalar(last) or 0) + 1)
    db.session.add(item)
    db.session.flush()
    audit.record("store:agenda:add", by=by, object_type="submission", object_id=submission_id)
    return item.id


def remove_from_agenda(*, item_id: UUID, by: Actor) -> None:
    """Put a submission off. Raises `Conflict` (`opinion-given`)."""
    check_role(by, Role.REVIEWER, Role.COMMISSION)
    item = _lock_item(item_id)
    if item.opinion:
        raise Conflict("The commission gave its opinion on this dossier.", code="opinion-given")
    db.session.delete(item)
    audit.record("store:agenda:remove", by=by, object_type="submission", object_id=item.submission_id)


def open_session(*, session_id: UUID, by: Actor) -> None:
    """Begin the meeting: members may declare their interests and vote."""
    session = _lock_session(session_id)
    _move(session, SessionVerb.OPEN, by=by)
    session.opened_at = clock.now()


def close_session(*, session_id: UUID, by: Actor) -> None:
    """End the meeting; submissions without an opinion wait for another one."""
    session = _lock_session(session_id)
    _move(session, SessionVerb.CLOSE, by=by)
    session.closed_at = clock.now()
    db.session.execute(sa.delete(AgendaItem).where(AgendaItem.session_id == session_id, AgendaItem.opinion.is_(None)))


def declare_interests(*, item_id: UUID, links: str, by: Actor) -> None:
    """Declare one's interests in a file: `links` says which, empty for none. Whoever has some takes no part.

    A vote cast before is withdrawn when an interest is declared.
    """
    item = _lock_open_item(item_id, by=by)
    found = db.session.get(Interest, (item_id, person(by))) or Interest(item_id=item_id, member_id=person(by))
    found.member_name, found.links, found.declared_at = by.name, links.strip(), clock.now()
    db.session.add(found)
    if found.links:
        db.session.execute(sa.delete(Vote).where(Vote.item_id == item_id, Vote.member_id == by.id))
    audit.record("store:interest:declare", by=by, object_type="submission", object_id=item.submission_id)


def vote(*, item_id: UUID, ballot: Ballot, by: Actor) -> None:
    """Vote, or change one's vote, until the opinion is given.

    Raises `Conflict` (`interests-undeclared`), `ConflictOfInterest`, `FourEyes` for who evaluated, `OwnOrganisation`.
    """
    item = _lock_open_item(item_id, by=by)
    check_four_eyes(lock_for_review(item.submission_id, by=by), by)
    declared = db.session.get(Interest, (item_id, person(by)))
    if declared is None:
        raise Conflict("Declare your interests in this file first.", code="interests-undeclared")
    if declared.links:
        raise ConflictOfInterest("Who declared an interest in a file does not vote on it.")
    found = db.session.get(Vote, (item_id, person(by))) or Vote(item_id=item_id, member_id=person(by))
    found.member_name, found.ballot, found.cast_at = by.name, ballot, clock.now()
    db.session.add(found)
    audit.record("store:vote:cast", by=by, object_type="submission", object_id=item.submission_id)


def give_opinion(*, item_id: UUID, motive: str, reservations: Sequence[NewReservation] = (), by: Actor) -> Opinion:
    """Record what the votes say, with its reservations, and move the submission on.

    Raises `Conflict` (`no-quorum`, `no-majority`, `proposal-missing`), `Invalid` when the reservations do not suit the
    opinion, `CriteriaNotMet`, `ConflictOfInterest` when the member who records it declared an interest, `FourEyes`.
    """
    item = _lock_open_item(item_id, by=by)
    submission = lock_for_review(item.submission_id, by=by)
    check_four_eyes(submission, by)
    declared = db.session.get(Interest, (item_id, person(by)))
    if declared and declared.links:
        raise ConflictOfInterest("Who declared an interest in a file does not record the opinion on it.")
    if not submission.proposal:
        raise Conflict("The evaluation was taken up again.", code="proposal-missing")
    opinion = _opinion_of(item_id)
    criteria = grid.load(submission.grid_version)
    for reservation in reservations:
        if reservation.criterion:
            criteria.get(reservation.criterion)
    answers = submission.dossier.get("orientation", {})
    unmet = grid.list_unmet(criteria, list_found(submission.id), answers)
    commission.check_reservations(opinion, reservations, unmet)
    submission.opinion = opinion
    for reservation in reservations:
        _express(submission.application_id, submission.id, reservation, by=by)
    move(submission, SubmissionVerb.GIVE_OPINION, by=by, motive=motive)
    item.opinion, item.motive, item.concluded_at = opinion, motive.strip(), clock.now()
    return opinion


def _express(application_id: UUID, submission_id: UUID, wanted: NewReservation, *, by: Actor) -> None:
    if wanted.due_on < clock.today():
        raise Invalid("A reservation is due in the future.", code="date-past")
    reservation = Reservation(
        application_id=application_id,
        submission_id=submission_id,
        criterion=wanted.criterion,
        text=wanted.text.strip(),
        suspensive=wanted.suspensive,
        due_on=wanted.due_on,
    )
    move(reservation, ReservationVerb.EXPRESS, by=by)


def _opinion_of(item_id: UUID) -> Opinion:
    ballots = [Ballot(one) for one in db.session.scalars(sa.select(Vote.ballot).where(Vote.item_id == item_id))]
    excluded = set(
        db.session.scalars(sa.select(Interest.member_id).where(Interest.item_id == item_id, Interest.links != ""))
    )
    members = set(identity.list_agent_ids(Role.COMMISSION)) - excluded
    count = commission.tally(ballots, members=len(members))
    if not count.is_quorate:
        raise Conflict(f"{count.present} votes of the {count.needed} that the quorum needs.", code="no-quorum")
    if count.opinion is None:
        raise Conflict("Every member abstained.", code="no-majority")
    return count.opinion


def _move(session: Session, verb: SessionVerb, *, by: Actor) -> None:
    """The one writer of the state of a session."""
    before = SessionState(session.state) if session.state else None
    session.state = str(workflow.apply(before, verb, roles=by.roles))
    db.session.add(session)
    db.session.flush()
    audit.record(f"store:session:{verb}", by=by, object_type="session", object_id=session.id, state=session.state)


def _lock_session(session_id: UUID) -> Session:
    session = db.session.scalar(locked(sa.select(Session).where(Session.id == session_id)))
    if session is None:
        raise NotFound("This session does not exist.")
    return session


def _lock_item(item_id: UUID) -> AgendaItem:
    item = db.session.scalar(locked(sa.select(AgendaItem).where(AgendaItem.id == item_id)))
    if item is None:
        raise NotFound("This item is on no agenda.")
    return item


def _lock_open_item(item_id: UUID, *, by: Actor) -> AgendaItem:
    """An item of an open session that waits for its opinion, for a member of the commission."""
    check_role(by, Role.COMMISSION)
    item = _lock_item(item_id)
    session = db.session.get_one(Session, item.session_id)
    if session.state != SessionState.OPEN:
        raise Conflict("The session is not open.", code="session-not-open")
    if item.opinion:
        raise Conflict("The commission gave its opinion on this dossier.", code="opinion-given")
    return item
