"""The measures of a space: the functions an app calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from urllib.parse import urlencode

import requests

from ._answers import read_json
from ._measure_kinds import CATEGORY_SYSTEM, KINDS
from ._measure_writer import MeasureWriter
from ._models import BatchReport, Device, Grant, Json, Measure, Number, StoredMeasure
from ._observations import find_kind, from_observation
from ._pagination import Pages
from ._times import as_query
from ._transport import Call

_PAGE_SIZE = "100"


class Measures:
    """Writes and reads measures, within what the consent allows."""

    def __init__(
        self, send: Callable[[Call], requests.Response], *, fhir_base: str, grant: Callable[[], Grant]
    ) -> None:
        self._send = send
        self._base = fhir_base
        self._grant = grant
        self._writer = MeasureWriter(send, fhir_base=fhir_base, grant=grant)

    def add(
        self,
        kind: str,
        value: Number | None = None,
        unit: str | None = None,
        at: datetime | None = None,
        *,
        systolic: Number | None = None,
        diastolic: Number | None = None,
        moment: str | None = None,
        number_of_days: int | str | None = None,
        reason: str | None = None,
        device: Device | None = None,
    ) -> str:
        """Write one measure and return the id the platform gave it; Measure describes the arguments.

        Idempotent for 24 hours: the same measure written again is not doubled. Raises ValueError for what cannot
        be a measure, and the ApiError of a refusal.
        """
        if at is None:
            raise ValueError("Give `at`, the instant of the measure, as a date-time with its offset.")
        return self._writer.write(
            Measure(
                kind=kind,
                value=value,
                unit=unit,
                at=at,
                systolic=systolic,
                diastolic=diastolic,
                moment=moment,
                number_of_days=number_of_days,
                reason=reason,
                device=device,
            )
        )

    def add_many(self, measures: Iterable[Measure]) -> BatchReport:
        """Write a series of measures in batches of up to 1000, in order, consuming the iterable as it goes.

        A measure refused is reported and the others go on. When a whole batch is refused or gets no answer (a
        pause, a spent periodicity, the network), the error is raised if nothing had been dealt with yet, and
        otherwise ends the series as `report.interrupted`.
        """
        return self._writer.write_many(measures)

    def list(
        self,
        kind: str | Iterable[str] | None = None,
        *,
        since: date | datetime | None = None,
        until: date | datetime | None = None,
        changed_since: datetime | None = None,
    ) -> Pages[StoredMeasure]:
        """The measures of one or several kinds, newest first; by default of all the kinds the app may read.

        `since` and `until` bound the instant of the measure, both inclusive; `changed_since` that of its
        recording. Nothing is asked of the platform before the first item is.
        """
        query = [self._kinds_asked(kind), ("_sort", "-date"), ("_count", _PAGE_SIZE)]
        if since is not None:
            query.append(("date", f"ge{as_query(since)}"))
        if until is not None:
            query.append(("date", f"le{as_query(until)}"))
        if changed_since is not None:
            query.append(("_lastUpdated", f"ge{as_query(changed_since)}"))
        return Pages(self._get, first=f"{self._base}/Observation?{urlencode(query)}", read=from_observation)

    def _kinds_asked(self, kind: str | Iterable[str] | None) -> tuple[str, str]:
        if isinstance(kind, str):
            kind = [kind]
        elif kind is None:
            grant = self._grant()
            kind = [name for name in KINDS if grant.covers(f"measures.{name}", "read")]
            if not kind:
                return "category", f"{CATEGORY_SYSTEM}|vital-signs"
        found = [find_kind(name) for name in kind]
        return "code", ",".join(f"{each.system}|{each.code}" for each in found)

    def _get(self, address: str) -> Json:
        answer: Json = read_json(self._send(Call("GET", address, headers={"Accept": "application/fhir+json"})))
        return answer
