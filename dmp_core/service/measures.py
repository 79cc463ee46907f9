"""Measures that an app writes: one, many at once, or one with its device in a transaction of the API Mesures."""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import parse_qsl
from uuid import UUID

import sqlalchemy as sa

from dmp_core.fhir.measures import Renderer
from dmp_core.queries import measures as queries
from dmp_core.service import devices
from dmp_core.service.drafts import Author, Draft, check_written, draft, store
from platform_core.access import Access, DataCall, Permit
from platform_core.database import db
from platform_core.errors import Conflict, DomainError, Fault, Forbidden, Invalid
from platform_core.fhir.registry import Entry, Outcome, Resource, Stored
from platform_core.fhir.search import Query, read_query, refused
from platform_core.fhir.transactions import resolve
from platform_core.fhir.validation import invalid

_CRITERIA = ("identifier", "code", "date")


def add_measure(*, call: DataCall, resource: Resource, criteria: str = "") -> Stored:
    """Store one Observation, unless `criteria` (`If-None-Exist`) find one that this app wrote.

    Raises `Invalid`, `Forbidden` (`patient-mismatch`, `consent-…`), `TooManyRequests`, or `Conflict` (`duplicate`)
    when the criteria find several.
    """
    judged = draft(resource, call.patient_reference)
    permit = call.require([judged.category], Access.WRITE)
    return _add(judged, permit, criteria)


def add_measures(*, call: DataCall, resources: Sequence[Resource]) -> Sequence[Outcome]:
    """Store those that are valid, in one statement; the others are refused alone.

    Consent is decided on all the valid ones together: all or nothing.
    """
    outcomes: list[Outcome | Draft] = [_judged(resource, call.patient_reference) for resource in resources]
    categories = {item.category for item in outcomes if isinstance(item, Draft)}
    if not categories:
        return [outcome for outcome in outcomes if not isinstance(outcome, Draft)]
    permit = call.require(sorted(categories), Access.WRITE)
    renderer = Renderer(permit)
    links = devices.Links(permit.patient_id, renderer)
    for position, item in enumerate(outcomes):
        if isinstance(item, Draft):
            outcomes[position] = _completed(item, permit, links)
    accepted = [(position, item) for position, item in enumerate(outcomes) if isinstance(item, Draft)]
    rows = store([item for _, item in accepted], Author.of(permit)) if accepted else []
    for (position, item), row in zip(accepted, rows, strict=True):
        outcomes[position] = renderer.stored_measure(row, item.category, created=True, warnings=item.warnings)
    return [outcome for outcome in outcomes if not isinstance(outcome, Draft)]


def perform_transaction(*, call: DataCall, entries: Sequence[Entry]) -> Sequence[Stored]:
    """Store one Observation and at most one Device, linked (API Mesures v1.5.2 §2.1). All or nothing."""
    observation, device = _pair(entries)
    try:
        judged = draft(observation.resource, call.patient_reference)
    except Invalid as error:
        raise _within(error, observation) from None
    if device:
        _check_link(observation, device)
        identifier = devices.judge(device, call.patient_reference)
    permit = call.require([judged.category], Access.WRITE)
    stored: dict[int, Stored] = {}
    if device:
        row, created = devices.keep(device.resource, identifier, permit)
        stored[device.position] = Renderer(permit).stored_device(row, created=created)
        judged = replace(judged, device_id=row.id)
    stored[observation.position] = _add(judged, permit, observation.if_none_exist)
    return [stored[entry.position] for entry in entries]


def _add(judged: Draft, permit: Permit, criteria: str) -> Stored:
    renderer = Renderer(permit)
    check_written(judged.resource, permit)
    if criteria and (found := _find_same(judged, permit, criteria, renderer)):
        return found
    linked = judged if judged.device_id else _linked(judged, devices.Links(permit.patient_id, renderer))
    row = store([linked], Author.of(permit))[0]
    return renderer.stored_measure(row, judged.category, created=True, warnings=judged.warnings)


def _judged(resource: Resource, patient_reference: str) -> Draft | DomainError:
    try:
        return draft(resource, patient_reference)
    except DomainError as error:
        return error


def _completed(item: Draft, permit: Permit, links: devices.Links) -> Draft | DomainError:
    try:
        check_written(item.resource, permit)
        return _linked(item, links)
    except (Forbidden, Invalid) as error:
        return error


def _linked(item: Draft, links: devices.Links) -> Draft:
    reference = item.resource.get("device", {}).get("reference")
    return replace(item, device_id=links.find(reference)) if reference else item


def _pair(entries: Sequence[Entry]) -> tuple[Entry, Entry | None]:
    observations = [entry for entry in entries if entry.type == "Observation"]
    found = [entry for entry in entries if entry.type == "Device"]
    if len(observations) != 1:
        raise invalid([Fault("Bundle.entry", "must hold exactly one Observation.", "invalid")])
    if len(found) > 1:
        raise invalid([Fault("Bundle.entry", "must hold at most one Device.", "invalid")])
    return observations[0], found[0] if found else None


def _check_link(observation: Entry, device: Entry) -> None:
    reference = observation.resource.get("device", {}).get("reference", "")
    if resolve(reference, [device]) is None:
        where = f"Bundle.entry[{observation.position}].resource.device.reference"
        raise invalid([Fault(where, "must point to the Device of the Bundle.", "invalid")])


def _within(error: Invalid, entry: Entry) -> Invalid:
    """The same refusal, its paths starting from the Bundle."""
    head = f"Bundle.entry[{entry.position}].resource"
    return invalid([replace(fault, where=fault.where.replace(entry.type, head, 1)) for fault in error.faults])


def _find_same(judged: Draft, permit: Permit, criteria: str, renderer: Renderer) -> Stored | None:
    """What a conditional create finds (FHIR R4 §3.1.0.8.1) among the measures that this app wrote."""
    query = read_query("Observation", parse_qsl(criteria), known=_CRITERIA, includes=(), strict=True)
    kind = judged.measure.kind
    if any(not any(token.matches(*kind.coding) for token in tokens) for tokens in query.tokens("code")):
        return None
    _one_at_a_time(permit.patient_id, permit.author_id, criteria)
    found = queries.list_own_measures(
        patient_id=permit.patient_id,
        author_id=permit.author_id,
        kind=kind.name,
        identifier=_identifier(query),
        span=query.span("date"),
        excluded=permit.excluded,
    )
    if len(found) > 1:
        raise Conflict("Several measures match the criteria of the conditional create.", code="duplicate")
    return renderer.stored_measure(found[0], judged.category, created=False, warnings=()) if found else None


def _identifier(query: Query) -> tuple[str, str] | None:
    value = query.first("identifier")
    if value is None:
        if not query.values.get("date"):
            raise refused("If-None-Exist", "must hold identifier=<system>|<value>, or a date")
        return None
    system, bar, code = value.partition("|")
    if not (bar and system and code):
        raise refused("If-None-Exist", "must hold identifier=<system>|<value>")
    return system, code


def _one_at_a_time(patient_id: UUID, author_id: UUID | None, criteria: str) -> None:
    """Make twins of a conditional create wait for each other until the transaction ends."""
    key = sa.func.hashtextextended(f"{patient_id}:{author_id}:{criteria}", 0)
    db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(key)))
