"""A medical summary signed off: filed as a document of the record, in the place of the one that the doctor signed
before, and told to the patient."""

import hmac
import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from dmp_core.cda.document import ClinicalDocument
from dmp_core.cda.reading import read
from dmp_core.cda.values import Identifier
from dmp_core.fhir.imports import of_header, write_imported
from dmp_core.queries import documents as queries
from dmp_core.queries.documents import Condition, Sought
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.service.documents import acts
from dmp_core.service.documents.drafts import Draft, judge, received
from dmp_core.service.documents.storing import Links, file_document
from dmp_core.service.drafts import Author
from dmp_core.service.professionals.records import Opening
from dmp_core.service.professionals.writing import PLACES, check_filing
from dmp_core.service.synthesis.composing import compose, oid_of_uuid
from dmp_core.service.synthesis.drafting import TYPE, Summary, hold, keep_signed, open_summary
from dmp_core.workflow import DocumentAct, DocumentState
from notification_core import service as notification
from platform_core import audit, clock
from platform_core.access import Access
from platform_core.errors import Conflict, Fault, Invalid
from platform_core.fhir.search import ANY_TIME
from platform_core.journal import service as journal

SIGNED = "dmp.synthesis-signed"
_KINDS = {"synthesis": ANY_TIME}
_RPPS = "urn:oid:1.2.250.1.71.4.2.1"


def preview(opening: Opening, summary: Summary) -> ClinicalDocument:
    """The document as it would be read if it were signed now. Where the doctor practises is not read in it."""
    unique_id = Identifier(oid_of_uuid(uuid4()))
    return read(compose(opening, summary, place=next(iter(PLACES)), at=clock.now(), unique_id=unique_id))


def sign_summary(opening: Opening, *, expected: str, place: str, request_id: str) -> UUID:
    """Sign the summary that the doctor read, `expected` being its digest; the id of the document.

    It never changes afterwards: another one takes its place, hidden from those from whom it was. Raises `Forbidden`
    (`not-treating-doctor`, `writing-refused`, `identity-not-qualified`), `Invalid` (`invalid-document` for an unknown
    `place`, `summary-empty`), `Conflict` (`summary-changed`) when the draft or the record is no longer what was read.
    """
    hold(opening)
    summary = open_summary(opening)
    check_filing(patient_id=opening.patient.id, by=opening.by)
    _check(summary, expected, place)
    before = _latest(opening)
    if before:
        replacing = Viewer.writing(opening.by)
        acts.perform(
            DocumentAct.REPLACE, patient_id=opening.patient.id, document_id=before.id, by=opening.by, viewer=replacing
        )
    content = compose(
        opening,
        summary,
        place=place,
        at=clock.now(),
        unique_id=Identifier(oid_of_uuid(uuid4())),
        version=_count(opening) + 1,
        replaces=Identifier(before.unique_id.removeprefix("urn:oid:")) if before else None,
    )
    id = _file(opening, content, before, request_id)
    keep_signed(opening, summary.draft, id)
    _tell(opening, id)
    return id


def _check(summary: Summary, expected: str, place: str) -> None:
    if not any(one.kept for one in summary.lines) and not any(summary.comments.values()):
        raise Invalid("A summary that says nothing cannot be signed.", code="summary-empty")
    if not hmac.compare_digest(expected, summary.digest):
        raise Conflict("The summary changed since it was read: read it again.", code="summary-changed")
    if place not in PLACES:
        fault = Fault("place", "is not one of those proposed.", "code-invalid")
        raise Invalid("Choose where you practise.", code="invalid-document", faults=[fault])


def _file(opening: Opening, content: bytes, before: queries.DocumentRow | None, request_id: str) -> UUID:
    patient_id, by, doctor = opening.patient.id, opening.by, opening.professional
    reference = str(patient_id)
    replaced = f"DocumentReference/{before.id}" if before else ""
    header = of_header(read(content).header)
    described = replace(header, confidentiality=[*header.confidentiality, *_hidden(before)])
    resource = write_imported(described, reference, now=clock.now().isoformat(), replaces=replaced)
    number = {"system": _RPPS, "value": f"8{doctor.rpps}"}
    resource["authenticator"] = {"identifier": number, "display": doctor.display_name}
    draft = Draft(resource, judge(resource, reference, comprehensive=False), io.BytesIO(content))
    author = Author(patient_id, reference, doctor.id, by.name, f"urn:ens:professional:{doctor.rpps}")
    with received(draft) as kept:
        id = file_document(draft, kept, author, by=by, links=Links(replaces=before.id if before else None))
    journal.record(
        journal.Entry(
            patient_id,
            by,
            "create",
            "DocumentReference",
            Access.WRITE,
            journal.SERVED,
            request_id,
            categories=[draft.category],
            count=1,
            resources=[id],
        )
    )
    audit.record("dmp:synthesis:signed", by=by, object_type="document", object_id=id)
    return id


def _hidden(before: queries.DocumentRow | None) -> list[str]:
    """The labels by which the patient hides the summary that gives way."""
    if before is None:
        return []
    labels = (("MASQUE_PS", before.masked), ("INVISIBLE_REPRESENTANTS_LEGAUX", before.invisible_to_representatives))
    return [label for label, hidden in labels if hidden]


def _tell(opening: Opening, document_id: UUID) -> None:
    notification.notify(
        patient_id=opening.patient.id,
        kind=SIGNED,
        title="Votre médecin traitant a signé votre synthèse médicale",
        body=f"{opening.by.name} a signé une synthèse de votre dossier. Vous pouvez la lire parmi vos documents.",
        link=f"/espace/dossier/documents/{document_id}",
        by=opening.by,
    )


def _sought(opening: Opening, *more: Condition) -> Sought:
    """The summaries that this doctor signed."""
    conditions: Mapping[str, Any] = {"codes": [TYPE]}
    return Sought(opening.patient.id, Viewer.writing(opening.by), _KINDS, (Condition("types", conditions), *more))


def _latest(opening: Opening) -> queries.DocumentRow | None:
    present = Condition("states", {"codes": [DocumentState.CURRENT]})
    return next(iter(queries.search_documents(_sought(opening, present), sort="care", limit=1)), None)


def _count(opening: Opening) -> int:
    return queries.count_documents(_sought(opening))
