"""Pages of reimbursements: what was reimbursed over a period, by kind, as a chart, a table and a CSV file."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, render_template, request
from flask_babel import format_date, gettext, ngettext

from dmp_core.models.entries import EntryRow
from dmp_core.queries.entries import count_with_newest, list_entries
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.rules.entries.kinds import REIMBURSEMENTS
from dmp_core.rules.reimbursements import Reimbursed, count_by_month, read_reimbursed, sum_by_kind, total
from identity_core.rules import Power
from identity_core.sessions import current_actor, current_patient, helper_allowed
from platform_core import charts, clock
from platform_core.access import Actor, DatePeriod
from platform_core.clock import PARIS
from platform_core.database import transaction
from platform_core.fhir import wire
from platform_core.fhir.search import ANY_TIME, span_of

blueprint = Blueprint("reimbursements", __name__, template_folder="../templates")

_PERIODS = {"trimestre": 92, "annee": 366, "deux-ans": 731, "tout": None}
_MOST = 5000
_SHOWN = 100
_FORMULAS = ("=", "+", "-", "@", "\t")


@blueprint.get("/espace/dossier/remboursements")
@helper_allowed(Power.RECORD, families=("reimbursements",))
def show_reimbursements() -> str:
    period, kind = _asked()
    everything = _list(period)
    found, kinds = _of_kind(everything, kind), sum_by_kind(everything)
    months = count_by_month(found, until=clock.today())
    return render_template(
        "dmp_core/reimbursements.html",
        patient=current_patient(),
        period=period,
        periods=_period_names(),
        kind=kind,
        kinds=kinds,
        offered=_offered(kind, [name for name, _ in kinds]),
        names=_kind_names(),
        chart=charts.bar_chart([_bar(month, count) for month, count in months], whole=True),
        total=total(found),
        found=found[:_SHOWN],
    )


@blueprint.get("/espace/dossier/remboursements.csv")
@helper_allowed(Power.RECORD, families=("reimbursements",))
def export_reimbursements() -> Response:
    """The same as a spreadsheet reads it in French: semicolons, decimal commas, a byte order mark."""
    period, kind = _asked()
    found, text = _of_kind(_list(period), kind), io.StringIO()
    names, writer = _kind_names(), csv.writer(text, delimiter=";")
    writer.writerow(map(gettext, ("Date", "Type", "Soin", "Professionnel ou établissement", "Montant en euros")))
    for line in found:
        amount = "" if line.amount is None else str(line.amount).replace(".", ",")
        writer.writerow([line.on.isoformat(), names[line.kind], _inert(line.label), _inert(line.provider), amount])
    return Response(
        text.getvalue().encode("utf-8-sig"),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="remboursements.csv"'},
    )


def load_panel(*, by: Actor, patient_id: UUID) -> Mapping[str, Any] | None:
    """How many reimbursements there are and the newest, for the page of the record."""
    if not by.reaches(REIMBURSEMENTS.category):
        return None
    count, newest = count_with_newest(patient_id=patient_id, viewer=Viewer.of(by), category=REIMBURSEMENTS.category)
    return {"count": count, "newest": newest}


def _asked() -> tuple[str, str]:
    """The period and the kind of the address; the last year and every kind (empty) where it names none that exists."""
    period, kind = request.args.get("periode", ""), request.args.get("type", "")
    return period if period in _PERIODS else "annee", kind if kind in _kind_names() else ""


def _list(period: str) -> Sequence[Reimbursed]:
    """What was reimbursed over a period, newest first."""
    days, patient_id = _PERIODS[period], current_patient().id
    span = span_of(DatePeriod(clock.today() - timedelta(days=days), None)) if days else ANY_TIME
    with transaction(patient_id=patient_id):
        rows = list_entries(
            patient_id=patient_id,
            viewer=Viewer.of(current_actor()),
            categories=[REIMBURSEMENTS.category],
            span=span,
            limit=_MOST,
        )
    return list(_read(rows))


def _offered(chosen: str, present: Sequence[str]) -> list[tuple[str, str]]:
    """The kinds to choose from: every one, those of the period, and the chosen one, be there none of it."""
    kinds = [(kind, name) for kind, name in _kind_names().items() if kind == chosen or kind in present]
    return [("", gettext("Tous les soins")), *kinds] if kinds else []


def _of_kind(found: Sequence[Reimbursed], kind: str) -> Sequence[Reimbursed]:
    return [one for one in found if one.kind == kind] if kind else found


def _read(rows: Sequence[EntryRow]) -> Iterator[Reimbursed]:
    for row in rows:
        if row.status != "cancelled":
            yield read_reimbursed(row.effective_at.astimezone(PARIS).date(), row.label, wire.read(row.body.encode()))


def _bar(month: date, count: int) -> tuple[str, float, str]:
    name = format_date(month, "MMMM yyyy")
    said = ngettext("%(num)s soin", "%(num)s soins", count)
    return format_date(month, "MMM yy"), count, f"{name} : {said}"


def _inert(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULAS) else text


def _period_names() -> dict[str, str]:
    return {
        "trimestre": gettext("Trois mois"),
        "annee": gettext("Un an"),
        "deux-ans": gettext("Deux ans"),
        "tout": gettext("Tout"),
    }


def _kind_names() -> dict[str, str]:
    return {
        "medication": gettext("Médicaments"),
        "vaccine": gettext("Vaccins"),
        "device": gettext("Appareils et dispositifs"),
        "hospital": gettext("Séjours à l’hôpital"),
        "care": gettext("Consultations et soins"),
        "imaging": gettext("Imagerie"),
        "biology": gettext("Biologie"),
        "other": gettext("Autres soins"),
    }
