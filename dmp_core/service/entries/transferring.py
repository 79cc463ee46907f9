"""A record that comes from elsewhere as a FHIR Bundle: its measures and entries, in the name of where it comes from."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from dmp_core.rules.entries.adapting import LeftOut, adapt, resources_of
from dmp_core.rules.entries.kinds import at, kind_of
from dmp_core.service import drafts as measures
from dmp_core.service.drafts import Author
from dmp_core.service.entries import storing
from dmp_core.service.entries.storing import EntryDraft
from platform_core import audit
from platform_core.access import Access, Actor, ActorKind
from platform_core.errors import DomainError, Fault, Invalid
from platform_core.fhir import wire
from platform_core.journal import service as journal

_SOURCES = UUID("5b0c9c8e-5a0f-5a5e-8e0d-2f1d3f0f8a77")


@dataclass(slots=True)
class Transferred:
    """What went in, by category, and what was left out, with the reason of each."""

    counts: Counter[str] = field(default_factory=Counter)
    left_out: list[LeftOut] = field(default_factory=list)


def transfer_bundle(*, data: bytes, patient_id: UUID, source: str, by: Actor) -> Transferred:
    """Store what a Bundle says of its one patient, within the transaction of the patient whom it is given to.

    `source` names where it comes from, as people will read it. Every resource that the record keeps and that is valid
    goes in; each other one is told. Raises `Invalid` (`invalid-resource`) for what is no Bundle of one patient, and
    when nothing of it can be kept.
    """
    bundle = wire.read(data)
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise _refused("Bundle", "is no Bundle.")
    patients = {f"{name}": found for name, found in resources_of(bundle) if found["resourceType"] == "Patient"}
    if len(patients) > 1:
        raise _refused("Bundle.entry", "holds several patients.")
    author = Author(patient_id, str(patient_id), uuid5(_SOURCES, source), source, f"urn:uuid:{uuid5(_SOURCES, source)}")
    told = Transferred()
    measured: list[measures.Draft] = []
    entries: list[EntryDraft] = []
    for _, resource in resources_of(bundle):
        if resource["resourceType"] == "Patient":
            continue
        found = _judged(resource, patients, author)
        if isinstance(found, LeftOut):
            told.left_out.append(found)
        elif isinstance(found, EntryDraft):
            entries.append(found)
        else:
            measured.append(found)
    if not measured and not entries:
        raise _refused("Bundle.entry", "holds nothing that the record keeps.")
    if measured:
        measures.store(measured, author)
    storing.store(entries, author)
    told.counts.update([*(one.category for one in measured), *(one.kind.category for one in entries)])
    _record(told, author, by)
    return told


def _judged(
    resource: Mapping[str, Any], patients: Mapping[str, Any], author: Author
) -> measures.Draft | EntryDraft | LeftOut:
    adapted = adapt(resource)
    if isinstance(adapted, LeftOut):
        return adapted
    kind = kind_of(adapted)
    subject = kind.subject if kind else "subject"
    named = next(iter(at(adapted, f"{subject}.reference")), "")
    reference = f"{resource['resourceType']}/{resource.get('id', '')}"
    if named not in patients and named.rpartition("/")[2] not in {str(one.get("id")) for one in patients.values()}:
        return LeftOut(reference, "it is about nobody that the Bundle holds")
    adapted[subject] = {"reference": f"Patient/{author.patient_reference}"}
    try:
        if kind is None:
            return measures.draft(adapted, author.patient_reference)
        return storing.judge(kind, adapted, author.patient_reference)
    except DomainError as error:
        return LeftOut(
            reference, "; ".join(f"{fault.where} {fault.message}" for fault in error.faults) or error.message
        )


def _record(told: Transferred, author: Author, by: Actor) -> None:
    sender = Actor(ActorKind.PROFESSIONAL, author.id, author.name)
    journal.record(
        journal.Entry(
            author.patient_id,
            sender,
            "batch",
            "Bundle",
            Access.WRITE,
            journal.SERVED,
            "",
            categories=sorted(told.counts),
            count=told.counts.total(),
        )
    )
    audit.record("dmp:record:transferred", by=by, object_type="patient", object_id=author.patient_id)


def _refused(where: str, message: str) -> Invalid:
    return Invalid(
        f"The file cannot be taken over: it {message}", code="invalid-resource", faults=[Fault(where, message)]
    )
