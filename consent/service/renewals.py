"""Asking again: the question of a consent put anew in its patient's space, for a fresh decision, never silent."""

from datetime import timedelta
from uuid import UUID

from consent.models import ConsentRequest
from consent.queries import ConsentState, consent_time, get_state, get_version
from consent.rules import choices
from consent.rules.calendar import paris_day
from consent.service.requests import STANDING, close_questions
from consent.workflow import Origin, RequestStatus, Status
from platform_core import audit, clock
from platform_core.access import Access, Actor
from platform_core.database import db
from platform_core.errors import Conflict
from platform_core.permission import Ceiling, CeilingItem
from store.queries.listings import find_listing


def open_renewal(
    *, patient_id: UUID, grant_id: UUID, wider: bool = False, waits: timedelta = STANDING, by: Actor
) -> UUID:
    """Put the question of a consent again in the space of its patient, where it waits at `/consentement/<id>`.

    It asks what is granted, or was when the consent expired, as far as the app may still ask it; with `wider`, all
    that the app may ask. It takes the place of the one that waited. Returns the request's id. The transaction is bound
    to the patient. Raises `NotFound`, `Conflict` (`not-renewable`) for a consent that was revoked or ended, or of
    which the app may ask nothing any more.
    """
    state = get_state(patient_id, grant_id)
    ceiling, today = _ceiling(state), paris_day(consent_time(client_pk=state.client_pk, patient_id=patient_id))
    items = [item for item in state.permissions if choices.are_allowed([item], ceiling)]
    items = choices.widest(ceiling, items, today) if wider else items
    if not items or not (state.is_live or state.stored is Status.EXPIRED):
        raise Conflict("This consent cannot be renewed: the app has to ask anew.", code="not-renewable")
    close_questions(patient_id=patient_id, grant_id=grant_id)
    request = ConsentRequest(
        app_id=state.app_id,
        client_pk=state.client_pk,
        environment=state.environment,
        app_name=state.app_name,
        publisher_name=state.publisher_name,
        application_id=state.app_id if state.environment == "production" else None,
        items=[item.to_json() for item in items],
        ceiling=ceiling.to_json(),
        purpose=state.purpose,
        valid_until=choices.longest(today, ceiling),
        origin=Origin.DASHBOARD,
        resume_path=f"/espace/applications/{grant_id}",
        grant_id=grant_id,
        merges=False,
        status=RequestStatus.REQUESTED,
        opened_at=clock.now(),
        expires_at=clock.now() + waits,
        patient_id=patient_id,
    )
    db.session.add(request)
    db.session.flush()
    audit.record("consent:request:opened", by=by, object_type="consent_request", object_id=request.id)
    return request.id


def _ceiling(state: ConsentState) -> Ceiling:
    """What the app may ask: its listing's; in the sandbox what was granted, with the reasons read then."""
    listing = find_listing(state.app_id) if state.environment == "production" else None
    if listing:
        return listing.ceiling
    told = get_version(state.patient_id, state.grant_id, state.version).snapshot["items"]
    reasons = {(item["category"], Access(item["access"])): item["why"] for item in told}
    items = (
        CeilingItem(item.category, item.access, item.periodicity, why=reasons[item.category, item.access])
        for item in state.permissions
    )
    return Ceiling(tuple(items), frozenset({state.purpose}))
