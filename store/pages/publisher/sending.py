"""Sending a dossier: the answers read again, the attestation, the receipt."""

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor
from platform_core.database import transaction
from platform_core.errors import Conflict, Fault, Invalid, NotFound
from store.pages import claims, forms
from store.pages.publisher import desk as desks
from store.pages.publisher.conflicts import show_late_sending
from store.pages.publisher.desk import Desk
from store.queries import versions
from store.queries.submissions import get_own_submission
from store.rules import dossier
from store.rules.grid import Grid, Proof
from store.rules.procedure import PROCEDURE
from store.service import dossiers
from store.workflow import EDITABLE

blueprint = Blueprint("sending", __name__, template_folder="../../templates")

Answer = str | Response | tuple[str, int]


@blueprint.get("/editeur/applications/<uuid:application_id>/soumettre")
@agent_required("publisher")
def check_answers(application_id: UUID) -> Answer:
    desk = desks.open_desk(application_id)
    if desk.file.state not in EDITABLE:
        return redirect(desks.hub_url(application_id), 303)
    return _page(desk)


@blueprint.post("/editeur/applications/<uuid:application_id>/soumettre")
@agent_required("publisher")
def submit(application_id: UUID) -> Answer:
    if request.form.get("attest") != "yes":
        return _page(desks.open_desk(application_id), gettext("Attestez que ces réponses sont exactes.")), 422
    try:
        with transaction():
            number = dossiers.submit(application_id=application_id, by=current_actor())
    except Invalid:
        return _page(desks.open_desk(application_id)), 422
    except Conflict:
        return show_late_sending(application_id)
    return redirect(url_for("sending.show_receipt", application_id=application_id, number=number), 303)


@blueprint.get("/editeur/applications/<uuid:application_id>/accuse/<int(max=2147483647):number>")
@agent_required("publisher")
def show_receipt(application_id: UUID, number: int) -> str:
    with transaction():
        file = get_own_submission(application_id, by=current_actor())
        sent = versions.find_last_version(file.id)
    if sent is None or number > sent.number:
        raise NotFound("Nothing was sent under this number.")
    return render_template("store/publisher/receipt.html", file=file, sent=sent, delays=PROCEDURE["delays_days"])


def _page(desk: Desk, attest_error: str = "") -> str:
    faults = dossier.list_faults(desk.file.dossier, desk.grid, desk.shown)
    return render_template(
        "store/publisher/check.html",
        file=desk.file,
        grid=desk.grid,
        sections={code: schema for code, schema in dossier.SECTIONS.items() if desk.applies[code]},
        writable={code for code in dossier.SECTIONS if desk.writable(code, _parts(desk, code))},
        errors=_errors(faults, desk.grid),
        unproven=[one for one in _owed(desk) if one not in desk.backed],
        attest_error=attest_error,
        forms=forms,
        claims=claims,
    )


def _parts(desk: Desk, section: str) -> list[str]:
    return [*desk.grid.criteria] if section == "criteria" else [section]


def _errors(faults: list[Fault], grid: Grid) -> list[tuple[str, str]]:
    """One line for each field, each a link to its section; a criterion counts once."""
    once = {_whole(fault.where): fault for fault in reversed(faults)}
    return [
        (f"section-{dossier.section_of(fault)}", f"{_label(where, grid)} : {forms.say_fault(fault)}")
        for where, fault in reversed(once.items())
    ]


def _whole(where: str) -> str:
    """A field of an answer to a criterion as the criterion itself."""
    return where.rpartition(".")[0] if where.startswith("criteria.") and where.count(".") == 2 else where


def _label(where: str, grid: Grid) -> str:
    section, __, rest = where.partition(".")
    if section == "criteria" and rest in grid.criteria:
        return f"{rest} {gettext(grid.criteria[rest].title)}"
    return forms.label_of(where)


def _owed(desk: Desk) -> list[str]:
    """The obligatory criteria that concern the service and ask for a file, or for the reason why there is none."""
    given = desk.file.dossier.get("orientation", {})
    return [one.id for one in desk.grid.applicable(given) if one.obligatory and one.proof is not Proof.OPTIONAL]
