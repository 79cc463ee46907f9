"""Applications, dossiers, evidence and questions, for the programs of their publisher."""

from typing import Any
from uuid import UUID

from flask import Response, jsonify, request

from platform_core.access import Actor
from platform_core.callers import Scope
from platform_core.database import transaction
from platform_core.errors import Conflict, Fault, Forbidden, Invalid, Malformed, NotFound, VersionMismatch
from platform_core.publisher_api import current_caller, publisher_token_required
from platform_core.rest import blueprint
from platform_core.web import rate_limit
from store import schemas
from store.queries.applications import get_own_application
from store.queries.evidence import LinkView, get_own_evidence, list_links
from store.queries.questions import QuestionView, list_questions
from store.queries.queue import Row, list_applications
from store.queries.submissions import SubmissionView, get_own_submission, list_own_submissions
from store.rules import dossier
from store.rules.evidence import TargetKind
from store.service import dossiers, evidence, questions
from store.workflow import SubmissionKind

publisher = blueprint("publisher", __name__, "The applications of a publisher, their dossiers, evidence and questions")
_SUBMISSION = "/applications/<uuid:application_id>/submissions/<int(max=2147483647):number>"
_WRITES = "120 per minute"


@publisher.get("/applications")
@publisher_token_required(Scope.APPLICATIONS_READ)
@publisher.response(200, schemas.OwnApplications)
def list_own() -> dict[str, Any]:
    """List the applications of the organisation with their present dossier; an app's own token sees its own alone."""
    caller = current_caller()
    with transaction():
        rows = list_applications(by=caller.actor)
    return {"applications": [_line(row) for row in rows if caller.application_id in {None, row.application_id}]}


@publisher.post("/applications")
@rate_limit(_WRITES)
@publisher_token_required(Scope.APPLICATIONS_WRITE)
@publisher.arguments(schemas.NewApplication)
@publisher.response(201, schemas.OwnApplication)
def create(new: dict[str, Any]) -> dict[str, Any]:
    """Open an application with an empty draft dossier. With a personal access token only."""
    caller = current_caller()
    if caller.application_id is not None:
        raise Forbidden("A personal access token is expected.", code="insufficient_scope")
    with transaction():
        made = dossiers.create_application(name=new["name"], orientation=new["orientation"], by=caller.actor)
        return _find_line(made, caller.actor)


@publisher.get("/applications/<uuid:application_id>")
@publisher_token_required(Scope.APPLICATIONS_READ)
@publisher.response(200, schemas.OwnApplication)
def show(application_id: UUID) -> dict[str, Any]:
    """Read one application: where its present dossier and its listing stand."""
    with transaction():
        return _find_line(application_id, current_caller().actor)


@publisher.get("/applications/<uuid:application_id>/submissions")
@publisher_token_required(Scope.APPLICATIONS_READ)
@publisher.response(200, schemas.Submissions)
def list_submissions(application_id: UUID) -> dict[str, Any]:
    """List the dossiers of an application, the newest first; only the first may change."""
    with transaction():
        return {"submissions": list_own_submissions(application_id, by=current_caller().actor)}


@publisher.post("/applications/<uuid:application_id>/submissions")
@rate_limit(_WRITES)
@publisher_token_required(Scope.APPLICATIONS_WRITE)
@publisher.arguments(schemas.NewSubmission)
@publisher.response(201, schemas.Submission)
def open_submission(new: dict[str, Any], application_id: UUID) -> dict[str, Any]:
    """Open another dossier from the last one, once that one is decided: after a refusal, to amend or to renew."""
    kind, by = new["kind"], current_caller().actor
    with transaction():
        dossiers.open_submission(application_id=application_id, kind=SubmissionKind(kind) if kind else None, by=by)
        return _whole(get_own_submission(application_id, by=by))


@publisher.get(_SUBMISSION)
@publisher_token_required(Scope.APPLICATIONS_READ)
@publisher.response(200, schemas.Submission)
def show_submission(application_id: UUID, number: int) -> dict[str, Any]:
    """Read a dossier whole; each section carries the version to send back in `If-Match`."""
    with transaction():
        return _whole(get_own_submission(application_id, number=number, by=current_caller().actor))


