"""Calls for applications: the authority prepares, publishes, closes, concludes and archives them."""

import json
from collections.abc import Mapping
from importlib.resources import files
from itertools import count
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from notification_core import service as notification
from platform_core import audit, clock
from platform_core.access import Actor, ActorKind
from platform_core.database import db
from platform_core.errors import Conflict, NotFound
from platform_core.french import day_in_words
from platform_core.ids import uuid7
from store import workflow
from store.models.applications import Application
from store.models.calls import Call, CallEvent, Candidacy
from store.rules import calls as rules
from store.rules.calls import Terms
from store.rules.catalogue import slug
from store.service.independence import check_not_scorer
from store.service.transitions import check_other_organisation, locked, person
from store.workflow import CallState, CallVerb, CandidacyState, CandidacyVerb, Role

NOTICES: Mapping[str, Mapping[str, str]] = json.loads(files("store").joinpath("data/call-notices.json").read_text())


def prepare(*, terms: Terms, by: Actor) -> UUID:
    """Draft a call. Raises `Invalid` (`call-invalid`), `RoleRequired`."""
    rules.check_terms(terms, clock.today())
    workflow.apply(None, CallVerb.PREPARE, roles=by.roles)
    call = db.session.get_one(Call, _insert(terms, by))
    _record(call, None, CallVerb.PREPARE, before=None, by=by)
    return call.id


def revise(*, call_id: UUID, terms: Terms, by: Actor) -> None:
    """Rewrite a call that is not published yet. Raises `Invalid` (`call-invalid`), `TransitionRefused`."""
    call = lock_call(call_id)
    rules.check_terms(terms, clock.today())
    move(call, CallVerb.REVISE, by=by)
    call.title, call.terms, call.closes_on = terms.title, terms.to_json(), terms.closes_on


def publish(*, call_id: UUID, by: Actor) -> None:
    """Make a call public and open it to candidacies. Raises `Invalid` when its last day has passed meanwhile."""
    call = lock_call(call_id)
    rules.check_terms(Terms.from_json(call.terms), clock.today())
    move(call, CallVerb.PUBLISH, by=by)
    call.published_at = clock.now()


def close(*, call_id: UUID, by: Actor) -> None:
    """Stop receiving candidacies before the last day: they can be scored from now on."""
    _close(lock_call(call_id), by)


def close_due(*, by: Actor) -> int:
    """Close the calls whose last day has passed; returns how many."""
    due = sa.select(Call).where(Call.state == CallState.PUBLISHED, Call.closes_on < clock.today())
    calls = db.session.scalars(due.with_for_update(skip_locked=True)).all()
    for call in calls:
        _close(call, by)
    return len(calls)


def _close(call: Call, by: Actor) -> None:
    move(call, CallVerb.CLOSE, by=by)
    notice = say("close", title=call.title)
    notification.notify_role(
        role=Role.REVIEWER, kind="store.call-close", link=f"/instruction/appels/{call.id}", by=by, **notice
    )


def conclude(*, call_id: UUID, by: Actor) -> None:
    """Make the choices final and tell each candidate.

    Raises `Conflict` (`candidacies-undecided`) while one awaits a choice, `OwnOrganisation`, `FourEyes`.
    """
    call = lock_call(call_id)
    candidacies = list_standing(call_id)
    for candidacy in candidacies:
        check_other_organisation(db.session.get_one(Application, candidacy.application_id).organisation_id, by)
        check_not_scorer(candidacy.id, by)
    if any(candidacy.state == CandidacyState.FILED for candidacy in candidacies):
        raise Conflict("A candidacy still awaits a choice.", code="candidacies-undecided")
    move(call, CallVerb.CONCLUDE, by=by)
    for candidacy in candidacies:
        tell_candidate(candidacy, call, candidacy.state, by=by)


def archive(*, call_id: UUID, motive: str, by: Actor) -> None:
    """Take a call off the public list, and say why."""
    move(lock_call(call_id), CallVerb.ARCHIVE, by=by, motive=motive)


def list_standing(call_id: UUID) -> list[Candidacy]:
    """The candidacies of a call that were not withdrawn, locked in one order."""
    standing = sa.select(Candidacy).where(Candidacy.call_id == call_id, Candidacy.state != CandidacyState.WITHDRAWN)
    return list(db.session.scalars(locked(standing.order_by(Candidacy.id))).all())


def lock_call(call_id: UUID) -> Call:
    """Raises `NotFound`."""
    call = db.session.scalar(locked(sa.select(Call).where(Call.id == call_id)))
    if call is None:
        raise NotFound("This call does not exist.")
    return call


def move(row: Call | Candidacy, verb: CallVerb | CandidacyVerb, *, by: Actor, motive: str = "") -> None:
    """The one writer of `state` of calls and candidacies: transition, event, audit. Raises as `workflow.apply`.

    The caller holds the lock of the call.
    """
    roles = {Role.SYSTEM} if by.kind is ActorKind.SYSTEM else by.roles
    before = row.state
    states = CallState if isinstance(row, Call) else CandidacyState
    row.state = str(workflow.apply(states(before) if before else None, verb, roles=roles, motive=motive))
    db.session.add(row)
    db.session.flush()
    call = row if isinstance(row, Call) else db.session.get_one(Call, row.call_id)
    _record(call, None if isinstance(row, Call) else row, verb, before=before, by=by, motive=motive)


def _record(
    call: Call,
    candidacy: Candidacy | None,
    verb: CallVerb | CandidacyVerb,
    *,
    before: str | None,
    by: Actor,
    motive: str = "",
) -> None:
    row = candidacy or call
    event = CallEvent(
        call_id=call.id,
        candidacy_id=candidacy.id if candidacy else None,
        verb=verb,
        from_state=before,
        to_state=row.state,
        motive=motive.strip(),
        actor_kind=by.kind,
        actor_id=by.id,
        actor_name=by.name,
        occurred_at=clock.now(),
    )
    db.session.add(event)
    subject = "candidacy" if candidacy else "call"
    audit.record(f"store:{subject}:{verb}", by=by, object_type=subject, object_id=row.id, state=row.state)


def tell_candidate(candidacy: Candidacy, call: Call, news: str, *, by: Actor) -> None:
    """Tell the publishers of a candidate; never the motive, which they read in their space."""
    application = db.session.get_one(Application, candidacy.application_id)
    notification.notify_members(
        organisation_id=application.organisation_id,
        roles=[Role.PUBLISHER],
        kind=f"store.candidacy-{news}",
        link=f"/editeur/appels/{call.slug}",
        by=by,
        **say(news, title=call.title, name=application.name, day=day_in_words(call.closes_on)),
    )


def say(news: str, **values: str) -> dict[str, str]:
    """The title and body of a notice."""
    return {part: NOTICES[news][part].format(**values) for part in ("title", "body")}


def _insert(terms: Terms, by: Actor) -> UUID:
    """Insert under the first free slug: `title`, `title-2`, …"""
    base, call_id = slug(terms.title), uuid7()
    for number in count(1):
        row = postgresql.insert(Call).values(
            id=call_id,
            slug=base if number == 1 else f"{base}-{number}",
            state=CallState.DRAFT,
            title=terms.title,
            terms=terms.to_json(),
            closes_on=terms.closes_on,
            prepared_by=person(by),
            prepared_at=clock.now(),
            version=1,
        )
        if db.session.scalar(row.on_conflict_do_nothing(index_elements=["slug"]).returning(Call.id)):
            break
    return call_id
