"""The question put to a patient: opened for an app, answered once on the screen, read back once by who asked."""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from consent.models import ConsentRequest
from consent.queries import consent_time, get_state, is_listed
from consent.queries.requests import Choice, RequestView, stands, view_of
from consent.rules import choices
from consent.rules.calendar import paris_day
from consent.service import places, silences
from consent.service.granting import Terms, grant, lock_present
from consent.workflow import OPEN, REQUEST_TRANSITIONS, Answer, Lapse, Origin, RequestStatus, answer
from identity_core import queries as identity
from identity_core.rules import reaches
from platform_core import audit, clock
from platform_core.access import Actor
from platform_core.categories import registry
from platform_core.crypto import hash_token
from platform_core.database import db
from platform_core.errors import Conflict, Forbidden, Invalid, NotFound
from platform_core.permission import Ceiling, PermissionItem, Purpose
from store.queries.listings import find_listing

LIFE = timedelta(minutes=30)
STANDING = timedelta(days=30)
"""How long a question that was put off, or opened in the patient's space, waits there."""

REFUSALS_KEPT, OTHERS_KEPT = timedelta(days=365), timedelta(days=30)
PROOF, PROVEN_WITHIN = "eidas3", timedelta(minutes=10)
"""The level at which a person proves who they are before they open sensitive data, and how fresh the proof is."""


@dataclass(frozen=True, slots=True)
class AppFacts:
    """Who asks. `app_id` is what the consent is given to: the store application, or the sandbox client itself."""

    app_id: UUID
    client_pk: UUID
    environment: str
    name: str
    publisher_name: str
    application_id: UUID | None


@dataclass(frozen=True, slots=True)
class RequestOutcome:
    """What became of a request. The ids are None unless it was granted; `person_id` is who decided."""

    outcome: RequestStatus
    patient_id: UUID | None
    person_id: UUID | None
    grant_id: UUID | None
    consent_version: int | None
    assurance: str
    decided_at: datetime | None


def open_request(
    *,
    app: AppFacts,
    items: Sequence[PermissionItem],
    ceiling: Ceiling,
    purpose: Purpose,
    valid_until: date,
    resume_path: str,
    browser_key: str,
    grant_id: UUID | None = None,
    merges: bool = False,
    origin: Origin = Origin.APPLICATION,
    expires_at: datetime | None = None,
    replaces: UUID | None = None,
    by: Actor,
) -> UUID:
    """Put a question that lives 30 minutes at most and is answered at `/consentement/<id>` by the same browser.

    `valid_until` is the last day asked (shortened to what the ceiling allows); `resume_path` is the local path where
    the browser goes back; `grant_id` names the consent to amend, and with `merges` what it holds stays, the choice
    being added to it; `expires_at` ends the question earlier; `replaces` names the question that this one takes the
    place of. Returns the request's id. Raises `Invalid` (`beyond-ceiling`, `nothing-asked`).
    """
    now = clock.now()
    if replaces:
        _lapse(Lapse.ABANDON, ConsentRequest.id == replaces)
    if not items:
        raise Invalid("A request asks for at least one item.", code="nothing-asked")
    if not resume_path.startswith("/") or resume_path.startswith("//"):
        raise ValueError("resume_path must be local.")
    today = paris_day(now)
    choices.check_within_ceiling(items, ceiling, today)
    request = ConsentRequest(
        app_id=app.app_id,
        client_pk=app.client_pk,
        environment=app.environment,
        app_name=app.name,
        publisher_name=app.publisher_name,
        application_id=app.application_id,
        items=[item.to_json() for item in items],
        ceiling=ceiling.to_json(),
        purpose=Purpose(purpose),
        valid_until=min(valid_until, choices.longest(today, ceiling)),
        origin=origin,
        resume_path=resume_path,
        browser_hash=hash_token(browser_key),
        grant_id=grant_id,
        merges=merges,
        status=RequestStatus.REQUESTED,
        opened_at=now,
        expires_at=min(expires_at or now + LIFE, now + LIFE),
    )
    db.session.add(request)
    db.session.flush()
    audit.record("consent:request:opened", by=by, object_type="consent_request", object_id=request.id)
    return request.id


