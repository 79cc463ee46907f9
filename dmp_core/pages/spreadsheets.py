"""Measures as a file for a spreadsheet, written page after page: years of them never stand in memory."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from flask_babel import format_datetime, gettext

from dmp_core.categories import Kind
from dmp_core.pages.courses import part_names
from dmp_core.queries.devices import list_kept
from dmp_core.queries.points import Place, Point, list_readings_after
from platform_core.database import transaction
from platform_core.fhir.search import Span

_CHUNK = 2000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def stream(patient_id: UUID, kind: Kind, span: Span) -> Iterator[bytes]:
    """Semicolons, decimal commas, UTF-8 with its mark; every value as it was brought, with its source.

    Each page has its own transaction: none stays open while the client reads.
    """
    with transaction(patient_id=patient_id):
        devices = {device.id: device.name for device in list_kept(patient_id=patient_id)}
    yield "\ufeff".encode() + _written([_headers(kind)])
    place = Place()
    while True:
        with transaction(patient_id=patient_id):
            found = list_readings_after(patient_id=patient_id, kind=kind.name, span=span, after=place, limit=_CHUNK)
        yield _written(_cells(point, devices) for point in found)
        if len(found) < _CHUNK:
            return
        place = Place(found[-1].effective_at, found[-1].sources[0].measure_id)


def _headers(kind: Kind) -> list[str]:
    values = part_names(kind) if kind.components else [gettext("Valeur")]
    tail = [gettext("Unité"), gettext("Source"), gettext("Appareil"), gettext("Remarque")]
    return [gettext("Date"), *values, *tail]


def _cells(point: Point, devices: dict[UUID, str]) -> list[str]:
    source = point.sources[0]
    return [
        format_datetime(point.effective_at, "yyyy-MM-dd HH:mm:ss"),
        *(f"{value:f}".replace(".", ",") for value in point.values),
        point.kind.shown_unit,
        inert(source.author),
        inert(devices.get(source.device_id, "")) if source.device_id else "",
        "" if point.is_plausible else gettext("Valeur inhabituelle"),
    ]


def _written(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows(rows)
    return text.getvalue().encode()


def inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.lstrip().startswith(_FORMULA) else cell
