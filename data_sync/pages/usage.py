"""The usage of an application: calls a day, refusals, consents. Counts only, a few minutes late."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext

from data_sync import queries, rules
from data_sync.queries import DayUsage
from identity_core.sessions import agent_required, current_actor
from oauth import queries as oauth
from oauth.rules.clients import Client
from platform_core import clock
from platform_core.access import Actor
from platform_core.charts import Chart, Reading, Series, line_chart
from platform_core.database import transaction
from platform_core.errors import NotFound
from store.queries.applications import ApplicationView, get_own_application

blueprint = Blueprint(
    "data_sync_usage",
    __name__,
    url_prefix="/editeur/applications/<uuid:application_id>/utilisation",
    template_folder="../templates",
)
_publisher = agent_required("publisher")
PERIODS = (7, 30, 90)
_DEFAULT = 30


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page is about: the application in production (`client` None), or one of its sandbox clients."""

    application: ApplicationView
    sandboxes: Sequence[Client]
    client: Client | None
    days: Sequence[DayUsage]
    stock: queries.ConsentStock
    counted_at: datetime | None


def load_panel(*, by: Actor, application_id: UUID) -> dict[str, Any]:
    """What the panel of the application's page shows: the calls of the last seven days in production."""
    last = clock.today()
    days = queries.list_days(application_id, first=last - timedelta(days=6), last=last)
    served, refused = sum(day.served for day in days), sum(day.refused for day in days)
    return {"application_id": application_id, "served": served, "refused": refused}


def load_pilot(*, by: Actor | None, application_id: UUID, first: date, last: date) -> dict[str, Any]:
    """What the page of a pilot tells everybody of its use: numbers of consents and of calls, none of them about a few
    people (`rules.told`)."""
    days = queries.list_days(application_id, first=first, last=last)
    stock = queries.find_stock(application_id, until=last)
    return {
        "active": rules.told(stock.active + stock.paused),
        "granted": rules.told(sum(day.granted for day in days)),
        "revoked": rules.told(sum(day.revoked for day in days)),
        "served": sum(day.served for day in days),
        "refused": sum(day.refused for day in days),
    }


@blueprint.get("")
@_publisher
def show(application_id: UUID) -> str:
    """Calls a day, refusals by code, consents in force and by week."""
    period = _period()
    with transaction():
        shown = _load(application_id, period)
    return render_template(
        "data_sync/usage.html",
        shown=shown,
        period=period,
        periods=PERIODS,
        chart=_chart(shown.days),
        served=sum(day.served for day in shown.days),
        refused=sum(day.refused for day in shown.days),
        too_early=sum(day.calls.get("consent-frequency-exceeded", 0) for day in shown.days),
        synchronisations=sum(day.synchronisations for day in shown.days),
        codes=rules.by_code(shown.days),
        weeks=rules.by_week(shown.days),
        active=rules.told(shown.stock.active),
        paused=rules.told(shown.stock.paused),
    )


@blueprint.get("/jours.csv")
@_publisher
def export(application_id: UUID) -> Response:
    """The figures of the table, a line a day (RFC 4180)."""
    with transaction():
        shown = _load(application_id, _period())
    text = StringIO()
    lines = csv.writer(text)
    lines.writerow(["day", "served", "refused", "consent_frequency_exceeded", "synchronisations"])
    for day in shown.days:
        early = day.calls.get("consent-frequency-exceeded", 0)
        lines.writerow([day.day.isoformat(), day.served, day.refused, early, day.synchronisations])
    name = f"utilisation-{shown.application.slug}.csv"
    return Response(
        text.getvalue(), mimetype="text/csv", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _period() -> int:
    asked = request.args.get("jours", "")
    return int(asked) if asked in {str(days) for days in PERIODS} else _DEFAULT


def _load(application_id: UUID, period: int) -> Shown:
    application = get_own_application(application_id, by=current_actor())
    sandboxes = [client for client in oauth.list_clients(application.id) if client.is_sandbox]
    client = _asked(sandboxes)
    app_id, last = client.app_id if client else application.id, clock.today()
    return Shown(
        application,
        sandboxes,
        client,
        queries.list_days(app_id, first=last - timedelta(days=period - 1), last=last),
        queries.find_stock(app_id),
        queries.find_counted_at(),
    )


def _asked(sandboxes: Sequence[Client]) -> Client | None:
    """The sandbox client that the address names; None for production. Raises `NotFound` for one of somebody else."""
    wanted = request.args.get("client", "")
    if not wanted:
        return None
    for client in sandboxes:
        if client.client_id == wanted:
            return client
    raise NotFound("This client does not exist.")


def _chart(days: Sequence[DayUsage]) -> Chart | None:
    """Two lines over the days: calls served and calls refused; None when there was no call."""
    if not any(day.calls for day in days):
        return None
    served = [_reading(day, day.served, gettext("servis")) for day in days]
    refused = [_reading(day, day.refused, gettext("refusés")) for day in days]
    return line_chart([Series(gettext("Servis"), served), Series(gettext("Refusés"), refused)])


def _reading(day: DayUsage, count: int, word: str) -> Reading:
    noon = datetime.combine(day.day, time(12), UTC)
    return Reading(noon, count, f"{day.day:%d/%m/%Y} : {count} {word}")
