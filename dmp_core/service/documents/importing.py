"""Documents that an establishment's software hands over: CDA, packages of IHE XDM, messages of HL7 v2."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from dmp_core.cda.envelopes import hl7v2, xdm
from dmp_core.cda.reading import read
from dmp_core.fhir.imports import Described, of_entry, of_header, write_imported
from dmp_core.queries import documents as queries
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.service.documents import acts
from dmp_core.service.documents.drafts import Draft, judge, received
from dmp_core.service.documents.storing import Links, file_document
from dmp_core.service.drafts import Author
from dmp_core.workflow import DocumentAct
from identity_core import queries as identity
from platform_core import audit, clock
from platform_core.access import Access, Actor, ActorKind
from platform_core.errors import Conflict, Fault, Forbidden, Invalid, NotFound
from platform_core.health_identity import Ins
from platform_core.journal import service as journal

_ESTABLISHMENTS = UUID("8c9d0f9e-6a43-5c1b-9a3c-5f0f3f0b7a11")
_ZIP, _MESSAGE = b"PK\x03\x04", b"MSH"


@dataclass(frozen=True, slots=True)
class Handed:
    """A document handed over, as its sender describes it."""

    described: Described
    content: bytes = field(repr=False)


def open_envelope(data: bytes) -> Sequence[Handed]:
    """The documents of a file: one CDA document, those of an XDM package or of an HL7 v2 message.

    Raises `Invalid` and `TooLarge` as their readers do.
    """
    if data.startswith(_ZIP):
        return [Handed(of_entry(one.entry), one.content) for one in xdm.read_package(io.BytesIO(data))]
    if data.lstrip(b"\x0b\r\n").startswith(_MESSAGE):
        return _of_message(hl7v2.read_message(data))
    return [Handed(of_header(read(data).header), data)]


def identify_patient(handed: Handed) -> UUID:
    """The patient whom a document is about, by the matricule; only a qualified identity feeds a record.

    Raises `Invalid` (`no-matricule`), `NotFound` (`unknown-patient`), `Forbidden` (`identity-not-qualified`,
    `space-not-open`).
    """
    stated = handed.described.patient
    if stated is None:
        raise Invalid("The document bears no matricule: qualify the identity first.", code="no-matricule")
    found = identity.find_patient_by_ins(Ins(stated.extension, stated.root))
    if found is None:
        raise NotFound("Nobody here bears the matricule of the document.", code="unknown-patient")
    if not found.feeds_dmp:
        message = "The identity of this patient is not qualified: nothing is filed in their record."
        raise Forbidden(message, code="identity-not-qualified")
    if not found.is_open:
        raise Forbidden("The space of this patient is not open: there is no record to feed.", code="space-not-open")
    return found.id


def import_document(*, handed: Handed, patient_id: UUID, by: Actor) -> UUID:
    """File a document that was handed over, in the name of its establishment; its id.

    One that replaces a document of the same establishment takes its place. The transaction is bound to the patient.
    Raises `Invalid`, `Forbidden` (`patient-mismatch`), `UnsupportedType`, `TooLarge`, and `Conflict` (`duplicate`) for
    a uniqueId that is there already.
    """
    found, reference = handed.described, str(patient_id)
    name = found.institution or "Établissement"
    establishment = Actor(ActorKind.PROFESSIONAL, uuid5(_ESTABLISHMENTS, found.institution_id or name), name)
    before = _replaced(found, patient_id, establishment)
    resource = write_imported(
        found,
        reference,
        now=clock.now().isoformat(),
        replaces=f"DocumentReference/{before}" if before else "",
    )
    draft = Draft(resource, judge(resource, reference, comprehensive=False), io.BytesIO(handed.content))
    source = f"urn:oid:{found.institution_id.partition('^')[0] or '1.2.250.1.71.4.2.2'}"
    author = Author(patient_id, reference, establishment.id, name, source)
    with received(draft) as content:
        id = file_document(draft, content, author, by=establishment, links=Links(replaces=before))
    journal.record(
        journal.Entry(
            patient_id,
            establishment,
            "create",
            "DocumentReference",
            Access.WRITE,
            journal.SERVED,
            "",
            categories=[draft.category],
            count=1,
            resources=[id],
        )
    )
    audit.record("dmp:document:imported", by=by, object_type="document", object_id=id)
    return id


def _of_message(message: hl7v2.Message) -> list[Handed]:
    handed = []
    for one in message.documents:
        if one.media_type != "text/xml":
            what = f"The document {one.code} of the message is {one.media_type}: send it within a CDA document."
            raise Invalid(what, code="hl7-unsupported", faults=[Fault("OBX-5", what)])
        described = of_header(read(one.content).header, patient=message.ins)
        if message.ins and described.patient and described.patient.extension[:13] != message.ins.extension[:13]:
            what = "The message and its document name two patients."
            raise Forbidden(what, code="patient-mismatch", faults=[Fault("PID-3", what)])
        handed.append(Handed(described, one.content))
    return handed


def _replaced(found: Described, patient_id: UUID, establishment: Actor) -> UUID | None:
    """The document that gives way, if this establishment filed it here; one that is not here leaves nothing to do."""
    if not found.replaces:
        return None
    viewer = Viewer.writing(establishment)
    unique_id = f"urn:oid:{found.replaces}"
    before = queries.find_by_unique_id(patient_id=patient_id, unique_id=unique_id, viewer=viewer)
    if before is None:
        return None
    if queries.find_by_unique_id(patient_id=patient_id, unique_id=f"urn:oid:{found.unique_id}", viewer=viewer):
        raise Conflict("This document is in the record already.", code="duplicate")
    acts.perform(DocumentAct.REPLACE, patient_id=patient_id, document_id=before.id, by=establishment, viewer=viewer)
    return before.id
