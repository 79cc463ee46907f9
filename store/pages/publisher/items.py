"""The data that an application asks for, one item at a time: the ceiling of every later consent request."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor
from platform_core.access import Access
from platform_core.database import transaction
from platform_core.errors import Conflict, DomainError, Invalid, NotFound, VersionMismatch
from platform_core.permission import Unit
from store.pages import forms
from store.pages.publisher.conflicts import show_late_writing
from store.pages.publisher.desk import section_url
from store.queries.submissions import SubmissionView, get_own_submission
from store.rules import dossier
from store.service import dossiers

blueprint = Blueprint("items", __name__, template_folder="../../templates")

Answer = str | Response | tuple[str, int]


@blueprint.get("/editeur/applications/<uuid:application_id>/donnees/nouvelle")
@blueprint.get("/editeur/applications/<uuid:application_id>/donnees/<category>/<any(read, write):access>")
@agent_required("publisher")
def show_item(application_id: UUID, category: str = "", access: str = "") -> str:
    file = _own(application_id)
    found = _find(file, category, access)
    if category and not found:
        raise NotFound("The dossier does not ask for this data.")
    return _form(file, found, existing=bool(found))


@blueprint.post("/editeur/applications/<uuid:application_id>/donnees/nouvelle")
@blueprint.post("/editeur/applications/<uuid:application_id>/donnees/<category>/<any(read, write):access>")
@agent_required("publisher")
def save_item(application_id: UUID, category: str = "", access: str = "") -> Answer:
    by, posted = current_actor(), MultiDict(request.form)
    if category:
        posted["category"], posted["access"] = category, access
    item, version = forms.read_item(posted), request.form.get("version", "")
    try:
        with transaction():
            dossiers.save_item(application_id=application_id, item=item, version=version, by=by)
    except Conflict:
        return _late(application_id, item)
    except (VersionMismatch, Invalid) as refused:
        page = _form(_own(application_id), item, existing=bool(category), refused=refused, version=version)
        return page, 409 if isinstance(refused, VersionMismatch) else 422
    flash(gettext("Donnée enregistrée."), "success")
    return redirect(section_url(application_id, "data"), 303)


@blueprint.post("/editeur/applications/<uuid:application_id>/donnees/<category>/<any(read, write):access>/retrait")
@agent_required("publisher")
def remove_item(application_id: UUID, category: str, access: str) -> Answer:
    try:
        with transaction():
            dossiers.remove_item(
                application_id=application_id,
                category=category,
                access=Access(access),
                version=request.form.get("version", ""),
                by=current_actor(),
            )
    except VersionMismatch as refused:
        file = _own(application_id)
        found = _find(file, category, access)
        if found:
            return _form(file, found, existing=True, refused=refused), 409
    except Conflict:
        return _late(application_id, {})
    flash(gettext("Donnée retirée du dossier."), "success")
    return redirect(section_url(application_id, "data"), 303)


def _late(application_id: UUID, item: dict[str, Any]) -> tuple[str, int]:
    """The section was closed while the item was being written, or taken back: what the dossier asks, what was typed."""
    saved = _find(_own(application_id), item.get("category", ""), item.get("access", ""))
    labels = [_("Donnée"), _("Accès"), _("Pourquoi"), _("Besoin"), _("Ancienneté"), _("Fréquence")]
    typed = forms.describe_item(item) if item else ()
    held = forms.describe_item(saved) if saved else [_("Non renseigné")] * len(typed)
    rows = [row for row in zip(labels, held, typed, strict=bool(item)) if row[1] != row[2]]
    return show_late_writing(application_id, title=_(dossier.SECTIONS["data"]["title"]), rows=rows)


def _(text: str) -> str:
    return str(gettext(text))


def _own(application_id: UUID) -> SubmissionView:
    with transaction():
        return get_own_submission(application_id, by=current_actor())


def _find(file: SubmissionView, category: str, access: str) -> dict[str, Any]:
    found = [i for i in dossier.list_items(file.dossier) if (i["category"], i["access"]) == (category, access)]
    return found[0] if found else {}


def _form(
    file: SubmissionView,
    item: dict[str, Any],
    *,
    existing: bool,
    refused: DomainError | None = None,
    version: str = "",
) -> str:
    """The form of an item. In a conflict it holds what was typed, beside what a colleague saved."""
    conflict = isinstance(refused, VersionMismatch)
    key = (item.get("category", ""), item.get("access", ""))
    saved, faults = _find(file, *key), refused.faults if refused else ()
    return render_template(
        "store/publisher/item.html",
        file=file,
        item=item,
        existing=existing,
        fields={one.name: one for one in forms.fields_of(dossier.ITEM, item, faults)},
        errors={fault.where.rsplit(".", 1)[-1]: forms.say_fault(fault) for fault in faults},
        conflict=conflict,
        saved=saved,
        version=dossier.item_version(file.dossier, *key) if conflict or not version else version,
        categories=forms.item_choices(),
        units=list(Unit),
        forms=forms,
    )
