"""The question put to a patient: opened for an app, answered once on the screen, read back once by who asked."""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from consent.models import ConsentRequest
from consent.queries import consent_time, find_live, is_listed
from consent.rules import choices
from consent.rules.calendar import paris_day
from consent.service import places
from consent.service.granting import Terms, grant
from consent.workflow import Answer, Origin, RequestStatus, answer
from identity_core import queries as identity
from platform_core import audit, clock
from platform_core.access import Actor
from platform_core.crypto import hash_token
from platform_core.database import db
from platform_core.errors import Conflict, Forbidden, Invalid, NotFound
from platform_core.permission import Ceiling, PermissionItem, Purpose

LIFE = timedelta(minutes=30)


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
class Choice:
    """What a patient ticked on the screen and has not confirmed yet."""

    items: tuple[PermissionItem, ...]
    valid_until: date

    @property
    def mark(self) -> str:
        """A short digest, by which a page that showed this choice knows it again."""
        return hash_token(f"{self.valid_until} {[item.to_json() for item in self.items]}").hex()[:16]


@dataclass(frozen=True, slots=True)
class RequestView:
    """A question to a patient: who asks, what, and what became of it."""

    id: UUID
    app_id: UUID
    client_pk: UUID
    environment: str
    app_name: str
    publisher_name: str
    application_id: UUID | None
    items: tuple[PermissionItem, ...]
    ceiling: Ceiling
    purpose: Purpose
    valid_until: date
    merges: bool
    origin: Origin
    resume_path: str
    status: RequestStatus
    patient_id: UUID | None
    choice: Choice | None
    consent_id: UUID | None
    consent_version: int | None


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
    by: Actor,
) -> UUID:
    """Put a question that lives 30 minutes at most and is answered at `/consentement/<id>` by the same browser.

    `valid_until` is the last day asked (shortened to what the ceiling allows); `resume_path` is the local path where
    the browser goes back; `grant_id` names the consent to amend, and with `merges` what it holds stays, the choice
    being added to it; `expires_at` ends the question earlier. Returns the request's id. Raises `Invalid`
    (`beyond-ceiling`, `nothing-asked`).
    """
    now = clock.now()
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


def get_request(*, request_id: UUID, browser_key: str) -> RequestView:
    """The request as this browser may see it. Raises `NotFound`, also to every other browser."""
    return _view(_load(request_id, browser_key))


def choose(
    *, request_id: UUID, browser_key: str, patient_id: UUID, items: Sequence[PermissionItem], valid_until: date
) -> None:
    """Keep what the patient ticked until they confirm it; the request is theirs from then on.

    Raises `NotFound`, `Conflict` (`already-answered`, `request-expired`), `Invalid` (`nothing-chosen`,
    `wider-than-asked`), `Forbidden` (`other-patient`).
    """
    request = _open_for_update(request_id, browser_key)
    _bind(request, patient_id)
    choices.check_narrowed(items, _view(request).items)
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
    """Answer a request, once. Granting without `items` takes the choice that was kept, else all that was asked.

    The screen gives its `browser_key`; the sandbox answers without one. The transaction is bound to the patient.
    Raises `NotFound`, `Conflict` (`already-answered`, `request-expired`, `not-live`), `Invalid`, and `Forbidden`
    (`application-suspended`; `sandbox-patients-only` when a sandbox client meets a real person).
    """
    request = _open_for_update(request_id, browser_key)
    _bind(request, patient_id)
    if Answer(decision) is Answer.GRANT:
        _grant(request, patient_id, by, items, valid_until)
    request.status = answer(RequestStatus(request.status), Answer(decision))
    request.decided_at = clock.now()
    request.decided_by = by.id
    request.assurance = by.assurance
    audit.record(f"consent:request:{request.status}", by=by, object_type="consent_request", object_id=request.id)
    return _view(request)


