"""Changes that the author of a document makes through the API: by a patch, or by taking it back."""

from dmp_core.categories import DOCUMENT_KINDS
from dmp_core.fhir.documents import DocumentRenderer
from dmp_core.models.documents import DocumentRow
from dmp_core.queries import documents as queries
from dmp_core.rules.documents.patches import Changeable, acts_between, apply_patch, refusal_of
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.service.documents.acts import perform
from dmp_core.workflow import DocumentAct
from platform_core.access import Access, DataCall, Permit
from platform_core.errors import NotFound
from platform_core.fhir.registry import Resource, Stored
from platform_core.fhir.validation import invalid, validate
from platform_core.fhir.versions import check_version


def patch_document(*, call: DataCall, identifier: str, parameters: Resource, version: int | None) -> Stored:
    """Change status, securityLabel or the archive extension of a document that the caller wrote (FHIRPath Patch).

    Raises `Invalid`, `NotFound`, `VersionMismatch`, `Forbidden` (`not-author`, `consent-…`), `Conflict`.
    """
    validate(parameters)
    row, permit = _own(call, identifier)
    check_version(version, row.version)
    for act in _acts(parameters, Changeable(row.state, row.labels, row.archived)):
        row = _perform(act, row, permit)
    return DocumentRenderer(permit).stored(row, created=False)


def take_back_document(*, call: DataCall, identifier: str, version: int | None) -> Stored:
    """Delete, logically, a document that the caller wrote. Raises as `patch_document` does."""
    row, permit = _own(call, identifier)
    check_version(version, row.version)
    return DocumentRenderer(permit).stored(_perform(DocumentAct.DELETE, row, permit), created=False)


def _own(call: DataCall, identifier: str) -> tuple[DocumentRow, Permit]:
    """The document of the caller, masked or not, and the permit to write its kind."""
    row = queries.find_document(patient_id=call.patient_id, identifier=identifier, viewer=Viewer.writing(call.actor))
    if row is None:
        raise NotFound(f"There is no document {identifier} that the caller wrote.")
    return row, call.require([DOCUMENT_KINDS[row.kind].category], Access.WRITE)


def _acts(parameters: Resource, before: Changeable) -> list[DocumentAct]:
    """The acts that a patch asks for. Raises `Invalid`."""
    after = apply_patch(parameters, before)
    if isinstance(after, list):
        raise invalid(after)
    if fault := refusal_of(before, after):
        raise invalid([fault])
    return list(acts_between(before, after))


def _perform(act: DocumentAct, row: DocumentRow, permit: Permit) -> DocumentRow:
    viewer = Viewer.writing(permit.actor)
    return perform(act, patient_id=permit.patient_id, document_id=row.id, by=permit.actor, viewer=viewer)
