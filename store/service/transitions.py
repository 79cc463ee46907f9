"""The one path of every change of state, the locks it is taken under, and who may come near a file."""

import json
from importlib.resources import files
from typing import TypeVar
from uuid import UUID

import sqlalchemy as sa

from identity_core import queries as identity
from notification_core import service as notification
from platform_core import audit, clock, events
from platform_core.access import Actor, ActorKind
from platform_core.database import db
from platform_core.errors import NotFound
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
from store.models.history import Decision, StoreEvent
from store.models.listings import Listing
from store.models.submissions import Submission
from store.workflow import ListingState, Role, SubmissionState, Verb

Row = TypeVar("Row")

_EVENTS = {
    Verb.LIST: ApplicationListed,
    Verb.SUSPEND: ApplicationSuspended,
    Verb.REINSTATE: ApplicationReinstated,
    Verb.WITHDRAW: ApplicationWithdrawn,
    Verb.EXPIRE: ApplicationExpired,
}
_NOTICES: dict[str, dict[str, str]] = json.loads(files("store").joinpath("data/notices.json").read_text())


def move(row: Submission | Listing, verb: Verb, *, by: Actor, motive: str = "") -> None:
    """The one writer of `state`: transition, decision with its motive, event, audit, domain event, notice.

    The caller holds the lock of the row. Raises what `workflow.apply` raises.
    """
    subject, states = ("listing", ListingState) if isinstance(row, Listing) else ("submission", SubmissionState)
    before = states(row.state) if row.state else None
    roles = {Role.SYSTEM} if by.kind is ActorKind.SYSTEM else by.roles
    row.state = workflow.apply(before, verb, roles=roles, motive=motive)
    db.session.add(row)
    db.session.flush()
    _record(row, verb, before, motive=motive, by=by)
    audit.record(
        f"store:{subject}:{verb}", by=by, object_type="application", object_id=row.application_id, state=row.state
    )
    if verb in _EVENTS:
        events.publish(_EVENTS[verb](row.application_id))
    if verb in _NOTICES:
        _notify(row, verb, by)


def _record(row: Submission | Listing, verb: Verb, before: str | None, *, motive: str, by: Actor) -> None:
    """Write the transition in the history, with the decision it rests on when it says why."""
    submission_id, now = _submission_id(row), clock.now()
    decision_id = uuid7() if motive else None
    if decision_id:
        decision = Decision(
            id=decision_id,
            application_id=row.application_id,
            submission_id=submission_id,
            verb=verb,
            motive=motive.strip(),
            decided_by=by.id,
            decided_by_name=by.name,
            decided_at=now,
        )
        db.session.add(decision)
        db.session.flush()
    event = StoreEvent(
        application_id=row.application_id,
        submission_id=submission_id,
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


def _notify(row: Submission | Listing, verb: Verb, by: Actor) -> None:
    """Tell the other side that it is its turn, or what was decided; never the motive."""
    notice = _NOTICES[verb]
    application = db.session.get_one(Application, row.application_id)
    number = row.number if isinstance(row, Listing) else ""
    title, body = (notice[part].format(name=application.name, number=number) for part in ("title", "body"))
    if notice["to"] == Role.PUBLISHER:
        notification.notify_members(
            organisation_id=application.organisation_id,
            roles=[Role.PUBLISHER],
            kind=f"store.{verb}",
            title=title,
            body=body,
            link=f"/editeur/applications/{application.id}",
            by=by,
        )
    else:
        notification.notify_role(
            role=notice["to"],
            kind=f"store.{verb}",
            title=title,
            body=body,
            link=f"/instruction/dossiers/{_submission_id(row)}",
            by=by,
        )


def _submission_id(row: Submission | Listing) -> UUID:
    return row.submission_id if isinstance(row, Listing) else row.id


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
