"""Devices of a record."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from dmp_core.categories import KINDS, Kind
from dmp_core.models.measures import DeviceRow
from dmp_core.queries.statements import ASKED, SHOWN, VALID, asked, but
from dmp_core.rules.devices import Traits, traits_of
from platform_core.database import run
from platform_core.errors import NotFound
from platform_core.fhir import wire
from platform_core.fhir.search import Span

_SELECT = "SELECT id, version, updated_at, meta::text, body::text FROM dmp_device WHERE patient_id = %(patient)s"

_KEPT = f"""
WITH taken AS MATERIALIZED (
    SELECT device_id, count(*) AS count, max(effective_at) AS last_at, array_agg(DISTINCT kind) AS kinds,
           array_agg(DISTINCT author_name) AS authors
      FROM dmp_measure
     WHERE patient_id = %(patient)s AND {VALID}
       AND device_id IS NOT NULL AND (%(id)s::uuid IS NULL OR device_id = %(id)s)
     GROUP BY device_id
)
SELECT d.id, d.label, d.put_aside_at, d.body::text AS body, coalesce(t.count, 0) AS count, t.last_at, t.kinds, t.authors
  FROM dmp_device d LEFT JOIN taken t ON t.device_id = d.id
 WHERE d.patient_id = %(patient)s AND (%(id)s::uuid IS NULL OR d.id = %(id)s)
 ORDER BY d.put_aside_at IS NOT NULL, t.last_at DESC NULLS LAST, d.id LIMIT %(most)s"""  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True)
class Kept:
    """A device as people see it: what it says of itself, what they call it, how many measures it took, of which kinds,
    through whom, and the last time. One that is put aside is no longer used."""

    id: UUID
    label: str
    traits: Traits
    put_aside_at: datetime | None
    count: int
    last_at: datetime | None
    kinds: tuple[Kind, ...]
    authors: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.label or self.traits.name


def list_kept(*, patient_id: UUID, most: int | None = None) -> Sequence[Kept]:
    """The devices of a record, `most` of them or all: those in use first, the last to have taken a measure first."""
    return [_kept(row) for row in run(_KEPT, {"patient": patient_id, "id": None, "most": most})]


def get_kept(*, patient_id: UUID, device_id: UUID) -> Kept:
    """One device. Raises `NotFound`."""
    for row in run(_KEPT, {"patient": patient_id, "id": device_id, "most": 1}):
        return _kept(row)
    raise NotFound(f"There is no device {device_id}.")


def name_devices(*, patient_id: UUID, ids: Iterable[UUID]) -> Mapping[UUID, str]:
    """What people call these devices."""
    statement = (
        "SELECT id, label, body::text AS body FROM dmp_device WHERE patient_id = %(patient)s AND id = ANY(%(ids)s)"
    )
    found = run(statement, {"patient": patient_id, "ids": list(ids)})
    return {row[0]: row[1] or traits_of(wire.read(row[2].encode())).name for row in found}


def _kept(row: Any) -> Kept:
    identifier, label, put_aside_at, body, count, last_at, kinds, authors = row
    known = tuple(kind for name, kind in KINDS.items() if name in (kinds or ()))
    return Kept(
        identifier,
        label,
        traits_of(wire.read(body.encode())),
        put_aside_at,
        count,
        last_at,
        known,
        tuple(authors or ()),
    )


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
