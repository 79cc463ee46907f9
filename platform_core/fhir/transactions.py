"""Transaction and batch Bundles (FHIR R4 §3.1.0.11): reading their entries, handing them to the core concerned."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from platform_core.access import DataCall
from platform_core.errors import DomainError, Fault, Malformed, TooLarge
from platform_core.fhir.registry import Entry, Outcome, Resource, Stored, registry
from platform_core.fhir.validation import invalid

MOST_ENTRIES = 1000
MOST_ELEMENTS = 200 * MOST_ENTRIES
KINDS = ("transaction", "batch")
_METHODS = ("POST", "PATCH")
_INSTANCE = re.compile(r"[A-Za-z]+/[A-Za-z0-9.-]{1,64}")


def read_bundle(document: Any) -> tuple[str, Sequence[Any]]:
    """The kind and the entries of a Bundle. Raises `Malformed` (`invalid-request`) or `TooLarge`."""
    if not isinstance(document, dict) or document.get("resourceType") != "Bundle":
        raise Malformed("The body must be a Bundle.")
    kind, entries = document.get("type"), document.get("entry")
    if kind not in KINDS:
        raise Malformed(f"Bundle.type must be {' or '.join(KINDS)}.", faults=[Fault("Bundle.type", "", "value")])
    if not isinstance(entries, list) or not entries:
        raise Malformed("The Bundle has no entry.", faults=[Fault("Bundle.entry", "is missing.", "required")])
    if len(entries) > MOST_ENTRIES:
        raise TooLarge(f"A Bundle holds at most {MOST_ENTRIES} entries.")
    return kind, entries


def perform(call: DataCall, entries: Sequence[Any]) -> Sequence[Stored]:
    """Perform a transaction: all or nothing. Raises `Invalid` with the FHIRPath of each fault."""
    read = [_entry(position, entry) for position, entry in enumerate(entries)]
    faults = [fault for item in read if not isinstance(item, Entry) for fault in item.faults]
    if faults:
        raise invalid(faults)
    accepted = [item for item in read if isinstance(item, Entry)]
    handler = registry.find_transaction(frozenset(entry.type for entry in accepted))
    if handler is None:
        unknown = [entry for entry in accepted if not _known(entry.type)] or accepted
        raise invalid([_unsupported(entry.position, entry.type) for entry in unknown])
    return handler(call, accepted)


def perform_batch(call: DataCall, entries: Sequence[Any]) -> Sequence[Outcome]:
    """Perform a batch: each entry is accepted or refused alone; consent is decided on all that are valid."""
    outcomes: list[Outcome | None] = [None] * len(entries)
    groups: dict[str, list[tuple[int, Resource]]] = defaultdict(list)
    for position, entry in enumerate(entries):
        type_ = _created_type(entry)
        handled = registry.types.get(type_) if type_ else None
        if handled and handled.create_many:
            groups[handled.name].append((position, entry["resource"]))
        else:
            read = _entry(position, entry)
            outcomes[position] = read if isinstance(read, DomainError) else _refusal(position, read.type)
    for type_, members in groups.items():
        create_many = registry.types[type_].create_many
        assert create_many is not None
        for (position, _), outcome in zip(members, create_many(call, [r for _, r in members]), strict=True):
            outcomes[position] = outcome
    return [outcome for outcome in outcomes if outcome is not None]


def resolve(reference: str, entries: Sequence[Entry]) -> Entry | None:
    """The entry that a reference of the same Bundle points to: by fullUrl, by `urn:uuid:` or by `Type/id`."""
    for entry in entries:
        identifier = entry.resource.get("id")
        own = {f"{entry.type}/{identifier}", f"urn:uuid:{identifier}"} if identifier else set()
        if reference and (reference == entry.full_url or reference in own):
            return entry
    return None


def _created_type(entry: Any) -> str | None:
    """The resource type that a well-formed entry creates without conditions."""
    if not isinstance(entry, dict):
        return None
    request, resource = entry.get("request"), entry.get("resource")
    if not isinstance(request, dict) or not isinstance(resource, dict):
        return None
    type_ = request.get("url")
    plain = request.get("method") == "POST" and "ifNoneExist" not in request
    return type_ if plain and isinstance(type_, str) and resource.get("resourceType") == type_ else None


def _entry(position: int, entry: Any) -> Entry | DomainError:
    path = f"Bundle.entry[{position}]"
    if not isinstance(entry, dict) or not isinstance(entry.get("resource"), dict):
        return invalid([Fault(f"{path}.resource", "is missing.", "required")])
    request, resource = entry.get("request"), entry["resource"]
    if not isinstance(request, dict) or request.get("method") not in _METHODS:
        return invalid([Fault(f"{path}.request.method", "must be POST, or PATCH.", "not-supported")])
    if request["method"] == "PATCH":
        return _patch(position, request.get("url"), resource)
    if request.get("url") != resource.get("resourceType"):
        return invalid([Fault(f"{path}.request.url", "must be the type of the resource.", "invalid")])
    criteria, full_url = request.get("ifNoneExist", ""), entry.get("fullUrl", "")
    if not isinstance(criteria, str) or not isinstance(full_url, str):
        return invalid([Fault(path, "fullUrl and ifNoneExist must be strings.", "value")])
    if "ifNoneExist" in request and not criteria:
        return invalid([Fault(f"{path}.request.ifNoneExist", "is empty.", "invalid")])
    return Entry(position, full_url, resource, criteria)


def _patch(position: int, url: Any, resource: Resource) -> Entry | DomainError:
    """A FHIRPath Patch of one resource (FHIR R4 §3.1.0.6)."""
    path = f"Bundle.entry[{position}]"
    if resource.get("resourceType") != "Parameters":
        return invalid([Fault(f"{path}.resource", "must be Parameters, for a PATCH.", "not-supported")])
    if not (isinstance(url, str) and _INSTANCE.fullmatch(url)):
        return invalid([Fault(f"{path}.request.url", "must be that of a resource.", "invalid")])
    return Entry(position, "", resource, target=url)


def _known(type_: str) -> bool:
    found = registry.types.get(type_)
    return found is not None and found.transactional


def _unsupported(position: int, type_: str) -> Fault:
    return Fault(f"Bundle.entry[{position}].resource", f"{type_} is not supported in this Bundle.", "not-supported")


def _refusal(position: int, type_: str) -> DomainError:
    return invalid([_unsupported(position, type_)])


def counts_of(outcomes: Sequence[Outcome]) -> Mapping[str, int]:
    """How many resources of each category were stored."""
    counts: dict[str, int] = defaultdict(int)
    for outcome in outcomes:
        if isinstance(outcome, Stored) and outcome.category:
            counts[outcome.category] += 1
    return counts
