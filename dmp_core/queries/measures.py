"""Pages of a search, single measures and the measures that an author wrote."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from dmp_core.categories import BMI
from dmp_core.models.measures import MeasureRow
from dmp_core.queries import computed
from dmp_core.queries.statements import ASKED, COLUMNS, SHOWN, asked, bounds, but, rows
from platform_core.database import run
from platform_core.fhir import wire
from platform_core.fhir.search import ANY_TIME, Span

_UPDATED = "updated_at >= %(since)s::timestamptz AND updated_at < %(until)s::timestamptz"
_WITHIN = "m.kind = asked.kind AND m.effective_at >= asked.first AND m.effective_at < asked.last"
# One statement serves one kind or all: each kind is read in the order of its index, no further than the page needs.
# The condition on changes is left out when there is none, lest the planner, short of statistics, takes their index.
_BY_DATE = """
SELECT {columns} FROM {asked} CROSS JOIN LATERAL (
    SELECT * FROM dmp_measure
     WHERE patient_id = %(patient)s AND kind = asked.kind
       AND effective_at >= asked.first AND effective_at < asked.last AND {shown} AND {updated}
     ORDER BY effective_at {way}, id {way} LIMIT %(reach)s) m
 ORDER BY m.effective_at {way}, m.id {way} LIMIT %(limit)s OFFSET %(skip)s"""
_BY_UPDATE = """
SELECT {columns} FROM dmp_measure m JOIN {asked} ON {within}
 WHERE m.patient_id = %(patient)s AND {shown} AND {updated}
 ORDER BY m.updated_at {way}, m.id {way} LIMIT %(limit)s OFFSET %(skip)s"""
_SEARCHES = {
    (sign + name, delta): text.format(
        columns=COLUMNS, asked=ASKED, within=_WITHIN, shown=SHOWN, updated=updated, way=way
    )
    for name, text in (("date", _BY_DATE), ("_lastUpdated", _BY_UPDATE))
    for sign, way in (("", "ASC"), ("-", "DESC"))
    for delta, updated in ((False, "true"), (True, _UPDATED))
}
_COUNT = f"""
SELECT count(*) FROM dmp_measure m JOIN {ASKED} ON {_WITHIN}
 WHERE m.patient_id = %(patient)s AND {SHOWN} AND {_UPDATED}"""  # noqa: S608 - constants only
_ONE = f"SELECT {COLUMNS} FROM dmp_measure m WHERE m.patient_id = %(patient)s AND m.id = %(id)s AND {SHOWN}"  # noqa: S608


def search_measures(
    *,
    patient_id: UUID,
    spans: Mapping[str, Span],
    updated: Span,
    sort: str,
    limit: int,
    skip: int,
    excluded: Collection[UUID] = (),
) -> Sequence[MeasureRow]:
    """The rows of a page: `spans` holds the kinds and, for each, the instants that may be shown.

    `sort` is `date` or `_lastUpdated`, with `-` for descending; `excluded` what is kept from this reader.
    """
    stored = {kind: span for kind, span in spans.items() if kind != BMI}
    statement = _SEARCHES[sort, updated != ANY_TIME]
    parameters = {**asked(patient_id, stored), **bounds(updated, "since", "until"), **but(excluded)}
    if BMI not in spans:
        return rows(statement, {**parameters, "limit": limit, "skip": skip, "reach": skip + limit})
    reach = skip + limit
    found = [*rows(statement, {**parameters, "limit": reach, "skip": 0, "reach": reach})]
    found += computed.list_computed(
        patient_id=patient_id, span=spans[BMI], updated=updated, sort=sort, limit=reach, excluded=excluded
    )
    found.sort(key=_BY[sort.lstrip("-")], reverse=sort.startswith("-"))
    return found[skip:reach]


def count_measures(
    *, patient_id: UUID, spans: Mapping[str, Span], updated: Span, excluded: Collection[UUID] = ()
) -> int:
    """How many measures a search finds in all."""
    stored = {kind: span for kind, span in spans.items() if kind != BMI}
    parameters = {**asked(patient_id, stored), **bounds(updated, "since", "until"), **but(excluded)}
    total = int(run(_COUNT, parameters)[0][0])
    if BMI in spans:
        total += computed.count_computed(patient_id=patient_id, span=spans[BMI], updated=updated, excluded=excluded)
    return total


def find_measure(*, patient_id: UUID, identifier: str, excluded: Collection[UUID] = ()) -> MeasureRow | None:
    """The measure of that id, a computed one included, unless it is hidden or kept from this reader."""
    key = _uuid(identifier.removeprefix(computed.PREFIX))
    if key is None:
        return None
    if identifier.startswith(computed.PREFIX):
        return computed.find_computed(patient_id=patient_id, weight_id=key, excluded=excluded)
    return next(iter(rows(_ONE, {"patient": patient_id, "id": key, **but(excluded)})), None)


def list_own_measures(
    *,
    patient_id: UUID,
    author_id: UUID | None,
    kind: str,
    identifier: tuple[str, str] | None,
    span: Span,
    excluded: Collection[UUID] = (),
) -> Sequence[MeasureRow]:
    """At most two measures of a kind that this author wrote, with that business identifier and date."""
    statement = f"""
        SELECT {COLUMNS} FROM dmp_measure m
         WHERE m.patient_id = %(patient)s AND m.kind = %(kind)s AND m.author_id = %(author)s AND {SHOWN}
           AND m.effective_at >= %(first)s::timestamptz AND m.effective_at < %(last)s::timestamptz
           AND (%(identifier)s::jsonb IS NULL OR (m.body->'identifier')::jsonb @> %(identifier)s::jsonb)
         ORDER BY m.id LIMIT 2"""  # noqa: S608 - constants only
    wanted = wire.write([{"system": identifier[0], "value": identifier[1]}]) if identifier else None
    parameters = {"patient": patient_id, "kind": kind, "author": author_id, "identifier": wanted}
    return rows(statement, {**parameters, **bounds(span, "first", "last"), **but(excluded)})


_BY: Mapping[str, Any] = {
    "date": lambda row: (row.effective_at, row.id),
    "_lastUpdated": lambda row: (row.updated_at, row.id),
}


def _uuid(text: str) -> UUID | None:
    try:
        key = UUID(text)
    except ValueError:
        return None
    return key if str(key) == text else None
