"""The publisher's pages: applications, their dossier section by section, submission."""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from markupsafe import Markup
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor
from platform_core.access import Access
from platform_core.database import transaction
from platform_core.errors import DomainError, Fault, Invalid, NotFound, VersionMismatch
from platform_core.navigation import Area, panels
from platform_core.permission import Unit
from platform_core.renderers import status_of
from store.pages import forms
from store.queries import queue
from store.queries.history import list_history
from store.queries.listings import find_listing
from store.queries.submissions import SubmissionView, get_own_submission
from store.rules import dossier
from store.service import dossiers
from store.workflow import EDITABLE, FINAL, ListingState

blueprint = Blueprint("dossiers", __name__, template_folder="../templates")

Answer = str | Response | tuple[str, int]


@blueprint.get("/editeur/applications")
@agent_required("publisher")
def list_applications() -> str:
    with transaction():
        rows = queue.list_applications(by=current_actor())
    return render_template("store/publisher/list.html", rows=rows)


@blueprint.get("/editeur/applications/nouvelle")
@agent_required("publisher")
def show_new_application() -> str:
    return render_template("store/publisher/new.html", name="", error="")


@blueprint.post("/editeur/applications/nouvelle")
@agent_required("publisher")
def create_application() -> Answer:
    name = request.form.get("name", "").strip()
    try:
        with transaction():
            application_id = dossiers.create_application(name=name, by=current_actor())
    except Invalid as refused:
        error = forms.say_fault(refused.faults[0])
        return render_template("store/publisher/new.html", name=name, error=error), 422
    return redirect(_hub(application_id), 303)


@blueprint.get("/editeur/applications/<uuid:application_id>")
@agent_required("publisher")
def show_application(application_id: UUID) -> str:
    by = current_actor()
    with transaction():
        file = get_own_submission(application_id, by=by)
        listing = find_listing(application_id)
        history = list_history(application_id)
        found = panels(Area.PUBLISHER, "application", by=by, application_id=application_id)
        blocks = [Markup(render_template(template, **context)) for template, context in found]  # noqa: S704 - our own
    return render_template(
        "store/publisher/application.html",
        file=file,
        listing=listing,
        history=history,
        blocks=blocks,
        motives={entry.verb: entry.motive for entry in reversed(history)},
        tasks=_tasks(file),
        editable=file.state in EDITABLE,
        reopens=file.state in FINAL and (listing is None or listing.state is not ListingState.WITHDRAWN),
    )


def _tasks(file: SubmissionView) -> list[dict[str, str]]:
    says = {
        dossier.SectionStatus.EMPTY: (gettext("Pas commencé"), "neutral"),
        dossier.SectionStatus.STARTED: (gettext("En cours"), "info"),
        dossier.SectionStatus.COMPLETE: (gettext("Terminé"), "success"),
    }
    return [
        {
            "label": gettext(schema["title"]),
            "href": url_for("dossiers.show_section", application_id=file.application_id, slug=schema["x-slug"]),
            "status": says[status][0],
            "kind": says[status][1],
        }
        for code, schema in dossier.SECTIONS.items()
        if (status := dossier.section_status(file.dossier, code))
    ]


@blueprint.get("/editeur/applications/<uuid:application_id>/<slug>")
@agent_required("publisher")
def show_section(application_id: UUID, slug: str) -> Answer:
    section = _section(slug)
    file = _own(application_id)
    if file.state not in EDITABLE:
        return render_template(
            "store/publisher/read_section.html",
            file=file,
            section=section,
            schema=dossier.SECTIONS[section],
            forms=forms,
        )
    return _section_form(file, section, file.dossier.get(section, {}))


@blueprint.post("/editeur/applications/<uuid:application_id>/<slug>")
@agent_required("publisher")
def save_section(application_id: UUID, slug: str) -> Answer:
    section, by = _section(slug), current_actor()
    values = forms.read(dossier.SECTIONS[section], request.form)
    version = request.form.get("version", "")
    try:
        with transaction():
            dossiers.save_section(application_id=application_id, section=section, values=values, version=version, by=by)
    except VersionMismatch:
        return _section_form(_own(application_id), section, values, conflict=True), 409
    except Invalid as refused:
        return _section_form(_own(application_id), section, values, version, faults=refused.faults), 422
    flash(gettext("Brouillon enregistré."), "success")
    return redirect(_next(application_id, section), 303)


def _section_form(
    file: SubmissionView,
    section: str,
    values: Any,
    version: str = "",
    *,
    faults: tuple[Fault, ...] = (),
    conflict: bool = False,
) -> str:
    """The form of a section. In a conflict it keeps what was typed and shows what a colleague saved beside it."""
    schema = dossier.SECTIONS[section]
    own = [fault for fault in faults if fault.where.startswith(f"{section}.")]
    return render_template(
        "store/publisher/section.html",
        file=file,
        section=section,
        schema=schema,
        fields=forms.fields_of(schema, values, own),
        items=file.dossier.get("data", {}).get("items", []) if section == "data" else None,
        version=version or dossier.section_version(file.dossier, section),
        saved=forms.describe_section(section, file.dossier.get(section, {})) if conflict else None,
        typed=forms.describe_section(section, values) if conflict else None,
        forms=forms,
    )