@publisher.get(f"{_SUBMISSION}/sections/<section>")
@publisher_token_required(Scope.APPLICATIONS_READ)
@publisher.response(200, schemas.Section)
def show_section(application_id: UUID, number: int, section: str) -> Response:
    """Read one section. Its version is also the `ETag`."""
    with transaction():
        view = get_own_submission(application_id, number=number, by=current_caller().actor)
    return _section(view, section)


@publisher.put(f"{_SUBMISSION}/sections/<section>")
@rate_limit(_WRITES)
@publisher_token_required(Scope.APPLICATIONS_WRITE)
@publisher.arguments(schemas.SectionValues)
@publisher.response(200, schemas.Section)
def replace_section(values: dict[str, Any], application_id: UUID, number: int, section: str) -> Response:
    """Replace one section of the present dossier. `If-Match` holds the version that was read; 412 when a colleague
    wrote meanwhile. The section `data` takes its `items` with it."""
    return _write_section(application_id, number, section, values["values"], whole=True)


@publisher.patch(f"{_SUBMISSION}/sections/<section>")
@rate_limit(_WRITES)
@publisher_token_required(Scope.APPLICATIONS_WRITE)
@publisher.arguments(schemas.SectionValues)
@publisher.response(200, schemas.Section)
def amend_section(values: dict[str, Any], application_id: UUID, number: int, section: str) -> Response:
    """Change the fields named, and leave the others as they are. `If-Match` as for PUT."""
    return _write_section(application_id, number, section, values["values"], whole=False)


@publisher.post(f"{_SUBMISSION}/submit")
@rate_limit(_WRITES)
@publisher_token_required(Scope.APPLICATIONS_WRITE)
@publisher.response(200, schemas.Submission)
def submit(application_id: UUID, number: int) -> dict[str, Any]:
    """Send the dossier to review, or answer a request for complements. 422 `dossier-incomplete` names each fault."""
    by = current_caller().actor
    with transaction():
        _present(application_id, number, by)
        dossiers.submit(application_id=application_id, by=by)
        return _whole(get_own_submission(application_id, by=by))


@publisher.get("/applications/<uuid:application_id>/evidence")
@publisher_token_required(Scope.EVIDENCE_READ)
@publisher.response(200, schemas.EvidenceList)
def list_evidence(application_id: UUID) -> dict[str, Any]:
    """List what backs the present dossier."""
    with transaction():
        view = get_own_submission(application_id, by=current_caller().actor)
        return {"evidence": [_link(link) for link in list_links(view.id)]}


@publisher.post("/applications/<uuid:application_id>/evidence")
@rate_limit("30 per minute")
@publisher_token_required(Scope.EVIDENCE_WRITE)
@publisher.arguments(schemas.NewEvidence, location="form")
@publisher.arguments(schemas.EvidenceFile, location="files")
@publisher.response(201, schemas.Evidence)
def add_evidence(new: dict[str, Any], files: dict[str, Any], application_id: UUID) -> dict[str, Any]:
    """File a piece of evidence (multipart), and have it back a criterion or a section of the present dossier."""
    by, file = current_caller().actor, files["file"]
    with transaction():
        get_own_application(application_id, by=by)
    with evidence.receive_file(file.stream, file.filename or "") as upload, transaction():
        made = evidence.add_evidence(
            upload=upload,
            kind=new["kind"],
            title=new["title"],
            valid_from=new["valid_from"],
            valid_until=new["valid_until"],
            by=by,
        )
        kind, target = TargetKind(new["target_kind"]), new["target"]
        evidence.link_evidence(application_id=application_id, target_kind=kind, target=target, evidence_id=made, by=by)
        return _link(LinkView(kind, target, get_own_evidence(made, by=by)))


@publisher.get("/applications/<uuid:application_id>/questions")
@publisher_token_required(Scope.QUESTIONS_READ)
@publisher.response(200, schemas.Questions)
def list_asked(application_id: UUID) -> dict[str, Any]:
    """List the questions of the reviewers on the present dossier, and what was answered."""
    with transaction():
        view = get_own_submission(application_id, by=current_caller().actor)
        return {"questions": list_questions(view.id)}


