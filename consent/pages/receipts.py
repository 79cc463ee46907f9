"""Receipts: each act on a consent to read, print, download, and to have verified by anybody."""

from uuid import UUID

import orjson
from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as Redirect

from consent import queries
from consent.pages import words
from consent.pages.explained import explain_refusals
from consent.rules import texts
from consent.rules.receipts import Verdict
from consent.service.exports import export_consent
from identity_core.sessions import current_patient, current_patient_id, permissions_required
from platform_core.database import transaction
from platform_core.web import public, rate_limit

blueprint = Blueprint("receipts", __name__, template_folder="../templates")
explain_refusals(blueprint)

MOST = 256 * 1024
_OWN = "/espace/applications/<uuid:grant_id>"
_OPEN = "a receipt is proof for whoever is shown it"


@blueprint.get(f"{_OWN}/recus/<int(max=2147483647):number>")
@permissions_required
def show_receipt(grant_id: UUID, number: int) -> str:
    """What one act did, on which texts, to read, keep or print."""
    patient_id = current_patient_id()
    with transaction(patient_id=patient_id):
        receipt = queries.get_receipt(patient_id, grant_id, number)
    told = receipt.told
    return render_template(
        "consent/receipt.html",
        grant_id=grant_id,
        receipt=receipt,
        told=told,
        shown=texts.load(told["pii_processing"]["privacy_notice"]["id"]),
        patient_name=current_patient().display_name,
        words=words,
    )


@blueprint.get(f"{_OWN}/recus/<int(max=2147483647):number>.json")
@permissions_required
def download_receipt(grant_id: UUID, number: int) -> Response:
    """The signed receipt, as a file."""
    patient_id = current_patient_id()
    with transaction(patient_id=patient_id):
        evidence = queries.get_receipt(patient_id, grant_id, number).evidence
    return Response(
        orjson.dumps(evidence, option=orjson.OPT_INDENT_2),
        mimetype="application/json",
        headers={"Content-Disposition": f'attachment; filename="recu-{grant_id}-{number}.json"'},
    )


@blueprint.get(f"{_OWN}/fhir.json")
@permissions_required
def download_fhir(grant_id: UUID) -> Response:
    """The consent as a FHIR Consent, as a file."""
    patient_id = current_patient_id()
    with transaction(patient_id=patient_id):
        resource = export_consent(patient_id=patient_id, grant_id=grant_id)
    return Response(
        orjson.dumps(resource, option=orjson.OPT_INDENT_2),
        mimetype="application/fhir+json",
        headers={"Content-Disposition": f'attachment; filename="consentement-{grant_id}.json"'},
    )


@blueprint.get(f"{_OWN}/histoire")
@permissions_required
def show_story(grant_id: UUID) -> str:
    """Every version and what it changed, every act: to read or print."""
    patient_id = current_patient_id()
    with transaction(patient_id=patient_id):
        state = queries.get_state(patient_id, grant_id)
        versions = queries.list_versions(patient_id, grant_id)[::-1]
        events = queries.list_events(patient_id, grant_id)
    before = [None, *(version.snapshot for version in versions)]
    told = [(version, words.changes(old, version.snapshot)) for old, version in zip(before, versions, strict=False)]
    return render_template("consent/story.html", state=state, versions=told, events=events, words=words)


@blueprint.get(f"{_OWN}/versions/<int(max=2147483647):version>/recu")
@permissions_required
def show_receipt_of_version(grant_id: UUID, version: int) -> Redirect:
    """The receipt of the decision that made a version."""
    patient_id = current_patient_id()
    with transaction(patient_id=patient_id):
        receipt = queries.get_receipt_of_version(patient_id, grant_id, version)
    return redirect(url_for(".show_receipt", grant_id=grant_id, number=receipt.number), 303)


@blueprint.get("/verifier-un-recu")
@public(_OPEN)
def ask_receipt() -> str:
    return render_template("consent/verify.html", found=None, typed="", errors=[])


@blueprint.post("/verifier-un-recu")
@public(_OPEN)
@rate_limit("20 per minute")
def verify_receipt() -> str | tuple[str, int]:
    """Judge the receipt that was pasted or sent. Nothing of it is kept."""
    file = request.files.get("file")
    sent = file.read(MOST + 1).decode("utf-8", "replace") if file else ""
    shown = (sent or request.form.get("text", "")).strip()
    if not shown or len(shown) > MOST:
        wrong = (
            gettext("Collez un reçu ou choisissez son fichier") if not shown else gettext("Ce fichier est trop long")
        )
        return render_template("consent/verify.html", found=None, typed="", errors=[("text", wrong)]), 422
    with transaction():
        found = queries.verify_receipt(shown)
    title, text, kind = _say(found.verdict)
    return render_template(
        "consent/verify.html",
        found=found,
        shown=texts.load(found.told["pii_processing"]["privacy_notice"]["id"]) if found.told else None,
        title=title,
        text=text,
        kind=kind,
        typed="",
        errors=[],
        words=words,
    )


def _say(verdict: Verdict) -> tuple[str, str, str]:
    """The title, the sentence and the colour of a verdict."""
    return {
        Verdict.VALID: (
            gettext("Ce reçu est authentique"),
            gettext("Il a été établi par cet espace numérique de santé et rien n’y a été changé."),
            "success",
        ),
        Verdict.OLDER: (
            gettext("Ce reçu est authentique, mais il y en a un plus récent"),
            gettext(
                "Rien n’y a été changé. Depuis, l’autorisation a été modifiée, mise en pause, reprise ou terminée."
            ),
            "warning",
        ),
        Verdict.ALTERED: (
            gettext("Ce reçu a été modifié"),
            gettext("Ce qu’il dit n’est plus ce que cet espace a signé. Il ne prouve rien."),
            "danger",
        ),
        Verdict.UNKNOWN_KEY: (
            gettext("Ce reçu n’a pas été signé ici"),
            gettext("Sa signature vient d’une clé que cet espace n’a jamais utilisée. Il ne prouve rien."),
            "danger",
        ),
        Verdict.UNREADABLE: (
            gettext("Ceci n’est pas un reçu"),
            gettext("Donnez le fichier téléchargé depuis « Mes applications », en entier."),
            "danger",
        ),
    }[verdict]
