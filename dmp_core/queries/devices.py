"""Devices of a record."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from dmp_core.models.measures import DeviceRow
from dmp_core.queries.statements import ASKED, SHOWN, asked, but
from platform_core.database import run
from platform_core.fhir.search import Span

_SELECT = "SELECT id, version, updated_at, meta::text, body::text FROM dmp_device WHERE patient_id = %(patient)s"


def list_devices(*, patient_id: UUID, ids: Iterable[UUID]) -> Sequence[DeviceRow]:
    """The devices of these ids, in their order of arrival."""
    found = run(f"{_SELECT} AND id = ANY(%(ids)s) ORDER BY id", {"patient": patient_id, "ids": list(ids)})
    return [DeviceRow(*row) for row in found]


def list_device_ids(*, patient_id: UUID) -> Sequence[UUID]:
    """The ids of every device of a record."""
    statement = "SELECT id FROM dmp_device WHERE patient_id = %(patient)s"
    return [row[0] for row in run(statement, {"patient": patient_id})]


def get_device_by_identifier(*, patient_id: UUID, identifier: tuple[str, str]) -> DeviceRow:
    """The device that the record knows by this (system, value)."""
    statement = f"{_SELECT} AND identifier_system = %(system)s AND identifier_value = %(value)s"
    parameters = {"patient": patient_id, "system": identifier[0], "value": identifier[1]}
    return DeviceRow(*run(statement, parameters)[0])


def has_measures(
    *, patient_id: UUID, device_id: UUID, spans: Mapping[str, Span], excluded: Collection[UUID] = ()
) -> bool:
    """Whether the device took one of these kinds of measure within its instants, that this reader may see."""
    statement = f"""
        SELECT EXISTS (SELECT FROM dmp_measure m JOIN {ASKED}
            ON m.kind = asked.kind AND m.effective_at >= asked.first AND m.effective_at < asked.last
         WHERE m.patient_id = %(patient)s AND m.device_id = %(device)s AND {SHOWN})"""  # noqa: S608 - constants only
    return bool(run(statement, {**asked(patient_id, spans), "device": device_id, **but(excluded)})[0][0])
