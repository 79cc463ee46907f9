"""An Observation on its way in: judged, then stored; nothing is stored of what is refused."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from dmp_core.fhir import measures as fhir
from dmp_core.models.measures import MeasureRow
from dmp_core.rules.observations import Measure, read_measure, source_fault
from dmp_core.rules.subjects import matricules_in, names_another
from identity_core import queries as identity
from platform_core import clock, events
from platform_core.access import ActorKind, Permit
from platform_core.database import db
from platform_core.errors import Fault, Forbidden
from platform_core.events import DataChanged
from platform_core.fhir import wire
from platform_core.fhir.registry import Resource
from platform_core.fhir.validation import invalid, validate
from platform_core.ids import uuid7

# The rows travel as one JSON text: bodies are not quoted twice, and one parameter is cheaper than eleven arrays.
_INSERT = """
INSERT INTO dmp_measure (patient_id, id, kind, effective_at, value, value2, status, device_id, device_details,
                         author_id, author_name, source, version, created_at, updated_at, meta, body)
SELECT %(patient)s, t.id, t.kind, t.effective_at, t.value, t.value2, t.status, t.device_id, t.device_details,
       %(author)s, %(name)s, t.source, 1, %(now)s, %(now)s, t.meta, t.body
  FROM json_to_recordset(%(rows)s::json)
    AS t(id uuid, kind text, effective_at timestamptz, value numeric, value2 numeric, status text, device_id uuid,
         device_details json, source text, meta json, body json)"""


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes into a record: its id (None: the platform), the name that people read, the source it is known by."""

    patient_id: UUID
    patient_reference: str
    id: UUID | None
    name: str
    source: str

    @classmethod
    def of(cls, permit: Permit) -> "Author":
        return cls(permit.patient_id, permit.patient_reference, permit.author_id, permit.actor.name, permit.source)


@dataclass(frozen=True, slots=True)
class Draft:
    """An accepted Observation and the measure it holds."""

    measure: Measure
    resource: Resource
    device_id: UUID | None = None

    @property
    def category(self) -> str:
        return self.measure.kind.category

    @property
    def warnings(self) -> tuple[Fault, ...]:
        """Remarks on a value that is kept although it is hardly possible."""
        if self.measure.is_plausible:
            return ()
        kind = self.measure.kind
        message = f"is outside what is plausible for {kind.name} ({kind.low} to {kind.high} {kind.unit})."
        return (Fault("Observation.value", message, "business-rule"),)


def draft(resource: Resource, patient_reference: str) -> Draft:
    """Judge an Observation. Raises `Invalid` (`invalid-resource`) or `Forbidden` (`patient-mismatch`)."""
    validate(resource)
    check_subject(resource, patient_reference)
    measure = read_measure(resource)
    if isinstance(measure, list):
        raise invalid(measure)
    return Draft(measure, resource)


def check_subject(resource: Mapping[str, Any], patient_reference: str, element: str = "subject") -> None:
    """Raise `Forbidden` (`patient-mismatch`) when the resource names another patient than the one of the call."""
    subject = resource.get(element)
    if subject is not None and names_another(subject, patient_reference):
        raise Forbidden("The resource names another patient than the token does.", code="patient-mismatch")


def check_written(resource: Resource, permit: Permit) -> None:
    """Raise `Invalid` when `meta.source` is not of the writer, `Forbidden` (`patient-mismatch`) when the resource tells
    another matricule than the patient's: to a professional's software it is known; an app may tell none, and what it
    contains is compared once the record has one."""
    if fault := source_fault(resource, permit.source):
        raise invalid([fault])
    is_professional = permit.actor.kind is ActorKind.PROFESSIONAL
    told = matricules_in(resource) if is_professional or "contained" in resource else ()
    if not told:
        return
    ins = identity.find_ins(permit.patient_id)
    if ins is None and not is_professional:
        return
    if ins is None or not all(hmac.compare_digest(one.encode(), ins.matricule.encode()) for one in told):
        raise Forbidden("The resource holds the matricule of another patient.", code="patient-mismatch")


def store(drafts: Sequence[Draft], author: Author) -> list[MeasureRow]:
    """Store accepted measures in one statement, and tell that data changed. Returns the rows, in order."""
    now = clock.now()
    rows = [_row(item, author, now) for item in drafts]
    texts = [_text(item, row) for item, row in zip(drafts, rows, strict=True)]
    writer = {"patient": author.patient_id, "author": author.id, "name": author.name, "now": now}
    db.session.connection().exec_driver_sql(_INSERT, {**writer, "rows": f"[{','.join(texts)}]"})
    for item, row in zip(drafts, rows, strict=True):
        events.publish(DataChanged(item.category, author.patient_id, f"Observation/{row.id}", 1, "create"))
    return rows


def _row(item: Draft, author: Author, now: datetime) -> MeasureRow:
    meta, body, device_details = fhir.split_observation(item.resource, author.patient_reference)
    source = item.resource["meta"].get("source", author.source)
    measure = item.measure
    return MeasureRow(
        id=str(uuid7()),
        kind=measure.kind.name,
        effective_at=measure.effective_at,
        version=1,
        updated_at=now,
        author_id=str(author.id) if author.id else None,
        source=source,
        meta=meta,
        body=body,
        device_id=item.device_id,
        device_details=device_details,
    )


def _text(item: Draft, row: MeasureRow) -> str:
    """A row as JSON for the statement: what is JSON already is spliced in."""
    numbers = ",".join(
        f'"{name}":{value}' for name, value in zip(("value", "value2"), item.measure.values, strict=False)
    )
    device = f'"device_id":"{row.device_id}",' if row.device_id else ""
    details = f'"device_details":{row.device_details},' if row.device_details else ""
    return (
        f'{{"id":"{row.id}","kind":"{row.kind}","effective_at":"{row.effective_at.isoformat()}",{numbers},{device}'
        f'{details}"status":"{item.resource["status"]}","source":{wire.write(row.source)},"meta":{row.meta},'
        f'"body":{row.body}}}'
    )
