"""The part of a dossier that a page of evidence is about, as its address names it."""

from dataclasses import dataclass
from uuid import UUID

from flask import request, url_for
from flask_babel import gettext

from identity_core.sessions import current_actor
from platform_core.database import transaction
from platform_core.errors import NotFound
from store.queries.submissions import SubmissionView, get_own_submission
from store.rules import dossier, grid
from store.rules.evidence import TargetKind

SLUGS = {TargetKind.CRITERION: "critere", TargetKind.SECTION: "rubrique"}
_KIND_OF = {slug: kind for kind, slug in SLUGS.items()}


@dataclass(frozen=True, slots=True)
class Target:
    """The part of a dossier that a file is chosen for."""

    application_id: UUID
    kind: TargetKind
    code: str
    label: str
    asked: tuple[str, ...]


def read_target(file: SubmissionView, slug: str, code: str) -> Target:
    """The part of a dossier that an address names. Raises `NotFound`."""
    kind = _KIND_OF.get(slug)
    if kind is TargetKind.CRITERION:
        criterion = grid.load(file.grid_version).get(code)
        return Target(file.application_id, kind, code, f"{code} : {criterion.title}", tuple(criterion.evidence))
    if kind is TargetKind.SECTION and code in dossier.SECTIONS:
        return Target(file.application_id, kind, code, gettext(dossier.SECTIONS[code]["title"]), ())
    raise NotFound("The dossier has no such part.")


def asked_target() -> Target | None:
    """The part of a dossier for which a new file is filed, when it is for one."""
    application_id = request.values.get("application", type=UUID)
    if application_id is None:
        return None
    with transaction():
        file = get_own_submission(application_id, by=current_actor())
    return read_target(file, request.values.get("nature", ""), request.values.get("cible", ""))


def choose_url(target: Target) -> str:
    return url_for(
        "backing.choose", application_id=target.application_id, target_kind=SLUGS[target.kind], target=target.code
    )