def get_request(*, request_id: UUID, browser_key: str, patient_id: UUID | None = None) -> RequestView:
    """The request as this browser, or the patient who took it up, may see it. Raises `NotFound`, also to others."""
    return view_of(_load(request_id, browser_key, patient_id))


def choose(
    *, request_id: UUID, browser_key: str, patient_id: UUID, items: Sequence[PermissionItem], valid_until: date
) -> None:
    """Keep what the patient ticked until they confirm it; the request is theirs from then on.

    Raises `NotFound`, `Conflict` (`already-answered`, `request-expired`), `Invalid` (`nothing-chosen`,
    `wider-than-asked`), `Forbidden` (`other-patient`).
    """
    request = _open_for_update(request_id, browser_key, patient_id)
    _bind(request, patient_id)
    choices.check_narrowed(items, view_of(request).items)
    _check_end(request, patient_id, valid_until)
    request.choice = {"items": [item.to_json() for item in items], "until": valid_until.isoformat()}


def decide_request(
    *,
    request_id: UUID,
    patient_id: UUID,
    decision: Answer,
    by: Actor,
    items: Sequence[PermissionItem] | None = None,
    valid_until: date | None = None,
    browser_key: str | None = None,
) -> RequestView:
    """Answer a request, once; put off, it waits in the patient's space for 30 days, or as long as it stood there
    already, and may still be answered there.

    Granting without `items` takes the choice that was kept, else all that was asked. A refusal counts towards the
    silence of the app. The screen gives its `browser_key`; the sandbox answers without one. The transaction is bound to
    the patient. Raises `NotFound`, `Conflict` (`already-answered`, `request-expired`, `not-live`, `request-outdated`),
    `Invalid`, and `Forbidden` (`application-suspended`; `proof-needed` before sensitive data;
    `sandbox-patients-only` when a sandbox client meets a real person).
    """
    request = _open_for_update(request_id, browser_key, patient_id)
    _bind(request, patient_id)
    if Answer(decision) is Answer.GRANT:
        _grant(request, patient_id, by, items, valid_until)
    _answer(request, Answer(decision), by)
    if request.environment == "production":
        _count(request, patient_id, by)
    own = ConsentRequest.patient_id == patient_id, ConsentRequest.app_id == request.app_id
    _lapse(Lapse.ABANDON, *own, stands(), ConsentRequest.id != request.id)
    return view_of(request)


def refuse_if_silent(*, request_id: UUID, browser_key: str, patient_id: UUID, by: Actor) -> bool:
    """Refuse, unseen and uncounted, the question of an app that the patient turned down twice; returns whether it was.

    What the patient asks for in their own space is always shown, and the sandbox knows no silence.
    """
    request = _open_for_update(request_id, browser_key, patient_id)
    if request.environment != "production" or request.status != RequestStatus.REQUESTED or not request.browser_hash:
        return False
    if silences.find_silence(patient_id=patient_id, app_id=request.app_id) is None:
        return False
    _bind(request, patient_id)
    request.silent = True
    _answer(request, Lapse.SILENCE, by)
    return True


def needs_proof(items: Iterable[PermissionItem]) -> bool:
    """Whether the person proves anew who they are before these items are granted: one of them is sensitive."""
    return any(category.sensitive for item in items if (category := registry.find(item.category)))


def _answer(request: ConsentRequest, given: Answer | Lapse, by: Actor) -> None:
    """Write an answer in a locked request: the one path, with `_lapse`, of every change of its status."""
    now = clock.now()
    request.status = answer(RequestStatus(request.status), given)
    request.decided_at, request.decided_by, request.assurance = now, by.id, by.assurance
    if request.status in OPEN:
        request.choice, request.expires_at = None, max(request.expires_at, now + STANDING)
    else:
        request.closed_at = now
    audit.record(f"consent:request:{request.status}", by=by, object_type="consent_request", object_id=request.id)


