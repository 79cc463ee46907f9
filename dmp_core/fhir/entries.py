"""Entries of the record as FHIR text, for one reader."""

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from dmp_core.fhir.measures import PATIENT
from dmp_core.models.entries import EntryRow
from dmp_core.rules.entries.kinds import KINDS, EntryKind
from platform_core.access import Permit
from platform_core.crypto import pairwise_id
from platform_core.fhir import wire
from platform_core.fhir.registry import Stored

_META_OF_SERVER = frozenset({"versionId", "lastUpdated", "source"})


def split_entry(kind: EntryKind, resource: Mapping[str, Any], patient: str) -> tuple[str, str]:
    """The texts to store of an entry: its meta and its body. `patient` is its id as the writer knows it."""
    head = {"resourceType", "id", "meta", kind.subject}
    meta = {name: value for name, value in resource.get("meta", {}).items() if name not in _META_OF_SERVER}
    body = {name: value for name, value in resource.items() if name not in head}
    return wire.write(meta), wire.write(body).replace(patient, PATIENT)


def own_resource(row: EntryRow, patient_id: UUID) -> dict[str, Any]:
    """An entry as its patient reads it: the record's own ids, no version."""
    kind = KINDS[row.category]
    body = wire.read(row.body.replace(PATIENT, str(patient_id)).encode())
    subject = {"reference": f"Patient/{patient_id}"}
    return {"resourceType": kind.resource, "id": str(row.id), kind.subject: subject, **body}


class EntryRenderer:
    """Writes stored entries as one reader may see them."""

    def __init__(self, permit: Permit) -> None:
        self._permit = permit
        self._patient = permit.patient_reference
        identifier = {"system": permit.source, "value": self._patient}
        self._subject = wire.write({"reference": f"Patient/{self._patient}", "identifier": identifier})

    def entry(self, row: EntryRow) -> str:
        """The JSON of the resource."""
        kind = KINDS[row.category]
        body = row.body.replace(PATIENT, self._patient)
        return (
            f'{{"resourceType":"{kind.resource}","id":"{row.id}","meta":{self._meta(row)},'
            f'"{kind.subject}":{self._subject},{body[1:]}'
        )

    def stored(self, row: EntryRow, *, created: bool) -> Stored:
        text = partial(self.entry, row)
        type_ = KINDS[row.category].resource
        return Stored(type_, str(row.id), row.version, row.updated_at, row.category, text, created)

    def _meta(self, row: EntryRow) -> str:
        """The version, then the source: as written for its writer, pairwise for the others."""
        head = {"versionId": str(row.version), "lastUpdated": row.updated_at.isoformat(), "source": self._source(row)}
        rest = f",{row.meta[1:]}" if row.meta != "{}" else "}"
        return wire.write(head)[:-1] + rest

    def _source(self, row: EntryRow) -> str:
        if row.author_id is None or row.author_id == self._permit.author_id:
            return row.source
        return f"urn:uuid:{pairwise_id(self._permit.app_id, row.author_id, 'Author')}"
