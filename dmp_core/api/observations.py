"""Observation: create, batch, transaction with a Device, read, search (API Mesures v1.5.2 and FHIR R4)."""

from collections import Counter
from collections.abc import Sequence

from dmp_core.categories import KINDS
from dmp_core.fhir.measures import Renderer
from dmp_core.models.measures import MeasureRow
from dmp_core.queries import devices as device_queries
from dmp_core.queries import measures as queries
from dmp_core.rules.asked import PATIENT_PARAMETERS, asks_another_patient, read_asked
from dmp_core.service import measures as service
from platform_core.access import Access, DataCall, Permit
from platform_core.clock import PARIS
from platform_core.errors import Forbidden, NotFound
from platform_core.fhir.registry import Entry, Outcome, Page, Resource, ResourceType, SearchParameter, Stored
from platform_core.fhir.search import Query, Span

DEVICES = "Observation:device"


def create(call: DataCall, resource: Resource, criteria: str) -> Stored:
    return service.add_measure(call=call, resource=resource, criteria=criteria)


def create_many(call: DataCall, resources: Sequence[Resource]) -> Sequence[Outcome]:
    return service.add_measures(call=call, resources=resources)


def perform_transaction(call: DataCall, entries: Sequence[Entry]) -> Sequence[Stored]:
    return service.perform_transaction(call=call, entries=entries)


def read(call: DataCall, identifier: str) -> Stored:
    """One measure; what the consent does not cover is not found, like what does not exist."""
    row = queries.find_measure(patient_id=call.patient_id, identifier=identifier)
    if row is None:
        raise _absent(identifier)
    category = KINDS[row.kind].category
    permit = _permit_to_read(call, category, identifier)
    shown = _as_shown(row, permit)
    if shown is None or shown.effective_at.astimezone(PARIS).date() not in permit.categories[category]:
        raise _absent(identifier)
    return Renderer(permit).stored_measure(shown, category, created=False, warnings=())


def search(call: DataCall, query: Query) -> Page:
    """One page. Named codes are granted all or none; a whole class is narrowed to what the consent covers."""
    if asks_another_patient(query, call.patient_reference):
        raise Forbidden("The search names another patient than the token does.", code="patient-mismatch")
    asked = read_asked(query)
    if not asked.kinds:
        return Page((), {}, total=0 if query.total else None)
    permit = call.require(asked.categories, Access.READ, period=asked.dates.days(), narrow=not asked.named)
    spans = asked.spans(permit.categories)
    rows = queries.search_measures(
        patient_id=call.patient_id,
        spans=spans,
        updated=asked.updated,
        sort=asked.sort,
        limit=query.count + 1,
        skip=query.count * query.offset,
        excluded=permit.excluded,
    )
    return _page(query, permit, rows, total=_total(query, permit, spans, asked.updated))


def _page(query: Query, permit: Permit, rows: Sequence[MeasureRow], total: int | None) -> Page:
    renderer = Renderer(permit)
    shown = rows[: query.count]
    counts = {KINDS[kind].category: count for kind, count in Counter([row.kind for row in shown]).items()}
    included = list_included(permit, renderer, shown) if DEVICES in query.includes else ()
    matches = [("Observation", row.id, renderer.observation(row)) for row in shown]
    return Page(matches, counts, has_more=len(rows) > query.count > 0, total=total, included=included)


def list_included(permit: Permit, renderer: Renderer, rows: Sequence[MeasureRow]) -> Sequence[tuple[str, str, str]]:
    """The devices that took some measures, as entries of a page."""
    ids = {row.device_id for row in rows if row.device_id}
    found = device_queries.list_devices(patient_id=permit.patient_id, ids=ids) if ids else ()
    return [("Device", renderer.device_reference(row.id), renderer.device(row)) for row in found]


def _total(query: Query, permit: Permit, spans: dict[str, Span], updated: Span) -> int | None:
    if not query.total and query.count:
        return None
    return queries.count_measures(patient_id=permit.patient_id, spans=spans, updated=updated, excluded=permit.excluded)


def _permit_to_read(call: DataCall, category: str, identifier: str) -> Permit:
    try:
        return call.require([category], Access.READ)
    except Forbidden as error:
        if error.code == "consent-not-given":
            raise _absent(identifier) from None
        raise


def _as_shown(row: MeasureRow, permit: Permit) -> MeasureRow | None:
    """The measure without what the patient keeps from the caller, which one that is computed may be made of."""
    if not permit.excluded:
        return row
    return queries.find_measure(patient_id=permit.patient_id, identifier=row.id, excluded=permit.excluded)


def _absent(identifier: str) -> NotFound:
    return NotFound(f"There is no Observation {identifier}.")


OBSERVATION = ResourceType(
    name="Observation",
    profiles=tuple(dict.fromkeys(kind.profile for kind in KINDS.values())),
    parameters=(
        SearchParameter("code", "token"),
        SearchParameter("category", "token"),
        SearchParameter("date", "date"),
        SearchParameter("_lastUpdated", "date"),
        *(SearchParameter(name, "reference") for name in ("patient", "subject")),
        *(SearchParameter(name, "token") for name in PATIENT_PARAMETERS[2:]),
    ),
    includes=(DEVICES,),
    read=read,
    search=search,
    create=create,
    create_many=create_many,
    transactional=True,
    user="crs",
    label_fr="Mesures et résultats",
)