def _lapse(how: Lapse, *which: sa.ColumnElement[bool]) -> int:
    """End the requests that nobody answered; returns how many. The conditions say which."""
    possible, ended = REQUEST_TRANSITIONS[how]
    lapsed = sa.update(ConsentRequest).where(ConsentRequest.status.in_(possible), *which)
    values = lapsed.values(status=ended, choice=None, closed_at=clock.now())
    return len(db.session.scalars(values.returning(ConsentRequest.id)).all())


def _count(request: ConsentRequest, patient_id: UUID, by: Actor) -> None:
    """Refusals add up to a silence; a grant makes them forgotten."""
    if request.status == RequestStatus.REFUSED:
        silences.count_refusal(patient_id=patient_id, app_id=request.app_id, app_name=request.app_name)
    elif request.status == RequestStatus.GRANTED:
        silences.lift_silence(patient_id=patient_id, app_id=request.app_id, by=by)


def _grant(
    request: ConsentRequest,
    patient_id: UUID,
    by: Actor,
    items: Sequence[PermissionItem] | None,
    valid_until: date | None,
) -> None:
    view = view_of(request)
    check_answerable(view, patient_id=patient_id)
    kept = view.choice or Choice(view.items, view.valid_until)
    chosen = tuple(items) if items is not None else kept.items
    until = valid_until or kept.valid_until
    choices.check_narrowed(chosen, view.items)
    _check_end(request, patient_id, until)
    if view.environment == "production" and needs_proof(chosen) and not reaches(by.assurance, PROOF):
        raise Forbidden("Sensitive data is opened by a person who has just proved who they are.", code="proof-needed")
    unchanged = _find_unchanged(view, patient_id, chosen) if view.merges else []
    reasons = {(item.category, item.access): item.why for item in view.ceiling.items}
    terms = Terms(
        view.app_id,
        view.client_pk,
        view.environment,
        view.app_name,
        view.publisher_name,
        view.purpose,
        (*unchanged, *chosen),
        until,
        reasons,
        referencing=_referencing(view),
    )
    named = None if view.origin is Origin.DASHBOARD else view.grant_id
    consent = grant(patient_id=patient_id, terms=terms, by=by, amended=named, kept=unchanged)
    request.consent_id, request.consent_version = consent.id, consent.version


def _find_unchanged(view: RequestView, patient_id: UUID, chosen: Sequence[PermissionItem]) -> list[PermissionItem]:
    """What the live consent holds besides, read under its lock: what is revoked meanwhile does not come back."""
    now = consent_time(client_pk=view.client_pk, patient_id=patient_id)
    live = lock_present(patient_id, view.app_id, now)
    return choices.without(get_state(patient_id, live.id, now).permissions, chosen) if live else []


def _referencing(view: RequestView) -> dict[str, Any]:
    """What the screen tells of an app besides its name, for the receipt; nothing in the sandbox."""
    listing = find_listing(view.app_id) if view.environment == "production" else None
    if listing is None:
        return {}
    return {
        "number": listing.number,
        "hosting": listing.hosting,
        "recipients": list(listing.recipients),
        "dpo_contact": listing.dpo_contact,
        "risks": listing.risks,
    }


def take_decision(*, request_id: UUID, browser_key: str | None) -> RequestOutcome:
    """Read back, once, what became of a request. A device has no browser: it reads without a key.

    Raises `NotFound`, and `Conflict` (`not-decided`: the patient has not answered yet; `already-taken`).
    """
    request = _load(request_id, browser_key, for_update=True)
    status = view_of(request).status
    if status is RequestStatus.REQUESTED:
        raise Conflict("The patient has not answered yet.", code="not-decided")
    if request.taken_at is not None:
        raise Conflict("This answer was already used.", code="already-taken")
    request.taken_at = clock.now()
    granted = status is RequestStatus.GRANTED
    return RequestOutcome(
        status,
        request.patient_id if granted else None,
        request.decided_by if granted else None,
        request.consent_id,
        request.consent_version,
        request.assurance,
        request.decided_at,
    )


