"""Measures and devices as FHIR text, for one reader.

What identifies someone differs from reader to reader: the patient, the devices and the sources that others wrote have
pairwise ids, so that two apps cannot compare what they know.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from dmp_core.categories import Coding, Kind
from dmp_core.models.measures import DeviceRow, MeasureRow
from dmp_core.rules.observations import UCUM, VITAL_SIGNS
from platform_core.access import Permit
from platform_core.crypto import pairwise_id
from platform_core.errors import Fault
from platform_core.fhir import wire
from platform_core.fhir.registry import Stored

# Stands in stored text for the patient's id as the writer knew it.
PATIENT = "656e732d-7061-8469-a56e-742d69642d2d"
_ANS = "https://interop.esante.gouv.fr/ig/fhir/mesures/StructureDefinition/"
_META_OF_SERVER = frozenset({"versionId", "lastUpdated", "source"})
_OBSERVATION_HEAD = frozenset({"resourceType", "id", "meta", "subject", "device"})
_DEVICE_HEAD = frozenset({"resourceType", "id", "meta"})


def split_observation(resource: Mapping[str, Any], patient_reference: str) -> tuple[str, str, str | None]:
    """The texts to store of an Observation: its meta, its body, and what its device reference says beside the link."""
    device = resource.get("device", {})
    kept = _OBSERVATION_HEAD if "reference" in device else _OBSERVATION_HEAD - {"device"}
    details = {name: value for name, value in device.items() if name != "reference"}
    body = _without(resource, kept).replace(patient_reference, PATIENT)
    return _meta(resource), body, wire.write(details) if details and "reference" in device else None


def split_device(resource: Mapping[str, Any], patient_reference: str) -> tuple[str, str]:
    """The texts to store of a Device: its meta and its body."""
    return _meta(resource), _without(resource, _DEVICE_HEAD).replace(patient_reference, PATIENT)


def _meta(resource: Mapping[str, Any]) -> str:
    return _without(resource.get("meta", {}), _META_OF_SERVER)


def _without(value: Mapping[str, Any], names: frozenset[str]) -> str:
    return wire.write({name: child for name, child in value.items() if name not in names})


class Renderer:
    """Writes stored rows as one reader may see them."""

    def __init__(self, permit: Permit) -> None:
        self._permit = permit
        self._patient = permit.patient_reference
        subject = {
            "reference": f"Patient/{self._patient}",
            "identifier": {"system": permit.source, "value": self._patient},
        }
        self._subject = f'"subject":{wire.write(subject)}'
        self._author = str(permit.author_id)
        self._pairwise: dict[tuple[UUID, str], str] = {}
        self._sources: dict[tuple[str | None, str], str] = {}

    def observation(self, row: MeasureRow) -> str:
        """The JSON of an Observation."""
        source = self._sources.get((row.author_id, row.source)) or self._source(row.author_id, row.source)
        meta = _spliced(f'"versionId":"{row.version}","lastUpdated":"{row.updated_at.isoformat()}"', source, row.meta)
        device = self._device(row) if row.device_id else ""
        body = row.body.replace(PATIENT, self._patient) if PATIENT in row.body else row.body
        return f'{{"resourceType":"Observation","id":"{row.id}","meta":{meta},{self._subject}{device},{body[1:]}'

    def device(self, row: DeviceRow) -> str:
        """The JSON of a Device."""
        meta = _spliced(f'"versionId":"{row.version}","lastUpdated":"{row.updated_at.isoformat()}"', "", row.meta)
        body = row.body.replace(PATIENT, self._patient)
        return f'{{"resourceType":"Device","id":"{self.device_reference(row.id)}","meta":{meta},{body[1:]}'

    def device_reference(self, device_id: UUID) -> str:
        """The id of a device as this reader knows it."""
        return self._known_as(device_id, "Device")

    def stored_measure(self, row: MeasureRow, category: str, *, created: bool, warnings: tuple[Fault, ...]) -> Stored:
        text = partial(self.observation, row)
        return Stored(
            "Observation", row.id, row.version, row.updated_at, category, text, created=created, warnings=warnings
        )

    def stored_device(self, row: DeviceRow, *, created: bool) -> Stored:
        """A device; it belongs to no category of its own, so that it is counted with none."""
        identifier = self.device_reference(row.id)
        return Stored("Device", identifier, row.version, row.updated_at, "", partial(self.device, row), created=created)

    def _source(self, author_id: str | None, source: str) -> str:
        """The source as JSON: as written for its writer, pairwise for the others."""
        shown = source
        if author_id is not None and author_id != self._author:
            shown = f"urn:uuid:{self._known_as(UUID(author_id), 'Author')}"
        text = self._sources[author_id, source] = wire.write(shown)
        return text

    def _device(self, row: MeasureRow) -> str:
        assert row.device_id is not None
        reference = f'"reference":"Device/{self.device_reference(row.device_id)}"'
        more = f",{row.device_details[1:-1]}" if row.device_details else ""
        return f',"device":{{{reference}{more}}}'

    def _known_as(self, subject: UUID, kind: str) -> str:
        known = self._pairwise.get((subject, kind))
        if known is None:
            known = self._pairwise[subject, kind] = pairwise_id(self._permit.app_id, subject, kind)
        return known


def _spliced(head: str, source: str, meta: str) -> str:
    rest = f",{meta[1:]}" if meta != "{}" else "}"
    return f'{{{head},"source":{source}{rest}' if source else f"{{{head}{rest}"


def write_observation(
    kind: Kind, values: Sequence[Decimal], at: datetime, *, patient_reference: str, extension: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The Observation of a measure that the platform itself writes (typed in by a person)."""
    quantities = [
        {"value": value, "unit": kind.unit_text or kind.unit, "system": UCUM, "code": kind.unit} for value in values
    ]
    resource: dict[str, Any] = {
        "resourceType": "Observation",
        "meta": {"profile": [kind.profile]},
        "status": "final",
        "category": [_concept(VITAL_SIGNS)],
        "code": _concept(kind.coding),
        "subject": {"reference": f"Patient/{patient_reference}"},
        "effectiveDateTime": at.isoformat(),
    }
    if extension:
        resource["extension"] = [extension]
    if kind.components:
        pairs = zip(kind.components, quantities, strict=True)
        resource["component"] = [{"code": _concept(coding), "valueQuantity": value} for coding, value in pairs]
    else:
        resource["valueQuantity"] = quantities[0]
    return resource


def moment_extension(coding: Coding) -> dict[str, Any]:
    """The moment of a blood glucose."""
    return {"url": f"{_ANS}mesures-moment-of-measurement", "valueCodeableConcept": _concept(coding)}


def days_extension(coding: Coding) -> dict[str, Any]:
    """The number of days of a mean measured by a sensor."""
    return {"url": f"{_ANS}mesures-number-of-days", "valueCodeableConcept": _concept(coding)}


def _concept(coding: Coding) -> dict[str, Any]:
    return {"coding": [{"system": coding[0], "code": coding[1]}]}
