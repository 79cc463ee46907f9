"""Devices of a record: judged, kept once for each identifier, found again by the id of an app, named by people."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from dmp_core.fhir import measures as fhir
from dmp_core.fhir.measures import Renderer
from dmp_core.models.measures import DeviceRow, StoredDevice
from dmp_core.queries import devices as queries
from dmp_core.rules.devices import Identifier, identifier_of
from dmp_core.service.drafts import check_subject
from platform_core import audit, clock
from platform_core.access import Actor, Permit
from platform_core.database import db
from platform_core.errors import Fault, Invalid, NotFound
from platform_core.fhir.registry import Entry, Resource
from platform_core.fhir.validation import invalid, validate
from platform_core.ids import uuid7

_INSERT = """
INSERT INTO dmp_device (patient_id, id, identifier_system, identifier_value, version, created_at, updated_at,
                        meta, body)
VALUES (%(patient)s, %(id)s, %(system)s, %(value)s, 1, %(now)s, %(now)s, %(meta)s::json, %(body)s::json)
ON CONFLICT (patient_id, identifier_system, identifier_value) DO NOTHING RETURNING id"""

_LONGEST_LABEL = 60


class Links:
    """The devices of a record by the reference that one reader has for them; read at first use."""

    def __init__(self, patient_id: UUID, renderer: Renderer) -> None:
        self._patient_id = patient_id
        self._renderer = renderer

    @cached_property
    def _known(self) -> Mapping[str, UUID]:
        ids = queries.list_device_ids(patient_id=self._patient_id)
        return {self._renderer.device_reference(device_id): device_id for device_id in ids}

    def find(self, reference: str) -> UUID:
        """The device of `Device/<id>`. Raises `Invalid` when this reader knows no such device."""
        type_, _, identifier = reference.rpartition("/")
        if type_.rpartition("/")[2] != "Device" or identifier not in self._known:
            raise invalid([Fault("Observation.device.reference", "points to no known Device.", "invalid")])
        return self._known[identifier]


def judge(entry: Entry, patient_reference: str) -> Identifier:
    """Judge the Device of a transaction. Returns the identifier it is kept by.

    Raises `Invalid`, or `Forbidden` (`patient-mismatch`) for the device of somebody else.
    """
    path = f"Bundle.entry[{entry.position}]"
    validate(entry.resource)
    check_subject(entry.resource, patient_reference, "patient")
    identifier = identifier_of(entry.resource, entry.if_none_exist, path)
    if isinstance(identifier, Fault):
        raise invalid([identifier])
    return identifier


def keep(resource: Resource, identifier: Identifier, permit: Permit) -> tuple[DeviceRow, bool]:
    """Store the device unless the record has one of that identifier. Returns the device and whether it is new."""
    now = clock.now()
    meta, body = fhir.split_device(resource, permit.patient_reference)
    parameters = {
        "patient": permit.patient_id,
        "id": uuid7(),
        "system": identifier[0],
        "value": identifier[1],
        "now": now,
        "meta": meta,
        "body": body,
    }
    new = db.session.connection().exec_driver_sql(_INSERT, parameters).scalar()
    if new:
        return DeviceRow(new, 1, now, meta, body), True
    return queries.get_device_by_identifier(patient_id=permit.patient_id, identifier=identifier), False


def rename_device(*, patient_id: UUID, device_id: UUID, label: str, by: Actor) -> None:
    """Call a device by a name of one's own; an empty one gives it back the name that it says.

    The Device that apps read stays as it was written. Raises `Invalid` (`label-too-long`), `NotFound`.
    """
    if len(label) > _LONGEST_LABEL:
        fault = Fault("label", f"must not exceed {_LONGEST_LABEL} characters.", "too-long")
        raise Invalid("The name of a device is short.", code="label-too-long", faults=[fault])
    _change(patient_id, device_id, label=label)
    audit.record("dmp:device:renamed", by=by, object_type="device", object_id=device_id)


def put_device_aside(*, patient_id: UUID, device_id: UUID, aside: bool, by: Actor) -> None:
    """Put a device that is no longer used after the others, or take it back. Its measures stay. Raises `NotFound`."""
    _change(patient_id, device_id, put_aside_at=clock.now() if aside else None)
    audit.record(
        "dmp:device:put-aside" if aside else "dmp:device:taken-back", by=by, object_type="device", object_id=device_id
    )


def _change(patient_id: UUID, device_id: UUID, **values: Any) -> None:
    this = sa.and_(StoredDevice.patient_id == patient_id, StoredDevice.id == device_id)
    if not db.session.execute(sa.update(StoredDevice).where(this).values(**values).returning(StoredDevice.id)).first():
        raise NotFound(f"There is no device {device_id}.")
