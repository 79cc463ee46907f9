"""The publisher's files of evidence, and their download by the two sides."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import quote
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as BaseResponse

from identity_core.sessions import agent_required, current_actor
from platform_core import config, crypto
from platform_core.blobs import service as blobs
from platform_core.database import transaction
from platform_core.errors import Conflict, DomainError, Fault, Invalid, TooLarge, UnsupportedType
from platform_core.renderers import status_of
from platform_core.uploads import Upload
from store.pages.evidence.refusals import say_errors, say_file_refusal
from store.pages.evidence.targets import SLUGS, Target, asked_target, choose_url
from store.queries import evidence as queries
from store.rules.evidence import KINDS
from store.service import evidence
from store.service.transitions import check_other_organisation

blueprint = Blueprint("evidence", __name__, template_folder="../../templates")

Answer = str | BaseResponse | tuple[str, int]
_REST_OF_FORM = 64 * 1024
_SANDBOX = "sandbox; default-src 'none'"


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed beside a file; `faults` are those of dates that cannot be read."""

    kind: str = ""
    title: str = ""
    valid_from: date | None = None
    valid_until: date | None = None
    faults: tuple[Fault, ...] = field(default=())


@blueprint.url_value_preprocessor
def limit_body(endpoint: str | None, values: Mapping[str, object] | None) -> None:
    """Stop reading a body that is too large before anything is done with it: this runs ahead of every check."""
    request.max_content_length = config.current().evidence_most_bytes + _REST_OF_FORM


@blueprint.errorhandler(RequestEntityTooLarge)
def refuse_large_body(error: RequestEntityTooLarge) -> Answer:
    return render_template("store/evidence/too_large.html", error=say_file_refusal(TooLarge(""))), 413


@blueprint.get("/editeur/preuves")
@agent_required("publisher")
def list_evidence() -> str:
    by = current_actor()
    with transaction():
        found = queries.list_evidence(organisation_id=by.organisation_id) if by.organisation_id else ()
        uses = queries.list_uses(organisation_id=by.organisation_id) if by.organisation_id else {}
        deletable = queries.list_deletable(organisation_id=by.organisation_id) if by.organisation_id else ()
    return render_template(
        "store/evidence/list.html",
        current=[one for one in found if not one.superseded_by],
        earlier=[one for one in found if one.superseded_by],
        uses=uses,
        deletable=deletable,
    )


@blueprint.get("/editeur/preuves/nouvelle")
@agent_required("publisher")
def show_new() -> Answer:
    target = asked_target()
    return _form(Typed(kind=target.asked[0] if target and target.asked else ""), target=target)


@blueprint.post("/editeur/preuves/nouvelle")
@agent_required("publisher")
def add() -> Answer:
    by, typed, target = current_actor(), read_typed(), asked_target()
    try:
        with _received() as upload, transaction():
            check_dates(typed)
            added = evidence.add_evidence(
                upload=upload,
                kind=typed.kind,
                title=typed.title,
                valid_from=typed.valid_from,
                valid_until=typed.valid_until,
                by=by,
            )
            if target:
                evidence.link_evidence(
                    application_id=target.application_id,
                    target_kind=target.kind,
                    target=target.code,
                    evidence_id=added,
                    by=by,
                )
    except (Invalid, TooLarge, UnsupportedType) as refused:
        return _form(typed, target=target, refused=refused), status_of(refused)
    flash(gettext("Preuve déposée : « %(title)s ».", title=typed.title), "success")
    return redirect(choose_url(target) if target else url_for("evidence.list_evidence"), 303)


@blueprint.get("/editeur/preuves/<uuid:evidence_id>/remplacement")
@agent_required("publisher")
def show_replacement(evidence_id: UUID) -> Answer:
    with transaction():
        old = queries.get_own_evidence(evidence_id, by=current_actor())
    return _form(Typed(kind=old.kind.code, title=old.title), old=old)


