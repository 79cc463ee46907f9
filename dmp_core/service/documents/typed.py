"""A document that the patient, or the one who acts for them, files by hand."""

from datetime import date
from typing import IO
from uuid import UUID

from dmp_core.categories import DOCUMENT_KINDS, SETTINGS, DocumentType
from dmp_core.fhir.documents import write_document
from dmp_core.rules.documents.metadata import PATIENT
from dmp_core.service.documents.contents import received_content
from dmp_core.service.documents.drafts import Draft, judge
from dmp_core.service.documents.storing import file_document
from dmp_core.service.drafts import Author
from dmp_core.service.typed import BY_HAND
from platform_core import audit, clock
from platform_core.access import Actor
from platform_core.errors import Fault, Invalid

EXTENSIONS = ("pdf", "jpg", "jpeg", "png", "tif", "tiff", "txt")
_ACCEPTED = frozenset({"pdf", "jpg", "png", "tif", "txt"})
_MOST_TITLE = 200


def typed_types() -> list[DocumentType]:
    """The types that a patient may give to what they file: their own documents, but the profile, which is filled in."""
    own = DOCUMENT_KINDS["patient-documents"].types
    return [found for found in own if found.code.code not in {"DOCPAT08", "74465-6"}]


def add_document(
    *, patient_id: UUID, stream: IO[bytes], file_name: str, title: str, type_code: str, made_on: date, by: Actor
) -> UUID:
    """File a document of the patient's; its id.

    Raises `Invalid` (`invalid-document` with a fault for each field, or `file-…`), `UnsupportedType`, `TooLarge`.
    """
    if faults := find_faults(title=title, type_code=type_code, made_on=made_on):
        raise Invalid("The document cannot be filed so.", code="invalid-document", faults=faults)
    reference, now = str(patient_id), clock.now().isoformat()
    with received_content(stream, file_name, _ACCEPTED) as content:
        resource = write_document(
            title=title.strip(),
            type_code=type_code,
            content_type=content.media_type,
            made=made_on.isoformat(),
            date=now,
            author=by.name,
            patient_reference=reference,
            facility="|".join(SETTINGS[PATIENT].coding),
            setting="|".join(SETTINGS[PATIENT].coding),
        )
        draft = Draft(resource, judge(resource, reference, comprehensive=False), stream)
        author = Author(patient_id, reference, patient_id, by.name, BY_HAND)
        id = file_document(draft, content, author, by=by)
    audit.record("dmp:document:added", by=by, object_type="document", object_id=id)
    return id


def find_faults(*, title: str, type_code: str, made_on: date) -> list[Fault]:
    """What is wrong with the words that go with a file, a fault for each field."""
    faults = []
    if not 0 < len(title.strip()) <= _MOST_TITLE:
        faults.append(Fault("title", f"must hold 1 to {_MOST_TITLE} characters.", "required"))
    if type_code not in {found.code.code for found in typed_types()}:
        faults.append(Fault("type", "is not one that a patient files.", "code-invalid"))
    if made_on > clock.today():
        faults.append(Fault("date", "is in the future.", "value"))
    return faults