def _grant(
    request: ConsentRequest,
    patient_id: UUID,
    by: Actor,
    items: Sequence[PermissionItem] | None,
    valid_until: date | None,
) -> None:
    view = _view(request)
    check_answerable(view, patient_id=patient_id)
    kept = view.choice or Choice(view.items, view.valid_until)
    chosen = tuple(items) if items is not None else kept.items
    until = valid_until or kept.valid_until
    choices.check_narrowed(chosen, view.items)
    _check_end(request, patient_id, until)
    if view.merges:
        live = find_live(patient_id, view.app_id)
        chosen = choices.merged(live.permissions if live else (), chosen)
    reasons = {(item.category, item.access): item.why for item in view.ceiling.items}
    terms = Terms(
        view.app_id,
        view.client_pk,
        view.environment,
        view.app_name,
        view.publisher_name,
        view.purpose,
        chosen,
        until,
        reasons,
    )
    consent = grant(patient_id=patient_id, terms=terms, by=by, amended=request.grant_id)
    request.consent_id, request.consent_version = consent.id, consent.version


def take_decision(*, request_id: UUID, browser_key: str | None) -> RequestOutcome:
    """Read back, once, what became of a request. A device has no browser: it reads without a key.

    Raises `NotFound`, and `Conflict` (`not-decided`: the patient has not answered yet; `already-taken`).
    """
    request = _load(request_id, browser_key, for_update=True)
    status = _view(request).status
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


def expire_requests() -> int:
    """Record that questions went unanswered; returns how many."""
    due = sa.update(ConsentRequest).where(
        ConsentRequest.status == RequestStatus.REQUESTED, ConsentRequest.expires_at <= clock.now()
    )
    ids = db.session.scalars(due.values(status=RequestStatus.EXPIRED, choice=None).returning(ConsentRequest.id))
    return len(ids.all())


def _view(request: ConsentRequest) -> RequestView:
    """A request as plain values; one that was not answered in time is expired."""
    status = RequestStatus(request.status)
    if status is RequestStatus.REQUESTED and request.expires_at <= clock.now():
        status = RequestStatus.EXPIRED
    choice = request.choice and Choice(
        _permissions(request.choice["items"]), date.fromisoformat(request.choice["until"])
    )
    return RequestView(
        request.id,
        request.app_id,
        request.client_pk,
        request.environment,
        request.app_name,
        request.publisher_name,
        request.application_id,
        _permissions(request.items),
        Ceiling.from_json(request.ceiling),
        Purpose(request.purpose),
        request.valid_until,
        request.merges,
        Origin(request.origin),
        request.resume_path,
        status,
        request.patient_id,
        choice or None,
        request.consent_id,
        request.consent_version,
    )


def _permissions(items: Iterable[dict[str, Any]]) -> tuple[PermissionItem, ...]:
    return tuple(PermissionItem.from_json(item) for item in items)


def _load(request_id: UUID, browser_key: str | None, *, for_update: bool = False) -> ConsentRequest:
    query = sa.select(ConsentRequest).where(ConsentRequest.id == request_id)
    if for_update:
        query = query.with_for_update().execution_options(populate_existing=True)
    request = db.session.scalars(query).one_or_none()
    if request is None:
        raise NotFound("This request does not exist.")
    if browser_key is not None and not hmac.compare_digest(request.browser_hash, hash_token(browser_key)):
        raise NotFound("This request was opened in another browser.")
    return request


def _open_for_update(request_id: UUID, browser_key: str | None) -> ConsentRequest:
    request = _load(request_id, browser_key, for_update=True)
    status = _view(request).status
    if status is RequestStatus.EXPIRED:
        raise Conflict("This request was not answered in time.", code="request-expired")
    if status is not RequestStatus.REQUESTED:
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

    Raises `Forbidden` (`sandbox-patients-only`, `application-suspended`; those of a pilot, as `places.check_place`).
    """
    if request.environment == "sandbox":
        if not identity.get_patient(patient_id).synthetic:
            raise Forbidden("A sandbox client sees synthetic patients only.", code="sandbox-patients-only")
    elif not is_listed(request.app_id):
        raise Forbidden("This app is not referenced now.", code="application-suspended")
    else:
        places.check_place(app_id=request.app_id, patient_id=patient_id)
