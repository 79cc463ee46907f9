"""The statement that tells readings that are one as one point (rules.repetitions), for those who read a course."""

from typing import Any
from uuid import UUID

from dmp_core.categories import BMI, KINDS
from dmp_core.queries import computed
from dmp_core.queries.statements import VALID, bounds
from dmp_core.rules.repetitions import TOLERANCE
from platform_core.fhir.search import ANY_TIME, Span

_STORED = f"""
    SELECT id, effective_at, value, value2, author_id, author_name, device_id, hidden_at IS NOT NULL AS hidden
      FROM dmp_measure
     WHERE patient_id = %(patient)s AND kind = %(kind)s AND {VALID} AND (%(every)s OR hidden_at IS NULL)
       AND effective_at >= %(first)s::timestamptz AND effective_at < %(last)s::timestamptz"""  # noqa: S608 - constants only
# `apart` opens a run of equal values; whoever is farther than the tolerance from the first of its rank stands `alone`.
_MERGED = """
WITH reading AS ({readings}
), rounded AS (
    SELECT *, round(value, %(decimals)s::int) AS near, round(value2, %(decimals)s::int) AS near2 FROM reading
), spaced AS (
    SELECT *, coalesce(effective_at - lag(effective_at) OVER same > %(tolerance)s, true) AS apart
      FROM rounded WINDOW same AS (PARTITION BY near, near2 ORDER BY effective_at)
), strung AS (
    SELECT *, count(*) FILTER (WHERE apart) OVER (PARTITION BY near, near2 ORDER BY effective_at) AS run FROM spaced
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY near, near2, run, author_id, device_id
                                 ORDER BY effective_at, value, value2, id) AS nth
      FROM strung
), met AS (
    SELECT *, CASE WHEN effective_at - min(effective_at) OVER (PARTITION BY near, near2, run, nth) > %(tolerance)s
                   THEN id END AS alone
      FROM ranked
), point AS (
    SELECT min(effective_at) AS at, {more}
           CASE WHEN min(value) = max(value) THEN min(value) ELSE near END AS value,
           CASE WHEN min(value2) = max(value2) THEN min(value2) ELSE near2 END AS value2
      FROM met GROUP BY near, near2, run, nth, alone
)"""
_SOURCES = """
           array_agg(id ORDER BY author_name, device_id, id) AS ids,
           array_agg(author_name ORDER BY author_name, device_id, id) AS authors,
           array_agg(device_id ORDER BY author_name, device_id, id) AS devices, bool_and(hidden) AS hidden,"""
_STATEMENTS = {
    (is_bmi, sourced): _MERGED.format(
        readings=computed.READINGS if is_bmi else _STORED, more=_SOURCES if sourced else ""
    )
    for is_bmi in (False, True)
    for sourced in (False, True)
}


def merged(kind: str, *, sourced: bool = False) -> str:
    """The start of a statement, `WITH … point`: `at`, `value` and `value2`, and with `sourced` also `ids`, `authors`,
    `devices` (arrays of one order) and `hidden`."""
    return _STATEMENTS[kind == BMI, sourced]


def readings(kind: str) -> str:
    """The start of a statement, `WITH reading`: each one as it was brought."""
    return f"WITH reading AS ({computed.READINGS if kind == BMI else _STORED})"


def reading(patient_id: UUID, kind: str, span: Span, *, own: bool) -> dict[str, Any]:
    """The parameters of both; unless the record is one's `own`, what its patient hides is left out."""
    return {
        **computed.parameters(patient_id, span, ANY_TIME),
        **bounds(span, "first", "last"),
        "kind": kind,
        "every": own,
        "decimals": KINDS[kind].decimals,
        "tolerance": TOLERANCE,
    }
