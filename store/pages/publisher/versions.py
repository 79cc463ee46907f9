"""The versions of a dossier as they were sent, and what changed from one to the next."""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, render_template
from flask_babel import gettext

from identity_core.sessions import agent_required, current_actor
from platform_core.database import transaction
from store.pages import claims, forms
from store.queries import versions
from store.queries.submissions import get_own_submission
from store.rules import dossier, grid
from store.rules.changes import Change, list_changes

blueprint = Blueprint("versions", __name__, template_folder="../../templates")


@blueprint.get("/editeur/applications/<uuid:application_id>/versions")
@agent_required("publisher")
def list_versions(application_id: UUID) -> str:
    by = current_actor()
    with transaction():
        file = get_own_submission(application_id, by=by)
        sent = versions.list_own_versions(application_id, by=by)
    earlier = [*sent[1:], None]
    pending = list_changes(sent[0].dossier, file.dossier) if sent else []
    return render_template(
        "store/publisher/versions.html",
        file=file,
        sent=[(one, say_changes(before, one) if before else None) for one, before in zip(sent, earlier, strict=True)],
        pending=[say_change(change, file.grid_version) for change in pending],
    )


@blueprint.get(
    "/editeur/applications/<uuid:application_id>/versions/<int(max=2147483647):submission>/<int(max=2147483647):number>"
)
@agent_required("publisher")
def show_version(application_id: UUID, submission: int, number: int) -> str:
    by = current_actor()
    with transaction():
        file = get_own_submission(application_id, by=by)
        sent = versions.list_own_versions(application_id, by=by)
    found = [one for one in sent if (one.submission_number, one.number) == (submission, number)]
    if not found:
        abort(404)
    given = found[0].dossier.get("orientation", {})
    return render_template(
        "store/publisher/version.html",
        file=file,
        version=found[0],
        grid=grid.load(found[0].grid_version),
        sections={code: s for code, s in dossier.SECTIONS.items() if dossier.section_applies(given, code)},
        forms=forms,
        claims=claims,
    )


def say_changes(before: versions.VersionView, after: versions.VersionView) -> list[dict[str, str]]:
    """What changed from one version to the next, in words."""
    return [say_change(change, after.grid_version) for change in list_changes(before.dossier, after.dossier)]


def say_change(change: Change, grid_version: str) -> dict[str, str]:
    """A change in words: where, the field, its value before and after (empty where it was absent)."""
    return {
        "section": gettext(dossier.SECTIONS[change.section]["title"]),
        "label": _label(change),
        "before": _value(change, change.before, grid_version),
        "after": _value(change, change.after, grid_version),
    }


def _label(change: Change) -> str:
    title = gettext(change.shape["title"])
    if change.section == "criteria":
        return f"{change.parent[0]}, {title}"
    if change.parent:
        category, access = change.parent
        what = f"{forms.say_access(access)} : {forms.say_category(category)}"
        return f"{what}, {title}" if change.field else what
    return str(title)


def _value(change: Change, value: Any, grid_version: str) -> str:
    if change.field == "history_days":
        return forms.say_history({"access": change.parent[1], "history_days": value})
    if value is None:
        return ""
    if not change.field:
        return " ; ".join(forms.describe_item(value)[2:])
    if change.field == "periodicity":
        return forms.say_periodicity(value)
    if change.section == "criteria" and change.field == "level":
        return _level(change.parent[0], value, grid_version)
    schema = {"properties": {change.field: change.shape}, "required": []}
    return forms.describe(forms.fields_of(schema, {change.field: value})[0])


def _level(criterion: str, level: int, grid_version: str) -> str:
    found = grid.load(grid_version).criteria.get(criterion)
    meanings = [one.meaning for one in found.levels if one.level == level] if found else []
    return f"{level} ({meanings[0]})" if meanings else str(level)
