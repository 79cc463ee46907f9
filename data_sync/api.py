"""The sandbox (`/api/v1/sandbox`), the consent of the present grant (`/api/v1/consent`), an application's usage."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from consent import queries as consent
from consent.queries import ConsentState
from consent.workflow import Answer
from data_sync import queries, rules, schemas
from data_sync.service import sandbox
from oauth import queries as oauth
from oauth.sessions import current_client, current_token, grant_token_required, sandbox_token_required
from platform_core import clock, rest
from platform_core.callers import Scope
from platform_core.database import transaction
from platform_core.errors import Forbidden
from platform_core.publisher_api import current_caller, publisher_token_required
from platform_core.web import rate_limit
from store.queries.applications import get_own_application

blueprint = rest.blueprint("data_sync", __name__, "The consent of a grant, and the sandbox of publishers")


@blueprint.get("/consent")
@grant_token_required
@blueprint.response(200, schemas.Consent)
def show_consent() -> ConsentState:
    """The consent behind the token: its items, what is used, when the next window opens."""
    token = current_token()
    if token.patient_id is None or token.grant_id is None:
        raise Forbidden("A token of a patient's grant is expected.", code="insufficient_scope")
    with transaction(patient_id=token.patient_id):
        return consent.get_state(token.patient_id, token.grant_id)


@blueprint.get("/sandbox/patients")
@sandbox_token_required
@blueprint.response(200, schemas.SyntheticPatients)
def list_patients() -> dict[str, Any]:
    """The synthetic patients."""
    with transaction():
        return {"patients": sandbox.list_patients()}


@blueprint.post("/sandbox/decisions")
@rate_limit("20 per second")
@sandbox_token_required
@blueprint.arguments(schemas.Decision)
@blueprint.response(200, schemas.Redirect)
def decide(decision: dict[str, Any]) -> dict[str, str]:
    """Answer a pushed request, or a device, as a synthetic patient would, without a browser."""
    with transaction():
        address = sandbox.decide(
            client=current_client(),
            request_uri=decision.get("request_uri"),
            user_code=decision.get("user_code"),
            patient_id=decision["patient"],
            decision=Answer(decision["decision"]),
            details=decision["authorization_details"],
            now=clock.now(),
        )
    return {"redirect_to": address}


@blueprint.post("/sandbox/patients/<uuid:patient_id>/clock")
@sandbox_token_required
@blueprint.arguments(schemas.ClockMove)
@blueprint.response(200, schemas.ClockTime)
def move_clock(move: dict[str, Any], patient_id: UUID) -> dict[str, Any]:
    """Move the consent clock of a synthetic patient for this client; tokens keep real time."""
    seconds = move.get("forward_seconds")
    with transaction():
        instant = sandbox.move_clock(
            client=current_client(),
            patient_id=patient_id,
            forward=None if seconds is None else timedelta(seconds=seconds),
            set_to=move.get("set"),
            reset=move.get("reset", False),
        )
    return {"now": instant}


@blueprint.get("/applications/<uuid:application_id>/usage")
@publisher_token_required(Scope.USAGE_READ)
@blueprint.arguments(schemas.UsageQuery, location="query")
@blueprint.response(200, schemas.Usage)
def show_usage(query: dict[str, Any], application_id: UUID) -> dict[str, Any]:
    """How an application is used, day by day, in production or by one of its sandbox clients. Never a patient."""
    last = clock.today()
    with transaction():
        application = get_own_application(application_id, by=current_caller().actor)
        app_id = _app_id(application.id, query["client_id"])
        days = queries.list_days(app_id, first=last - timedelta(days=query["days"] - 1), last=last)
        stock, counted_at = queries.find_stock(app_id), queries.find_counted_at()
    lines = [
        {"day": day.day, "served": day.served, "refused": _refused(day), "synchronisations": day.synchronisations}
        for day in days
    ]
    consents = {"active": rules.told(stock.active), "paused": rules.told(stock.paused), "weeks": rules.by_week(days)}
    return {"counted_at": counted_at, "days": lines, "consents": consents}


def _app_id(application_id: UUID, client_id: str) -> UUID:
    return oauth.get_client_of(application_id, client_id).app_id if client_id else application_id


def _refused(day: queries.DayUsage) -> dict[str, int]:
    return {code: count for code, count in day.calls.items() if code}
