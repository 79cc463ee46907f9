"""The forms of the dossier, step by step, saved at each page; of two colleagues on one page, neither loses anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor
from platform_core import clock
from platform_core.database import transaction
from platform_core.errors import Conflict, Fault, Invalid, VersionMismatch
from platform_core.french import hour_in_words
from store.pages import claims, forms
from store.pages.publisher import desk as desks
from store.pages.publisher.conflicts import show_late_writing
from store.pages.publisher.desk import Desk
from store.rules import dossier, sections
from store.rules.orientation import list_obstacles
from store.rules.sections import Step
from store.service import dossiers

blueprint = Blueprint("sections", __name__, template_folder="../../templates")

Answer = str | Response | tuple[str, int] | tuple[dict[str, str], int]


@dataclass(frozen=True, slots=True)
class StepPage:
    """One page of a section as its publisher fills it: `fields` are those that may be written."""

    desk: Desk
    section: str
    steps: Sequence[Step]
    index: int
    fields: tuple[str, ...]

    @property
    def slug(self) -> str:
        return str(dossier.SECTIONS[self.section]["x-slug"])

    @property
    def step(self) -> Step:
        return self.steps[self.index]

    @property
    def saved(self) -> dict[str, Any]:
        """What the dossier holds for these fields."""
        values = self.desk.file.dossier.get(self.section, {})
        return {name: values[name] for name in self.fields if name in values}

    @property
    def version(self) -> str:
        return dossier.section_version(self.desk.file.dossier, self.section, self.fields)

    def read(self) -> dict[str, Any]:
        """The values posted; in a conflict, those that the person chose to keep as saved."""
        if self.section == "criteria":
            typed: dict[str, Any] = claims.read(request.form, self.fields)
        else:
            typed = forms.read(dossier.SECTIONS[self.section], request.form, self.fields)
        kept = {name for name in self.fields if request.form.get(f"keep-{name}") == "saved"}
        return {name: value for name, value in typed.items() if name not in kept} | {
            name: value for name, value in self.saved.items() if name in kept
        }

    def differing(self, values: Mapping[str, Any]) -> list[str]:
        """The fields whose posted value is not the saved one."""
        return [name for name in self.fields if values.get(name) != self.saved.get(name)]

    def unchosen(self, values: Mapping[str, Any]) -> list[str]:
        """In a conflict, the fields that differ still and for which the person chose neither value."""
        return [name for name in self.differing(values) if f"keep-{name}" not in request.form]

    def words(self, values: Mapping[str, Any]) -> Mapping[str, tuple[str, str]]:
        """Each field by name: its label, and its value in words."""
        if self.section == "criteria":
            criteria = [self.desk.grid.get(name) for name in self.fields]
            return {
                one.id: (f"{one.id} {gettext(one.title)}", claims.describe(one, values.get(one.id, {})))
                for one in criteria
            }
        shown = forms.fields_of(dossier.SECTIONS[self.section], values, only=self.fields)
        return {one.name: (one.label, forms.describe(one)) for one in shown}


@blueprint.get("/editeur/applications/<uuid:application_id>/<slug>")
@blueprint.get("/editeur/applications/<uuid:application_id>/<slug>/<step>")
@agent_required("publisher")
def show_section(application_id: UUID, slug: str, step: str = "") -> Answer:
    desk, section = desks.open_desk(application_id), desks.find_section(slug)
    steps = sections.list_steps(section, desk.file.dossier, desk.grid)
    writable = [one for one in steps if desk.writable(section, one.fields)]
    if not desk.applies[section] or not writable:
        return _read_only(desk, section)
    if not step and section == "criteria":
        return _families(desk, steps)
    if not step and steps[0].slug:
        return redirect(desks.section_url(application_id, section, writable[0].slug))
    page = _page(desk, section, step)
    return _form(page, page.saved) if page.fields else _read_only(desk, section)


@blueprint.post("/editeur/applications/<uuid:application_id>/<slug>")
@blueprint.post("/editeur/applications/<uuid:application_id>/<slug>/<step>")
@agent_required("publisher")
def save_section(application_id: UUID, slug: str, step: str = "") -> Answer:
    page = _page(desks.open_desk(application_id), desks.find_section(slug), step)
    if not page.fields:
        return _late(page)
    values = page.read()
    if "choosing" in request.form and page.unchosen(values):
        return _conflict(page, values, missing=page.unchosen(values)), 422
    try:
        _save(page, values)
    except VersionMismatch:
        renewed = _page(desks.open_desk(application_id), page.section, step)
        return (_conflict(renewed, values), 409) if renewed.differing(values) else _go_on(renewed)
    except Conflict:
        return _late(_page(desks.open_desk(application_id), page.section, step))
    except Invalid as refused:
        return _form(page, values, refused.faults), 422
    flash(gettext("Brouillon enregistré."), "success")
    return _go_on(page)


@blueprint.post("/editeur/applications/<uuid:application_id>/brouillon/<slug>")
@blueprint.post("/editeur/applications/<uuid:application_id>/brouillon/<slug>/<step>")
@agent_required("publisher")
def save_draft(application_id: UUID, slug: str, step: str = "") -> Answer:
    """The same while the person goes on typing: says what was done, and the version to save on."""
    page = _page(desks.open_desk(application_id), desks.find_section(slug), step)
    try:
        _save(page, page.read())
    except Conflict:
        return {"said": str(gettext("Cette partie ne se modifie plus : enregistrez pour comparer."))}, 409
    except VersionMismatch:
        return {"said": str(gettext("Quelqu’un d’autre a enregistré : enregistrez pour comparer."))}, 409
    except Invalid:
        return {"said": str(gettext("Brouillon non enregistré : une réponse n’est pas valable."))}, 422
    renewed = _page(desks.open_desk(application_id), page.section, step)
    said = gettext("Brouillon enregistré à %(time)s", time=hour_in_words(clock.now()))
    return {"said": str(said), "version": renewed.version}, 200


def _save(page: StepPage, values: Mapping[str, Any]) -> None:
    with transaction():
        dossiers.save_section(
            application_id=page.desk.file.application_id,
            section=page.section,
            values=values,
            version=request.form.get("version", ""),
            fields=page.fields,
            by=current_actor(),
        )


def _page(desk: Desk, section: str, step: str) -> StepPage:
    steps = sections.list_steps(section, desk.file.dossier, desk.grid)
    index = next((number for number, one in enumerate(steps) if one.slug == step), None)
    if index is None:
        abort(404)
    return StepPage(desk, section, steps, index, desk.writable(section, steps[index].fields))


def _go_on(page: StepPage) -> Response:
    """To the next step, the next section that concerns the service, or the hub."""
    application_id = page.desk.file.application_id
    if request.form.get("then") == "quit":
        return redirect(desks.hub_url(application_id), 303)
    if page.index + 1 < len(page.steps):
        return redirect(desks.section_url(application_id, page.section, page.steps[page.index + 1].slug), 303)
    applies = desks.open_desk(application_id).applies
    order = [section for section in dossier.SECTIONS if applies[section] or section == page.section]
    following = order[order.index(page.section) + 1 :]
    return redirect(
        desks.section_url(application_id, following[0]) if following else desks.hub_url(application_id), 303
    )


def _read_only(desk: Desk, section: str) -> str:
    return render_template(
        "store/publisher/read_section.html",
        file=desk.file,
        section=section,
        schema=dossier.SECTIONS[section],
        applies=desk.applies[section],
        grid=desk.grid,
        forms=forms,
        claims=claims,
    )


def _families(desk: Desk, steps: Sequence[Step]) -> str:
    faults = dossier.list_faults(desk.file.dossier, desk.grid, desk.shown)
    statuses = [sections.step_status(desk.file.dossier, "criteria", faults, step.fields) for step in steps]
    fields = [_claim_fields(desk, step.fields, {}) for step in steps]
    return render_template(
        "store/publisher/families.html",
        file=desk.file,
        schema=dossier.SECTIONS["criteria"],
        grid=desk.grid,
        answered=desk.answered,
        families=list(zip(steps, statuses, fields, strict=True)),
        oriented=not any(dossier.section_of(fault) == "orientation" for fault in faults),
    )


def _claim_fields(
    desk: Desk, criteria: Sequence[str], values: Mapping[str, Any], faults: Sequence[Fault] = ()
) -> list[claims.ClaimField]:
    return claims.fields_of(
        desk.grid,
        criteria,
        desk.file.dossier,
        values,
        answered=desk.answered,
        faults=faults,
        evidence=desk.evidence,
    )


def _form(page: StepPage, values: Mapping[str, Any], faults: Sequence[Fault] = ()) -> str:
    """The form of a step, what is wrong beside each field."""
    own = [fault for fault in faults if dossier.section_of(fault) == page.section]
    desk, schema = page.desk, dossier.SECTIONS[page.section]
    return render_template(
        "store/publisher/criteria.html" if page.section == "criteria" else "store/publisher/section.html",
        page=page,
        file=desk.file,
        section=page.section,
        schema=schema,
        fields=(
            _claim_fields(desk, page.fields, values, own)
            if page.section == "criteria"
            else forms.fields_of(schema, values, own, page.fields)
        ),
        items=dossier.list_items(desk.file.dossier) if page.section == "data" else None,
        item_versions=_item_versions(desk) if page.section == "data" else {},
        obstacles=list_obstacles(page.saved) if page.section == "orientation" else [],
        forms=forms,
    )


def _item_versions(desk: Desk) -> dict[tuple[str, str], str]:
    content = desk.file.dossier
    keys = [(item["category"], item["access"]) for item in dossier.list_items(content)]
    return {key: dossier.item_version(content, *key) for key in keys}


def _late(page: StepPage) -> tuple[str, int]:
    """The part was closed while it was being written: both values of each field that differs."""
    whole = replace(page, fields=page.step.fields)
    values = whole.read()
    saved, typed = whole.words(whole.saved), whole.words(values)
    rows = [(typed[name][0], saved[name][1], typed[name][1]) for name in whole.differing(values)]
    title = str(gettext(dossier.SECTIONS[page.section]["title"]))
    return show_late_writing(page.desk.file.application_id, title=title, rows=rows)


def _conflict(page: StepPage, values: Mapping[str, Any], missing: Sequence[str] = ()) -> str:
    """Both values of each field that differs, and the choice to make. Nothing typed is lost."""
    saved, typed, differing = page.words(page.saved), page.words(values), page.differing(values)
    own = {"csrf_token", "version", "choosing", *(f"keep-{name}" for name in page.fields)}
    return render_template(
        "store/publisher/conflict.html",
        page=page,
        file=page.desk.file,
        section=page.section,
        schema=dossier.SECTIONS[page.section],
        rows=[(name, typed[name][0], saved[name][1], typed[name][1]) for name in differing],
        posted=[(name, value) for name, value in request.form.items(multi=True) if name not in own],
        chosen={name: request.form.get(f"keep-{name}") for name in differing},
        missing=missing,
    )
