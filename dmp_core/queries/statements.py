"""How statements are sent: to the driver as they are written, since no object of the mapper stands on these paths."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from dmp_core.models.measures import MeasureRow
from platform_core.database import run
from platform_core.fhir.search import Span

COLUMNS = (
    "m.id::text, m.kind, m.effective_at, m.version, m.updated_at, m.author_id::text, m.source, m.meta::text,"
    " m.body::text, m.device_id, m.device_details::text"
)
ASKED = (
    "unnest(%(kinds)s::text[], %(starts)s::text[]::timestamptz[], %(ends)s::text[]::timestamptz[])"
    " AS asked(kind, first, last)"
)
VALID = "status NOT IN ('entered-in-error', 'cancelled')"
SHOWN = "hidden_at IS NULL AND id <> ALL(%(excluded)s::uuid[])"
"""What a reader other than the patient may see: nothing hidden, nothing that is kept from this very reader."""


def rows(statement: str, parameters: Mapping[str, Any]) -> Sequence[MeasureRow]:
    """The rows of a statement that selects `COLUMNS`."""
    return [MeasureRow(*row) for row in run(statement, parameters)]


def but(excluded: Collection[UUID]) -> dict[str, list[UUID]]:
    """The parameter of `SHOWN`."""
    return {"excluded": list(excluded)}


def asked(patient_id: UUID, spans: Mapping[str, Span]) -> dict[str, Any]:
    """The parameters of `ASKED`: kinds, and for each the instants that may be shown."""
    return {
        "patient": patient_id,
        "kinds": list(spans),
        "starts": [_start(span) for span in spans.values()],
        "ends": [_end(span) for span in spans.values()],
    }


def bounds(span: Span, first: str, last: str) -> dict[str, str]:
    """The two ends of a span as parameters of these names."""
    return {first: _start(span), last: _end(span)}


def _start(span: Span) -> str:
    return span.start.isoformat() if span.start else "-infinity"


def _end(span: Span) -> str:
    return span.end.isoformat() if span.end else "infinity"
