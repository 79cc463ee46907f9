"""The one path of every change of state, the locks it is taken under, and who may come near a file."""

import json
from collections.abc import Mapping
from enum import StrEnum
from importlib.resources import files
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa

from identity_core import queries as identity
from notification_core import service as notification
from platform_core import audit, clock, events
from platform_core.access import Actor, ActorKind
from platform_core.database import db
from platform_core.errors import NotFound, VersionMismatch
from platform_core.ids import uuid7
from store import workflow
from store.errors import OwnOrganisation, RoleRequired
from store.events import (
    ApplicationExpired,
    ApplicationListed,
    ApplicationReinstated,
    ApplicationSuspended,
    ApplicationWithdrawn,
)
from store.models.applications import Application
from store.models.audits import Audit
from store.models.commission import Reservation
from store.models.history import Decision, StoreEvent, Subject
from store.models.listings import Listing
from store.models.reviews import Question
from store.models.submissions import Submission
from store.queries.history import list_steps
from store.queries.versions import find_last_version
from store.rules import delays
from store.workflow import ListingVerb, Role

Row = TypeVar("Row")
Life = Submission | Listing | Question | Reservation | Audit

_SUBJECTS: Mapping[type[Life], Subject] = {
    Submission: Subject.SUBMISSION,
    Listing: Subject.LISTING,
    Question: Subject.QUESTION,
    Reservation: Subject.RESERVATION,
    Audit: Subject.AUDIT,
}
_EVENTS = {
    ListingVerb.LIST: ApplicationListed,
    ListingVerb.OPEN_PILOT: ApplicationListed,
    ListingVerb.SUSPEND: ApplicationSuspended,
    ListingVerb.REINSTATE: ApplicationReinstated,
    ListingVerb.WITHDRAW: ApplicationWithdrawn,
    ListingVerb.EXPIRE: ApplicationExpired,
}
NOTICES: Mapping[str, Mapping[str, Mapping[str, str]]] = json.loads(
    files("store").joinpath("data/notices.json").read_text()
)


def move(row: Life, verb: StrEnum, *, by: Actor, motive: str = "", against_opinion: bool = False) -> None:
    """The one writer of `state`: transition, decision with its motive, event, audit, domain event, notice.

    The caller holds the lock of the row, and that of its submission. Raises what `workflow.apply` raises.
    """
    subject, before = _SUBJECTS[type(row)], row.state
    roles = {Role.SYSTEM} if by.kind is ActorKind.SYSTEM else by.roles
    row.state = str(workflow.apply(_state(verb, before), verb, roles=roles, motive=motive))
    db.session.add(row)
    db.session.flush()
    _record(row, verb, before, motive=motive, against_opinion=against_opinion, by=by)
    audit.record(
        f"store:{subject}:{verb}", by=by, object_type="application", object_id=row.application_id, state=row.state
    )
    if isinstance(row, Submission | Reservation):
        _pass_the_turn(row if isinstance(row, Submission) else db.session.get_one(Submission, row.submission_id))
    if isinstance(verb, ListingVerb):
        events.publish(_EVENTS[verb](row.application_id))
    if verb in NOTICES.get(subject, {}):
        _notify(row, subject, verb, by)


def _state(verb: StrEnum, value: str | None) -> StrEnum | None:
    """The stored state as a member of the life that the verb belongs to."""
    states = type(next(t.to for t in workflow.TABLES[type(verb)].values() if t.to))
    return states(value) if value else None


def _record(row: Life, verb: StrEnum, before: str | None, *, motive: str, against_opinion: bool, by: Actor) -> None:
    """Write the transition in the history, with the decision it rests on when it says why."""
    submission_id, now = _submission_id(row), clock.now()
    decision_id = uuid7() if motive.strip() else None
    if decision_id:
        decision = Decision(
            id=decision_id,
            application_id=row.application_id,
            submission_id=submission_id,
            verb=verb,
            motive=motive.strip(),
            against_opinion=against_opinion,
            decided_by=by.id,
            decided_by_name=by.name,
            decided_at=now,
        )
        db.session.add(decision)
        db.session.flush()
    event = StoreEvent(
        application_id=row.application_id,
        submission_id=submission_id,
        subject=_SUBJECTS[type(row)],
        subject_id=row.id,
        verb=verb,
        from_state=before,
        to_state=row.state,
        decision_id=decision_id,
        actor_kind=by.kind,
        actor_id=by.id,
        actor_name=by.name,
        occurred_at=now,
    )
    db.session.add(event)
    db.session.flush()


def _pass_the_turn(submission: Submission) -> None:
    """Write on the submission whose turn it is, and until when, as its history tells."""
    turn = delays.find_turn(list_steps(submission.id))
    submission.phase = turn.phase if turn else None
    submission.waiting_on = turn.waiting_on if turn else None
    submission.due_at = turn.due_at if turn else None


