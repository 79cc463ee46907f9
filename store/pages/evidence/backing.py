"""What backs a dossier: an overview by criterion and section, and the choice of the files for each."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor
from platform_core.database import transaction
from store.pages.evidence.targets import choose_url, read_target
from store.queries import evidence as queries
from store.queries.submissions import get_own_submission
from store.rules import dossier, grid
from store.rules.evidence import KINDS
from store.service import evidence
from store.workflow import EDITABLE

blueprint = Blueprint("backing", __name__, template_folder="../../templates")


@blueprint.get("/editeur/applications/<uuid:application_id>/preuves")
@agent_required("publisher")
def show_dossier(application_id: UUID) -> str:
    with transaction():
        file = get_own_submission(application_id, by=current_actor())
        links = queries.list_links(file.id)
    used = grid.load(file.grid_version)
    backed: dict[str, list[queries.EvidenceView]] = {}
    for link in links:
        backed.setdefault(link.target, []).append(link.evidence)
    return render_template(
        "store/evidence/dossier.html",
        file=file,
        families=used.families.values(),
        criteria=used.applicable(file.dossier.get("orientation", {})),
        sections=dossier.SECTIONS,
        backed=backed,
    )


@blueprint.get("/editeur/applications/<uuid:application_id>/preuves/<target_kind>/<target>")
@agent_required("publisher")
def choose(application_id: UUID, target_kind: str, target: str) -> str:
    by = current_actor()
    with transaction():
        file = get_own_submission(application_id, by=by)
        wanted = read_target(file, target_kind, target)
        links = queries.list_links(file.id)
        found = queries.list_evidence(organisation_id=file.organisation_id)
    backing = [link.evidence for link in links if (link.target_kind, link.target) == (wanted.kind, wanted.code)]
    taken = {one.id for one in backing}
    free = [one for one in found if not one.superseded_by and one.id not in taken]
    return render_template(
        "store/evidence/choose.html",
        file=file,
        target=wanted,
        slug=target_kind,
        kinds=[KINDS[code] for code in wanted.asked if code in KINDS],
        backing=backing,
        free=sorted(free, key=lambda one: one.kind.code not in wanted.asked),
        editable=file.state in EDITABLE,
    )


@blueprint.post("/editeur/applications/<uuid:application_id>/preuves/<target_kind>/<target>")
@agent_required("publisher")
def link(application_id: UUID, target_kind: str, target: str) -> Response:
    """Tie the chosen files to a part of the dossier."""
    by = current_actor()
    chosen = request.form.getlist("evidence", type=UUID)
    with transaction():
        wanted = read_target(get_own_submission(application_id, by=by), target_kind, target)
        for evidence_id in chosen:
            evidence.link_evidence(
                application_id=application_id,
                target_kind=wanted.kind,
                target=wanted.code,
                evidence_id=evidence_id,
                by=by,
            )
    said = gettext("Preuves rattachées.") if chosen else gettext("Cochez au moins une preuve.")
    flash(said, "success" if chosen else "warning")
    return redirect(choose_url(wanted), 303)


@blueprint.post("/editeur/applications/<uuid:application_id>/preuves/<target_kind>/<target>/<uuid:evidence_id>/retrait")
@agent_required("publisher")
def unlink(application_id: UUID, target_kind: str, target: str, evidence_id: UUID) -> Response:
    by = current_actor()
    with transaction():
        wanted = read_target(get_own_submission(application_id, by=by), target_kind, target)
        evidence.unlink_evidence(
            application_id=application_id,
            target_kind=wanted.kind,
            target=wanted.code,
            evidence_id=evidence_id,
            by=by,
        )
    flash(gettext("Preuve retirée de cette partie du dossier. Le fichier reste dans vos preuves."), "success")
    return redirect(choose_url(wanted), 303)
