"""Observation in all its kinds: measures, results of biology, habits of life; each is kept in its own table."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from dmp_core.api import entries, observations
from dmp_core.api.observations import OBSERVATION as MEASURES
from dmp_core.categories import KINDS
from dmp_core.fhir.entries import EntryRenderer
from dmp_core.fhir.measures import Renderer
from dmp_core.models.entries import EntryRow
from dmp_core.models.measures import MeasureRow
from dmp_core.queries import entries as queries
from dmp_core.queries import measures
from dmp_core.rules.asked import asks_another_patient, read_asked
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.rules.entries.asked import read_asked as read_wanted
from dmp_core.rules.entries.kinds import LIFESTYLE, RESULTS, EntryKind, kind_of
from dmp_core.rules.observations import VITAL_SIGNS
from platform_core.access import Access, DataCall, Permit
from platform_core.errors import DomainError, Forbidden
from platform_core.fhir.registry import Outcome, Page, Resource, Stored
from platform_core.fhir.search import Query, refused

_ENTRIES = (RESULTS, LIFESTYLE)
_FURTHEST = 2_000


def create(call: DataCall, resource: Resource, criteria: str) -> Stored:
    kept_by = entries if kind_of(resource) else observations
    return kept_by.create(call, resource, criteria)


def create_many(call: DataCall, resources: Sequence[Resource]) -> Sequence[Outcome]:
    """Measures go in together; entries, which are few, one by one."""
    places = [place for place, resource in enumerate(resources) if kind_of(resource) is None]
    measured = observations.create_many(call, [resources[place] for place in places]) if places else ()
    outcomes = dict(zip(places, measured, strict=True))
    return [outcomes.get(place) or _tried(call, resource) for place, resource in enumerate(resources)]


def read(call: DataCall, identifier: str) -> Stored:
    found = queries.find_entry(patient_id=call.patient_id, entry_id=identifier, viewer=Viewer.of(call.actor))
    return entries.read_of("Observation", call, identifier) if found else observations.read(call, identifier)


def search(call: DataCall, query: Query) -> Page:
    """Measures, entries or both, by the codes and categories asked; without either, all that the consent covers."""
    entry_kinds = [kind for kind in _ENTRIES if _in_category(query, kind.observation)]
    measured = read_asked(query).kinds
    if query.tokens("code"):
        return observations.search(call, query) if measured or not entry_kinds else _entries(call, query, entry_kinds)
    if not entry_kinds or not measured:
        return _entries(call, query, entry_kinds) if entry_kinds else observations.search(call, query)
    return _both(call, query, entry_kinds)


def _entries(call: DataCall, query: Query, kinds: Sequence[EntryKind]) -> Page:
    return entries.search_kinds(call, query, kinds)


def _in_category(query: Query, code: str) -> bool:
    groups = query.tokens("category")
    return all(any(token.matches(VITAL_SIGNS[0], code) for token in group) for group in groups)


def _both(call: DataCall, query: Query, kinds: Sequence[EntryKind]) -> Page:
    """One page merged from the two tables. Raises `Malformed` beyond the first two thousand."""
    if asks_another_patient(query, call.patient_reference):
        raise Forbidden("The search names another patient than the token does.", code="patient-mismatch")
    skip = query.count * query.offset
    reach = skip + query.count + 1
    if reach > _FURTHEST:
        raise refused("_offset", "goes too far: narrow the search by code, category or date")
    measured, wanted = read_asked(query), read_wanted(query, kinds)
    asked = [*measured.categories, *wanted.categories]
    permit = call.require(asked, Access.READ, period=measured.dates.days(), narrow=True)
    spans, viewer = measured.spans(permit.categories), Viewer.reading(permit)
    rows = measures.search_measures(
        patient_id=call.patient_id,
        spans=spans,
        updated=measured.updated,
        sort=measured.sort,
        limit=reach,
        skip=0,
        excluded=permit.excluded,
    )
    others = queries.search_entries(
        patient_id=call.patient_id,
        viewer=viewer,
        wanted=wanted,
        spans=wanted.spans(permit.categories),
        limit=reach,
    )
    found: list[MeasureRow | EntryRow] = [*rows, *others]
    merged = sorted(found, key=_order(measured.sort), reverse=measured.sort.startswith("-"))
    total = None
    if query.total or not query.count:
        total = measures.count_measures(
            patient_id=call.patient_id, spans=spans, updated=measured.updated, excluded=permit.excluded
        )
        total += queries.count_entries(
            patient_id=call.patient_id, viewer=viewer, wanted=wanted, spans=wanted.spans(permit.categories)
        )
    return _page(
        query, permit, merged[skip : skip + query.count], has_more=len(merged) > skip + query.count, total=total
    )


def _order(sort: str) -> Callable[[MeasureRow | EntryRow], tuple[datetime, str]]:
    if sort.endswith("date"):
        return lambda row: (row.effective_at, str(row.id))
    return lambda row: (row.updated_at, str(row.id))


def _page(
    query: Query, permit: Permit, shown: Sequence[MeasureRow | EntryRow], *, has_more: bool, total: int | None
) -> Page:
    renderer, others = Renderer(permit), EntryRenderer(permit)
    measured = [row for row in shown if isinstance(row, MeasureRow)]
    texts = [renderer.observation(row) if isinstance(row, MeasureRow) else others.entry(row) for row in shown]
    matches = [("Observation", str(row.id), text) for row, text in zip(shown, texts, strict=True)]
    counts = Counter(KINDS[row.kind].category if isinstance(row, MeasureRow) else row.category for row in shown)
    included = observations.list_included(permit, renderer, measured) if observations.DEVICES in query.includes else ()
    return Page(matches, counts, has_more=has_more and query.count > 0, total=total, included=included)


def _tried(call: DataCall, resource: Resource) -> Outcome:
    try:
        return entries.create(call, resource, "")
    except DomainError as error:
        return error


OBSERVATION = replace(MEASURES, read=read, search=search, create=create, create_many=create_many)