@publisher.post("/applications/<uuid:application_id>/questions/<uuid:question_id>/answer")
@rate_limit(_WRITES)
@publisher_token_required(Scope.QUESTIONS_WRITE)
@publisher.arguments(schemas.Answer)
@publisher.response(200, schemas.Question)
def answer(said: dict[str, Any], application_id: UUID, question_id: UUID) -> QuestionView:
    """Answer an open question, with the evidence that supports the answer."""
    by = current_caller().actor
    with transaction():
        view = get_own_submission(application_id, by=by)
        _find_question(view.id, question_id)
        questions.answer(question_id=question_id, text=said["text"], evidence_ids=said["evidence_ids"], by=by)
        return _find_question(view.id, question_id)


def _line(row: Row) -> dict[str, Any]:
    return {
        "id": row.application_id,
        "name": row.name,
        "number": row.number,
        "state": row.state,
        "due_at": row.due_at,
        "listing_state": row.listing_state,
        "expires_on": row.expires_on,
    }


def _find_line(application_id: UUID, by: Actor) -> dict[str, Any]:
    get_own_application(application_id, by=by)
    return next(_line(row) for row in list_applications(by=by) if row.application_id == application_id)


def _whole(view: SubmissionView) -> dict[str, Any]:
    sections = [
        {"section": name, "version": dossier.section_version(view.dossier, name), "values": view.dossier.get(name, {})}
        for name in dossier.SECTIONS
    ]
    shown = ("number", "kind", "state", "grid_version", "submitted_at", "updated_at", "due_at", "flagged")
    return {**{name: getattr(view, name) for name in shown}, "sections": sections}


def _section(view: SubmissionView, section: str) -> Response:
    _check_shape(section, {})
    found = next(one for one in _whole(view)["sections"] if one["section"] == section)
    response = jsonify(found)
    response.set_etag(found["version"])
    return response


def _write_section(application_id: UUID, number: int, section: str, values: dict[str, Any], *, whole: bool) -> Response:
    versions, by = request.if_match.as_set(), current_caller().actor
    if len(versions) != 1 or request.if_match.star_tag:
        raise Malformed("If-Match must hold the version of the section that was read.", code="if-match-required")
    _check_shape(section, values)
    with transaction():
        present = _present(application_id, number, by)
        (read,) = versions
        if read != dossier.section_version(present.dossier, section):
            raise VersionMismatch("The section was changed by somebody else: read it again.")
        dossiers.save_section(
            application_id=application_id,
            section=section,
            values=values,
            version=dossier.section_version(present.dossier, section, None if whole else list(values)),
            fields=None if whole else list(values),
            by=by,
        )
        return _section(get_own_submission(application_id, by=by), section)


def _check_shape(section: str, values: dict[str, Any]) -> None:
    """The section exists, and the data items written with it are whole. Raises `NotFound`, `Invalid`."""
    if section not in dossier.SECTIONS:
        raise NotFound("The dossier has no such section.")
    items = values.get("items", []) if section == "data" else []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        fault = Fault("data.items", "a list of objects is expected")
        raise Invalid("The items are malformed.", code="dossier-invalid", faults=[fault])
    for item in items:
        dossier.check_item(item)


def _present(application_id: UUID, number: int, by: Actor) -> SubmissionView:
    """The present dossier, which must be the one that the address names. Raises `Conflict` (`dossier-closed`)."""
    asked = get_own_submission(application_id, number=number, by=by)
    present = get_own_submission(application_id, by=by)
    if asked.id != present.id:
        raise Conflict(f"This dossier is closed: the present one is number {present.number}.", code="dossier-closed")
    return present


def _find_question(submission_id: UUID, question_id: UUID) -> QuestionView:
    for question in list_questions(submission_id):
        if question.id == question_id:
            return question
    raise NotFound("This question does not exist.")


def _link(link: LinkView) -> dict[str, Any]:
    filed = link.evidence
    shown = ("id", "title", "file_name", "media_type", "valid_from", "valid_until", "added_at", "superseded_by")
    return {
        **{name: getattr(filed, name) for name in shown},
        "kind": filed.kind.code,
        "size": filed.blob.size,
        "sha256": filed.blob.sha256,
        "target_kind": link.target_kind,
        "target": link.target,
    }
