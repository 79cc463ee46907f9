"""Entries that the patient, or the one who acts for them, writes by hand, changes or takes back."""

from typing import Any
from uuid import UUID

from dmp_core.fhir.entries import own_resource
from dmp_core.models.entries import EntryRow
from dmp_core.queries import entries as queries
from dmp_core.rules.documents.visibility import Viewer, ViewerKind
from dmp_core.rules.entries.kinds import EntryKind
from dmp_core.service.drafts import Author
from dmp_core.service.entries.storing import judge, replace, store
from dmp_core.service.typed import BY_HAND
from platform_core import audit
from platform_core.access import Actor
from platform_core.errors import NotFound
from platform_core.fhir.registry import Resource

_WRONG = "entered-in-error"
_VERIFIED = {"AllergyIntolerance": "allergyintolerance-verification", "Condition": "condition-ver-status"}


def type_entry(*, patient_id: UUID, kind: EntryKind, resource: Resource, by: Actor) -> EntryRow:
    """Store what was typed. Raises `Invalid` (`invalid-resource`)."""
    (row,) = store([judge(kind, _of_patient(kind, resource, patient_id), str(patient_id))], _author(patient_id, by))
    audit.record("dmp:entry:typed", by=by, object_type="entry", object_id=row.id)
    return row


def change_typed_entry(*, patient_id: UUID, kind: EntryKind, entry_id: UUID, resource: Resource, by: Actor) -> EntryRow:
    """Write the next version of an entry typed by hand. Raises `NotFound`, `Invalid` (`invalid-resource`)."""
    before = get_typed_entry(patient_id=patient_id, kind=kind, entry_id=entry_id, lock=True)
    draft = judge(kind, _of_patient(kind, resource, patient_id), str(patient_id))
    row = replace(before, draft, _author(patient_id, by))
    audit.record("dmp:entry:changed", by=by, object_type="entry", object_id=entry_id)
    return row


def remove_typed_entry(*, patient_id: UUID, kind: EntryKind, entry_id: UUID, by: Actor) -> None:
    """Take back an entry typed by hand: nobody reads it any more. Raises `NotFound`."""
    before = get_typed_entry(patient_id=patient_id, kind=kind, entry_id=entry_id, lock=True)
    draft = judge(kind, _taken_back(own_resource(before, patient_id)), str(patient_id))
    replace(before, draft, _author(patient_id, by))
    audit.record("dmp:entry:removed", by=by, object_type="entry", object_id=entry_id)


def get_typed_entry(*, patient_id: UUID, kind: EntryKind, entry_id: UUID, lock: bool = False) -> EntryRow:
    """An entry of a kind that was typed by hand into this record, whoever acted. Raises `NotFound`."""
    viewer = Viewer(ViewerKind.AUTHOR, patient_id)
    found = queries.find_entry(patient_id=patient_id, entry_id=entry_id, viewer=viewer, lock=lock)
    if found is None or found.category != kind.category or found.document_id is not None:
        raise NotFound("There is no such entry typed by hand.")
    return found


def _author(patient_id: UUID, by: Actor) -> Author:
    return Author(patient_id, str(patient_id), patient_id, by.name, BY_HAND)


def _of_patient(kind: EntryKind, resource: Resource, patient_id: UUID) -> Resource:
    return {**resource, kind.subject: {"reference": f"Patient/{patient_id}"}}


def _taken_back(resource: Resource) -> dict[str, Any]:
    """The resource entered in error; it has then no clinical status (FHIR R4, ait-2 and con-5)."""
    system = _VERIFIED.get(resource["resourceType"])
    if system is None:
        return {**resource, "status": _WRONG}
    code = {"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": _WRONG}
    kept = {name: value for name, value in resource.items() if name != "clinicalStatus"}
    return {**kept, "verificationStatus": {"coding": [code]}}
