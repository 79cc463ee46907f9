"""A professional files a document: by default, without having the record open, unless the patient said otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import IO, Any
from uuid import UUID

from dmp_core.categories import DOCUMENT_TYPES, FACILITIES, SETTINGS
from dmp_core.fhir.documents import write_document
from dmp_core.queries import professionals as queries
from dmp_core.rules.professionals.matrix import Level, Reach, reach_of
from dmp_core.service.documents import acts
from dmp_core.service.documents.contents import received_content
from dmp_core.service.documents.drafts import Draft, judge
from dmp_core.service.documents.storing import file_document
from dmp_core.service.drafts import Author
from dmp_core.service.professionals.agreements import professional_of
from identity_core import queries as identity
from identity_core.queries import ProfessionalView
from platform_core import audit, clock
from platform_core.access import Access, Actor
from platform_core.errors import Fault, Forbidden, Invalid
from platform_core.journal import service as journal

EXTENSIONS = ("pdf", "jpg", "jpeg", "png", "tif", "tiff", "txt")
PLACES: Mapping[str, str] = {
    "SA07": "AMBULATOIRE",
    "SA08": "AMBULATOIRE",
    "SA52": "AMBULATOIRE",
    "SA05": "AMBULATOIRE",
    "SA33": "AMBULATOIRE",
    "SA25": "AMBULATOIRE",
    "SA01": "ETABLISSEMENT",
    "SA04": "ETABLISSEMENT",
}
"""Where professionals say that they practise: a kind of facility (J02), and the setting that goes with it (J04)."""

_ACCEPTED = frozenset({"pdf", "jpg", "png", "tif", "txt"})
_MOST_TITLE = 200
_RPPS = "urn:oid:1.2.250.1.71.4.2.1"


@dataclass(frozen=True, slots=True)
class Filed:
    """What a professional says of the document. `withheld`: the patient sees it once it is announced to them."""

    title: str
    type_code: str
    made_on: date
    place: str
    withheld: bool = False


def written_types(professional_id: UUID) -> list[tuple[str, str]]:
    """The types of document that a professional writes, with their labels, in the order of the labels."""
    found = identity.get_professional(professional_id)
    codes = reach_of(found.profession, found.speciality).types_at(Level.WRITE)
    return sorted(((code, DOCUMENT_TYPES[code].label) for code in codes), key=lambda one: one[1].casefold())


def write_into_record(
    *, patient_id: UUID, stream: IO[bytes], file_name: str, filed: Filed, by: Actor, request_id: str
) -> UUID:
    """File a document of a professional's; its id. Informing the patient is enough (CSP art. L. 1111-17 III).

    The transaction is bound to the patient. Raises `Forbidden` (`writing-refused` for one who is blocked or when the
    patient is opposed to it, `identity-not-qualified`, `space-not-open`), `Invalid` (`invalid-document` with a fault
    for each field, or `file-…`), `UnsupportedType`, `TooLarge`.
    """
    professional_id = professional_of(by)
    check_filing(patient_id=patient_id, by=by)
    if faults := _faults(filed, professional_id):
        raise Invalid("The document cannot be filed so.", code="invalid-document", faults=faults)
    professional, reference = identity.get_professional(professional_id), str(patient_id)
    with received_content(stream, file_name, _ACCEPTED) as content:
        resource = _signed(_describe(filed, content.media_type, reference, by.name), professional)
        draft = Draft(resource, judge(resource, reference, comprehensive=False), stream)
        author = Author(patient_id, reference, professional_id, by.name, f"urn:ens:professional:{professional.rpps}")
        id = file_document(draft, content, author, by=by)
    if filed.withheld:
        acts.withhold_document(patient_id=patient_id, document_id=id, by=by)
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
            # A line that names what is not announced yet would tell it.
            resources=None if filed.withheld else [id],
        )
    )
    audit.record("dmp:document:added", by=by, object_type="document", object_id=id)
    return id


def check_filing(*, patient_id: UUID, by: Actor) -> Reach:
    """What the profession of a professional files, when the patient can be filed for. The transaction is the patient's.

    Raises `Forbidden`: `identity-not-qualified`, `space-not-open`, `writing-refused`.
    """
    professional_id = professional_of(by)
    patient = identity.get_patient(patient_id)
    if not patient.feeds_dmp:
        message = "The identity of this patient is not qualified: nothing is filed in their record."
        raise Forbidden(message, code="identity-not-qualified")
    if not patient.is_open:
        raise Forbidden("The space of this patient is not open: there is no record to feed.", code="space-not-open")
    if queries.is_blocked(patient_id, professional_id) or not queries.get_choices(patient_id).writing:
        raise Forbidden("This person is opposed to your filing documents in their record.", code="writing-refused")
    professional = identity.get_professional(professional_id)
    return reach_of(professional.profession, professional.speciality)


def _faults(filed: Filed, professional_id: UUID) -> list[Fault]:
    faults = []
    if not 0 < len(filed.title.strip()) <= _MOST_TITLE:
        faults.append(Fault("title", f"must hold 1 to {_MOST_TITLE} characters.", "required"))
    if filed.type_code not in dict(written_types(professional_id)):
        faults.append(Fault("type", "is not one that your profession writes.", "code-invalid"))
    if filed.made_on > clock.today():
        faults.append(Fault("date", "is in the future.", "value"))
    if filed.place not in PLACES:
        faults.append(Fault("place", "is not one of those proposed.", "code-invalid"))
    return faults


def _describe(filed: Filed, media_type: str, reference: str, author: str) -> dict[str, Any]:
    return write_document(
        title=filed.title.strip(),
        type_code=filed.type_code,
        content_type=media_type,
        made=filed.made_on.isoformat(),
        date=clock.now().isoformat(),
        author=author,
        patient_reference=reference,
        facility="|".join(FACILITIES[filed.place].coding),
        setting="|".join(SETTINGS[PLACES[filed.place]].coding),
    )


def _signed(resource: dict[str, Any], professional: ProfessionalView) -> dict[str, Any]:
    """The resource with its author: the professional, by name and RPPS number."""
    author = {
        "resourceType": "Practitioner",
        "id": "auteur",
        "identifier": [{"system": _RPPS, "value": professional.rpps}],
        "name": [{"text": professional.display_name}],
    }
    reference = {"reference": "#auteur", "display": professional.display_name}
    return {**resource, "contained": [author], "author": [reference]}
