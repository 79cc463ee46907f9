"""Documents that an app publishes: one (ITI-105), or a submission set with its documents (ITI-65, `submissions`)."""

from dataclasses import replace
from urllib.parse import parse_qsl
from uuid import UUID

import sqlalchemy as sa

from dmp_core.fhir.documents import DocumentRenderer
from dmp_core.models.documents import DocumentRow
from dmp_core.queries import documents as queries
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.service.documents import acts
from dmp_core.service.documents.contents import Content
from dmp_core.service.documents.drafts import ATTACHMENT, Draft, detach, judge, opened, received
from dmp_core.service.documents.storing import ALONE, Links, file_document
from dmp_core.service.drafts import Author, check_written
from dmp_core.workflow import DocumentAct
from platform_core.access import Access, DataCall, Permit
from platform_core.database import db
from platform_core.errors import Fault, Forbidden
from platform_core.fhir.registry import Resource, Stored
from platform_core.fhir.search import read_query, refused
from platform_core.fhir.validation import invalid

_CRITERIA = ("identifier",)


def publish_document(*, call: DataCall, resource: Resource, criteria: str = "") -> Stored:
    """File one document that comes with its content, unless `criteria` (`If-None-Exist`) find one that this app filed.

    It takes the place of the one that `relatesTo` says it replaces. Raises `Invalid`, `TooLarge`, `Forbidden`
    (`patient-mismatch`, `consent-…`), `TooManyRequests`, `Conflict` (`duplicate`, or replaced already).
    """
    draft = _draft(resource, call.patient_reference)
    permit = call.require([draft.category], Access.WRITE)
    check_written(resource, permit)
    if criteria and (found := _find_same(permit, criteria)):
        return DocumentRenderer(permit).stored(found, created=False)
    with received(draft) as content:
        row = place_document(draft, content, permit)
    return DocumentRenderer(permit).stored(row, created=True, warnings=draft.metadata.warnings)


def place_document(draft: Draft, content: Content, permit: Permit, links: Links = ALONE) -> DocumentRow:
    """File a document within a permit, in the place of the one that it replaces, if it says so.

    Raises `Forbidden` (`outside-access-matrix`) for a type that the permit leaves out.
    """
    if permit.types is not None and draft.metadata.type.code.code not in permit.types:
        raise Forbidden("Your profession does not file documents of this type.", code="outside-access-matrix")
    if draft.metadata.replaces:
        links = replace(links, replaces=replace_document(draft.metadata.replaces, permit))
    id = file_document(draft, content, Author.of(permit), by=permit.actor, links=links)
    return queries.get_document(patient_id=permit.patient_id, document_id=id, viewer=Viewer.writing(permit.actor))


def replace_document(reference: str, permit: Permit) -> UUID:
    """Have a document of this author give way to a new one (relatesTo `replaces`); its id.

    Raises `Invalid` when the reference leads to none of theirs, `Conflict` when it gave way before.
    """
    viewer = Viewer.writing(permit.actor)
    kind, _, identifier = reference.rpartition("/")
    found = queries.find_document(patient_id=permit.patient_id, identifier=identifier, viewer=viewer)
    if found is None or kind.rpartition("/")[2] not in {"", "DocumentReference"}:
        where = "DocumentReference.relatesTo.target"
        raise invalid([Fault(where, "points to no document that this author filed.", "not-found")])
    acts.perform(
        DocumentAct.REPLACE, patient_id=permit.patient_id, document_id=found.id, by=permit.actor, viewer=viewer
    )
    return found.id


def _draft(resource: Resource, patient_reference: str) -> Draft:
    bare, data = detach(resource)
    read = judge(bare, patient_reference, comprehensive=False)
    if "url" in bare["content"][0]["attachment"]:
        raise invalid([Fault(f"{ATTACHMENT}.url", "is not read: send the content as data (ITI-105).", "business-rule")])
    if not data:
        raise invalid([Fault(f"{ATTACHMENT}.data", "is missing.", "required")])
    return Draft(bare, read, opened(data, f"{ATTACHMENT}.data"))


def _find_same(permit: Permit, criteria: str) -> DocumentRow | None:
    """What a conditional create finds (FHIR R4 §3.1.0.8.1): the document of that masterIdentifier, of this app."""
    query = read_query("DocumentReference", parse_qsl(criteria), known=_CRITERIA, includes=(), strict=True)
    value = query.first("identifier") or ""
    unique_id = value.rpartition("|")[2]
    if not unique_id:
        raise refused("If-None-Exist", "must hold identifier=<system>|<value>, that of masterIdentifier")
    key = sa.func.hashtextextended(f"{permit.patient_id}:{permit.author_id}:{criteria}", 0)
    db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
    viewer = Viewer.writing(permit.actor)
    return queries.find_by_unique_id(patient_id=permit.patient_id, unique_id=unique_id, viewer=viewer)
