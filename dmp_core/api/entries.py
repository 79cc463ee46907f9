"""Immunization, AllergyIntolerance, Condition, MedicationStatement, FamilyMemberHistory, ExplanationOfBenefit."""

from collections import Counter
from collections.abc import Sequence

from dmp_core.fhir.entries import EntryRenderer
from dmp_core.queries import entries as queries
from dmp_core.rules.asked import PATIENT_PARAMETERS, asks_another_patient
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.rules.entries.asked import COMMON, read_asked
from dmp_core.rules.entries.kinds import KINDS, EntryKind, kinds_of_type
from dmp_core.rules.entries.reading import is_written
from dmp_core.service.entries import writing as service
from platform_core.access import Access, DataCall, Permit
from platform_core.clock import PARIS
from platform_core.errors import Forbidden, NotFound
from platform_core.fhir.registry import Page, Resource, ResourceType, SearchParameter, Stored
from platform_core.fhir.search import Query

_FOR_SOFTWARE = {"Immunization": ("crs", "Vaccinations")}
_TYPES = {"code": "token", "date": "date", "status": "token"}


def create(call: DataCall, resource: Resource, criteria: str) -> Stored:
    return service.add_entry(call=call, resource=resource, criteria=criteria)


def update(call: DataCall, identifier: str, resource: Resource, version: int | None) -> Stored:
    return service.change_entry(call=call, entry_id=identifier, resource=resource, version=version)


def read_of(type_: str, call: DataCall, identifier: str) -> Stored:
    """One entry; what the consent does not cover is not found, like what does not exist."""
    absent = NotFound(f"There is no {type_} {identifier}.")
    row = queries.find_entry(patient_id=call.patient_id, entry_id=identifier, viewer=Viewer.of(call.actor))
    if row is None or KINDS[row.category].resource != type_:
        raise absent
    permit = _permit(call, row.category, absent)
    shown = queries.find_entry(patient_id=call.patient_id, entry_id=identifier, viewer=Viewer.reading(permit))
    if shown is None or shown.effective_at.astimezone(PARIS).date() not in permit.categories[row.category]:
        raise absent
    return EntryRenderer(permit).stored(shown, created=False)


def search(call: DataCall, query: Query) -> Page:
    """One page of the entries of a type."""
    return search_kinds(call, query, kinds_of_type(query.type))


def search_kinds(call: DataCall, query: Query, kinds: Sequence[EntryKind]) -> Page:
    """One page of the entries of some kinds; several are narrowed to those that the consent covers."""
    if asks_another_patient(query, call.patient_reference):
        raise Forbidden("The search names another patient than the token does.", code="patient-mismatch")
    wanted = read_asked(query, kinds)
    if not wanted.kinds:
        return Page((), {}, total=0 if query.total else None)
    narrow = len(wanted.kinds) > 1
    permit = call.require(wanted.categories, Access.READ, period=wanted.dates.days(), narrow=narrow)
    viewer, spans = Viewer.reading(permit), wanted.spans(permit.categories)
    found = queries.search_entries(
        patient_id=call.patient_id,
        viewer=viewer,
        wanted=wanted,
        spans=spans,
        limit=query.count + 1,
        skip=query.count * query.offset,
    )
    total = None
    if query.total or not query.count:
        total = queries.count_entries(patient_id=call.patient_id, viewer=viewer, wanted=wanted, spans=spans)
    shown = found[: query.count]
    renderer = EntryRenderer(permit)
    matches = [(query.type, str(row.id), renderer.entry(row)) for row in shown]
    counts = dict(Counter(row.category for row in shown))
    return Page(matches, counts, has_more=len(found) > query.count > 0, total=total)


def _permit(call: DataCall, category: str, absent: NotFound) -> Permit:
    try:
        return call.require([category], Access.READ)
    except Forbidden as error:
        if error.code == "consent-not-given":
            raise absent from None
        raise


def _resource_type(kind: EntryKind) -> ResourceType:
    written = is_written(kind)
    user, label = _FOR_SOFTWARE.get(kind.resource, ("", ""))
    return ResourceType(
        name=kind.resource,
        parameters=(
            *(SearchParameter(name, _TYPES[what]) for name, what in kind.parameters),
            *(SearchParameter(name, "date" if name == "_lastUpdated" else "token") for name in COMMON),
            SearchParameter("patient", "reference"),
            *(SearchParameter(name, "token") for name in PATIENT_PARAMETERS[2:]),
        ),
        read=lambda call, identifier: read_of(kind.resource, call, identifier),
        search=search,
        create=create if written else None,
        update=update if written else None,
        user=user,
        label_fr=label,
    )


RESOURCE_TYPES = tuple(_resource_type(kind) for kind in KINDS.values() if not kind.observation)