def withdraw_requests(*, app_id: UUID) -> None:
    """Take back every question of an app that has no answer yet: its referencing is over."""
    _lapse(Lapse.ABANDON, ConsentRequest.app_id == app_id)


def close_questions(*, patient_id: UUID, grant_id: UUID) -> None:
    """Take back what is asked about a consent: somebody ended it, or asks something else."""
    _lapse(Lapse.ABANDON, ConsentRequest.patient_id == patient_id, ConsentRequest.grant_id == grant_id)


def expire_requests() -> int:
    """Record that questions went unanswered, those that nobody took up apart; returns how many."""
    due, taken_up = ConsentRequest.expires_at <= clock.now(), ConsentRequest.patient_id.is_not(None)
    return _lapse(Lapse.EXPIRE, due, taken_up) + _lapse(Lapse.ABANDON, due, ~taken_up)


def forget_requests() -> int:
    """Delete the questions that are over: refusals after a year, the others after 30 days, the consent and its receipts
    telling what was granted. Returns how many."""
    now, refused = clock.now(), ConsentRequest.status == RequestStatus.REFUSED
    old = sa.or_(
        ConsentRequest.closed_at <= now - REFUSALS_KEPT,
        sa.and_(ConsentRequest.closed_at <= now - OTHERS_KEPT, ~refused),
    )
    return len(db.session.scalars(sa.delete(ConsentRequest).where(old).returning(ConsentRequest.id)).all())


def _load(
    request_id: UUID, browser_key: str | None, patient_id: UUID | None = None, *, for_update: bool = False
) -> ConsentRequest:
    """The request, for the browser that opened it, the patient who took it up, or who asks without either."""
    query = sa.select(ConsentRequest).where(ConsentRequest.id == request_id)
    if for_update:
        query = query.with_for_update().execution_options(populate_existing=True)
    request = db.session.scalars(query).one_or_none()
    if request is None:
        raise NotFound("This request does not exist.")
    if browser_key is None or (patient_id is not None and request.patient_id == patient_id):
        return request
    if not hmac.compare_digest(request.browser_hash or b"", hash_token(browser_key)):
        raise NotFound("This request was opened in another browser.")
    return request


def _open_for_update(request_id: UUID, browser_key: str | None, patient_id: UUID) -> ConsentRequest:
    request = _load(request_id, browser_key, patient_id, for_update=True)
    status = view_of(request).status
    if status in {RequestStatus.EXPIRED, RequestStatus.ABANDONED}:
        raise Conflict("This request was not answered in time.", code="request-expired")
    if status not in OPEN:
        raise Conflict(f"This request is already {status}.", code="already-answered")
    return request


def _bind(request: ConsentRequest, patient_id: UUID) -> None:
    if request.patient_id not in {None, patient_id}:
        raise Forbidden("This request is being answered for another record.", code="other-patient")
    request.patient_id = patient_id


def _check_end(request: ConsentRequest, patient_id: UUID, valid_until: date) -> None:
    today = paris_day(consent_time(client_pk=request.client_pk, patient_id=patient_id))
    if not today <= valid_until <= max(request.valid_until, today):
        raise Invalid("The end must lie between today and the day asked.", code="wider-than-asked")


def check_answerable(request: RequestView, *, patient_id: UUID) -> None:
    """Whether this patient may grant anything to this app now.

    Raises `Forbidden` (`sandbox-patients-only`, `application-suspended`; those of a pilot, as `places.check_place`),
    `Conflict` (`request-outdated`) when the app may no longer ask what it asked.
    """
    if request.environment == "sandbox":
        if not identity.get_patient(patient_id).synthetic:
            raise Forbidden("A sandbox client sees synthetic patients only.", code="sandbox-patients-only")
        return
    if not is_listed(request.app_id):
        raise Forbidden("This app is not referenced now.", code="application-suspended")
    listing = find_listing(request.app_id)
    if listing and not choices.are_allowed(request.items, listing.ceiling):
        raise Conflict("The referencing of this app no longer allows what it asks.", code="request-outdated")
    places.check_place(app_id=request.app_id, patient_id=patient_id)