@blueprint.get("/editeur/applications/<uuid:application_id>/donnees/nouvelle")
@blueprint.get("/editeur/applications/<uuid:application_id>/donnees/<category>/<access>")
@agent_required("publisher")
def show_item(application_id: UUID, category: str = "", access: str = "") -> str:
    file = _own(application_id)
    found = [i for i in dossier.list_items(file.dossier) if (i["category"], i["access"]) == (category, access)]
    if category and not found:
        raise NotFound("The dossier does not ask for this data.")
    return _item_form(file, found[0] if found else {}, existing=bool(found))


@blueprint.post("/editeur/applications/<uuid:application_id>/donnees/nouvelle")
@blueprint.post("/editeur/applications/<uuid:application_id>/donnees/<category>/<access>")
@agent_required("publisher")
def save_item(application_id: UUID, category: str = "", access: str = "") -> Answer:
    by, version = current_actor(), request.form.get("version", "")
    posted = MultiDict(request.form)
    if category:
        posted["category"], posted["access"] = category, access
    item = forms.read_item(posted)
    try:
        with transaction():
            dossiers.save_item(application_id=application_id, item=item, version=version, by=by)
    except (VersionMismatch, Invalid) as refused:
        file = _own(application_id)
        page = _item_form(file, item, existing=bool(category), refused=refused, version=version)
        return page, 409 if isinstance(refused, VersionMismatch) else 422
    flash(gettext("Donnée enregistrée."), "success")
    return redirect(_section_url(application_id, "data"), 303)


@blueprint.post("/editeur/applications/<uuid:application_id>/donnees/<category>/<any(read, write):access>/retrait")
@agent_required("publisher")
def remove_item(application_id: UUID, category: str, access: str) -> Response:
    version = request.form.get("version", "")
    with transaction():
        dossiers.remove_item(
            application_id=application_id,
            category=category,
            access=Access(access),
            version=version,
            by=current_actor(),
        )
    flash(gettext("Donnée retirée du dossier."), "success")
    return redirect(_section_url(application_id, "data"), 303)


def _item_form(
    file: SubmissionView,
    item: dict[str, Any],
    *,
    existing: bool,
    refused: DomainError | None = None,
    version: str = "",
) -> str:
    conflict = isinstance(refused, VersionMismatch)
    faults = refused.faults if refused else ()
    return render_template(
        "store/publisher/item.html",
        file=file,
        item=item,
        existing=existing,
        fields={one.name: one for one in forms.fields_of(dossier.ITEM, item, faults)},
        errors={fault.where.rsplit(".", 1)[-1]: forms.say_fault(fault) for fault in faults},
        conflict=forms.say_refusal(refused) if refused and conflict else "",
        version=dossier.section_version(file.dossier, "data") if conflict or not version else version,
        categories=forms.item_choices(),
        units=list(Unit),
    )


@blueprint.get("/editeur/applications/<uuid:application_id>/soumettre")
@agent_required("publisher")
def check_answers(application_id: UUID) -> Answer:
    file = _own(application_id)
    if file.state not in EDITABLE:
        return redirect(_hub(application_id), 303)
    return _check_answers(file)


@blueprint.post("/editeur/applications/<uuid:application_id>/soumettre")
@agent_required("publisher")
def submit(application_id: UUID) -> Answer:
    if request.form.get("attest") != "yes":
        return _check_answers(_own(application_id), gettext("Attestez que ces réponses sont exactes.")), 422
    try:
        with transaction():
            dossiers.submit(application_id=application_id, by=current_actor())
    except Invalid:
        return _check_answers(_own(application_id)), 422
    flash(gettext("Dossier soumis. Vous serez averti de chaque étape."), "success")
    return redirect(_hub(application_id), 303)


def _check_answers(file: SubmissionView, attest_error: str = "") -> str:
    errors = [
        (f"section-{fault.where.partition('.')[0]}", f"{forms.label_of(fault.where)} : {forms.say_fault(fault)}")
        for fault in dossier.list_faults(file.dossier)
    ]
    return render_template(
        "store/publisher/check.html",
        file=file,
        sections=dossier.SECTIONS,
        errors=errors,
        attest_error=attest_error,
        forms=forms,
    )


@blueprint.post("/editeur/applications/<uuid:application_id>/reouverture")
@agent_required("publisher")
def open_submission(application_id: UUID) -> Response:
    try:
        with transaction():
            dossiers.open_submission(application_id=application_id, by=current_actor())
        flash(gettext("Un nouveau dossier est ouvert, rempli avec les réponses du précédent."), "success")
    except DomainError as refused:
        if status_of(refused) != 409:
            raise
        flash(forms.say_refusal(refused), "warning")
    return redirect(_hub(application_id), 303)


def _own(application_id: UUID) -> SubmissionView:
    with transaction():
        return get_own_submission(application_id, by=current_actor())


def _section(slug: str) -> str:
    section = forms.section_by_slug().get(slug)
    if section is None:
        abort(404)
    return section


def _hub(application_id: UUID) -> str:
    return url_for("dossiers.show_application", application_id=application_id)


def _section_url(application_id: UUID, section: str) -> str:
    slug = dossier.SECTIONS[section]["x-slug"]
    return url_for("dossiers.show_section", application_id=application_id, slug=slug)


def _next(application_id: UUID, section: str) -> str:
    """Where to go after saving: the next section, or the hub."""
    order = list(dossier.SECTIONS)
    following = order.index(section) + 1
    if request.form.get("then") == "quit" or following == len(order):
        return _hub(application_id)
    return _section_url(application_id, order[following])