def _notify(row: Life, subject: Subject, verb: StrEnum, by: Actor) -> None:
    """Tell the other side that it is its turn, or what was decided; never the motive."""
    notice = NOTICES[subject][verb]
    application = db.session.get_one(Application, row.application_id)
    number = row.number if isinstance(row, Listing) else ""
    title, body = (notice[part].format(name=application.name, number=number) for part in ("title", "body"))
    kind = f"store.{subject}-{verb}"
    if notice["to"] == Role.PUBLISHER:
        tell_publisher(application, kind=kind, title=title, body=body, by=by)
    else:
        path = f"audits/{row.id}" if isinstance(row, Audit) else f"dossiers/{_submission_id(row)}"
        evaluator = row.evaluator_id if isinstance(row, Submission) else None
        tell_authority(notice["to"], evaluator, kind=kind, title=title, body=body, path=path, by=by)


def tell_publisher(application: Application, *, kind: str, title: str, body: str, by: Actor) -> None:
    """Tell the publishers of the application's organisation."""
    notification.notify_members(
        organisation_id=application.organisation_id,
        roles=[Role.PUBLISHER],
        kind=kind,
        title=title,
        body=body,
        link=f"/editeur/applications/{application.id}",
        by=by,
    )


def tell_authority(
    role: str, evaluator_id: UUID | None, *, kind: str, title: str, body: str, path: str, by: Actor
) -> None:
    """Tell those who hold a role; of the reviewers, the one in charge of the file when there is one."""
    link = f"/instruction/{path}"
    if role == Role.REVIEWER and evaluator_id:
        notification.notify_agent(agent_id=evaluator_id, kind=kind, title=title, body=body, link=link, by=by)
    else:
        notification.notify_role(role=role, kind=kind, title=title, body=body, link=link, by=by)


def _submission_id(row: Life) -> UUID | None:
    if isinstance(row, Audit):
        return None
    return row.id if isinstance(row, Submission) else row.submission_id


def organisation(by: Actor) -> UUID:
    """The organisation for which a publisher acts. Raises `RoleRequired`."""
    if by.organisation_id is None or not by.has_role(Role.PUBLISHER):
        raise RoleRequired("Only the publishers of an organisation may do this.")
    return by.organisation_id


def person(by: Actor) -> UUID:
    """The agent who answers for an act. Raises `RoleRequired`."""
    if by.id is None:
        raise RoleRequired("Somebody must answer for this act.")
    return by.id


def check_role(by: Actor, *roles: Role) -> None:
    """Raises `RoleRequired` when the actor holds none of the roles."""
    if by.roles.isdisjoint(roles):
        raise RoleRequired(f"This belongs to the role {' or '.join(roles)}.")


def own_application(application_id: UUID, *, by: Actor, lock: bool = False) -> Application:
    """An application of the publisher's organisation. Raises `NotFound` for one of another, `RoleRequired`."""
    organisation_id = organisation(by)
    application = db.session.get(Application, application_id, with_for_update=lock or None)
    if application is None or application.organisation_id != organisation_id:
        raise NotFound("This application does not exist.")
    return application


def check_other_organisation(organisation_id: UUID, by: Actor) -> None:
    """Raises `OwnOrganisation` when the file is that of any organisation of the examiner, whichever they act for."""
    memberships = identity.list_memberships(by.id) if by.id else ()
    if organisation_id in {by.organisation_id, *(member.organisation_id for member in memberships)}:
        raise OwnOrganisation("Nobody examines or decides on a file of their own organisation.")


def lock_for_review(submission_id: UUID, *, by: Actor, sent: int | None = None) -> Submission:
    """A submitted dossier of another organisation, locked. Raises `NotFound` for a draft too, `OwnOrganisation`.

    `sent` is the number of the version that was read: `VersionMismatch` (`dossier-changed`) when it is not the last.
    """
    submission = db.session.scalar(locked(sa.select(Submission).where(Submission.id == submission_id)))
    if submission is None or submission.submitted_at is None:
        raise NotFound("This dossier does not exist.")
    application = db.session.get_one(Application, submission.application_id)
    check_other_organisation(application.organisation_id, by)
    last = find_last_version(submission_id) if sent is not None else None
    if last and last.number != sent:
        raise VersionMismatch("The publisher sent another version of the dossier.", code="dossier-changed")
    return submission


def lock_own_submission(submission_id: UUID, *, by: Actor) -> Submission:
    """A dossier of the publisher's organisation, locked. Raises `NotFound`, `RoleRequired`."""
    submission = db.session.scalar(locked(sa.select(Submission).where(Submission.id == submission_id)))
    if submission is None:
        raise NotFound("This dossier does not exist.")
    own_application(submission.application_id, by=by)
    return submission


def lock_application(application_id: UUID) -> Application:
    """Raises `NotFound`."""
    application = db.session.scalar(locked(sa.select(Application).where(Application.id == application_id)))
    if application is None:
        raise NotFound("This application does not exist.")
    return application


def lock_present(application_id: UUID) -> Submission:
    """The newest submission of an application, locked."""
    newest = sa.select(Submission).where(Submission.application_id == application_id)
    return db.session.scalars(locked(newest.order_by(Submission.number.desc()).limit(1))).one()


def lock_listing(application_id: UUID) -> Listing | None:
    """The listing of an application, locked; None when it was never listed."""
    return db.session.scalar(locked(sa.select(Listing).where(Listing.application_id == application_id)))


def locked(query: sa.Select[Row]) -> sa.Select[Row]:
    """The same query, its rows locked and read anew."""
    return query.with_for_update().execution_options(populate_existing=True)