@blueprint.post("/editeur/preuves/<uuid:evidence_id>/remplacement")
@agent_required("publisher")
def replace(evidence_id: UUID) -> Answer:
    by, typed = current_actor(), read_typed()
    with transaction():
        old = queries.get_own_evidence(evidence_id, by=by)
    try:
        with _received() as upload, transaction():
            check_dates(typed)
            evidence.replace_evidence(
                evidence_id=evidence_id,
                upload=upload,
                title=typed.title,
                valid_from=typed.valid_from,
                valid_until=typed.valid_until,
                by=by,
            )
    except (Invalid, TooLarge, UnsupportedType) as refused:
        return _form(typed, old=old, refused=refused), status_of(refused)
    flash(gettext("Nouvelle version déposée. La précédente reste dans l’historique."), "success")
    return redirect(url_for("evidence.list_evidence"), 303)


@blueprint.post("/editeur/preuves/<uuid:evidence_id>/suppression")
@agent_required("publisher")
def delete(evidence_id: UUID) -> BaseResponse:
    try:
        with transaction():
            evidence.delete_evidence(evidence_id=evidence_id, by=current_actor())
        flash(gettext("Preuve supprimée."), "success")
    except Conflict:
        flash(
            gettext("L’instruction a reçu cette preuve, ou elle a un historique : elle ne se supprime plus."), "warning"
        )
    return redirect(url_for("evidence.list_evidence"), 303)


@blueprint.get("/editeur/preuves/<uuid:evidence_id>/fichier")
@agent_required("publisher")
def download(evidence_id: UUID) -> Response:
    with transaction():
        found = queries.get_own_evidence(evidence_id, by=current_actor())
        key = crypto.organisation_key(found.organisation_id, create=False)
    return _file(found, key)


@blueprint.get("/instruction/preuves/<uuid:evidence_id>/fichier")
@agent_required("reviewer", "decider", "commission")
def examine(evidence_id: UUID) -> Response:
    by = current_actor()
    with transaction():
        found = queries.get_submitted_evidence(evidence_id)
        check_other_organisation(found.organisation_id, by)
        evidence.record_download(evidence_id=evidence_id, by=by)
        key = crypto.organisation_key(found.organisation_id, create=False)
    return _file(found, key)


def _file(found: queries.EvidenceView, key: bytes) -> Response:
    """The file, streamed outside the transaction, which no browser opens in place."""
    response = Response(blobs.read(found.blob, key=key), mimetype=found.media_type)
    response.content_length = found.blob.size
    name = quote(found.file_name, safe="")
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"  # RFC 6266 §5, RFC 8187
    response.headers["Content-Security-Policy"] = _SANDBOX
    return response


def _received() -> AbstractContextManager[Upload]:
    """The file posted. Raises `Invalid` (`file-missing`)."""
    posted = request.files.get("file")
    if posted is None or not posted.filename:
        raise Invalid("No file was sent.", code="file-missing")
    return evidence.receive_file(posted.stream, posted.filename)


def read_typed() -> Typed:
    """What the posted form says of its file."""
    dates, faults = {}, []
    for name in ("valid_from", "valid_until"):
        text = request.form.get(name, "").strip()
        try:
            dates[name] = date.fromisoformat(text) if text else None
        except ValueError:
            dates[name] = None
            faults.append(Fault(name, "is not a date", "date"))
    title, kind = (request.form.get(name, "").strip() for name in ("title", "kind"))
    return Typed(kind, title, dates["valid_from"], dates["valid_until"], tuple(faults))


def check_dates(typed: Typed) -> None:
    """Raises `Invalid` (`evidence-invalid`) when a date cannot be read."""
    if typed.faults:
        raise Invalid("A date cannot be read.", code="evidence-invalid", faults=typed.faults)


def _form(
    typed: Typed,
    *,
    target: Target | None = None,
    old: queries.EvidenceView | None = None,
    refused: DomainError | None = None,
) -> str:
    errors = (say_errors(refused) or {"file": say_file_refusal(refused)}) if refused else {}
    return render_template(
        "store/evidence/form.html",
        typed=typed,
        target=target,
        slugs=SLUGS,
        back=choose_url(target) if target else url_for("evidence.list_evidence"),
        old=old,
        errors=errors,
        kinds=KINDS.values(),
        most=config.current().evidence_most_bytes // 2**20,
        accept=",".join(f".{extension}" for extension in evidence.ACCEPTED),
    )
