"""What an entry says, in typed values: what it is about, when, its state, its number."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from dmp_core.rules.entries.kinds import RESULTS, EntryKind, at
from platform_core.errors import Fault, Malformed
from platform_core.fhir import wire
from platform_core.fhir.search import instant_of

_WRONG = "entered-in-error"
_LARGEST = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class Said:
    """What queries need of an entry. `codes` and `identifiers` are `system|value`; `value` is that of a Quantity."""

    kind: EntryKind
    label: str
    codes: tuple[str, ...]
    identifiers: tuple[str, ...]
    status: str
    wrong: bool
    starts_at: datetime | None
    ends_at: datetime | None
    value: Decimal | None
    unit: str
    low: Decimal | None
    high: Decimal | None
    interpretation: str


def read_entry(kind: EntryKind, resource: Mapping[str, Any]) -> Said | list[Fault]:
    """What a valid resource of that kind says, or the faults that refuse it."""
    faults: list[Fault] = []
    concepts = [value for path in kind.about for value in at(resource, path) if isinstance(value, Mapping)]
    label = next((words for concept in concepts if (words := _words(concept))), "")
    if not label:
        path = f"{kind.resource}.{kind.about[0]}"
        faults.append(Fault(path, "must say what it is about, by a code or a text.", "required"))
    starts_at = _instant(kind, resource, kind.starts, faults)
    ends_at = _instant(kind, resource, kind.ends, faults)
    if starts_at and ends_at and ends_at < starts_at:
        faults.append(Fault(f"{kind.resource}.{kind.ends[0]}", "is before the start.", "value"))
    if faults:
        return faults
    low, high = _range(resource)
    quantity = resource.get("valueQuantity", {})
    return Said(
        kind=kind,
        label=label,
        codes=tuple(dict.fromkeys(code for concept in concepts for code in _codes(concept))),
        identifiers=tuple(_identifiers(resource)),
        status=_status(resource),
        wrong=_is_wrong(resource),
        starts_at=starts_at,
        ends_at=ends_at,
        value=_number(quantity.get("value")),
        unit=str(quantity.get("unit") or quantity.get("code") or ""),
        low=low,
        high=high,
        interpretation=next(iter(at(resource, "interpretation.coding.code")), ""),
    )


def is_written(kind: EntryKind) -> bool:
    """Whether apps may write this kind: results come out of documents only, reimbursements from the insurer."""
    return kind is not RESULTS and kind.category != "reimbursements"


def _words(concept: Mapping[str, Any]) -> str:
    codings = concept.get("coding", ())
    words = (concept.get("text"), *(one.get("display") for one in codings), *(one.get("code") for one in codings))
    return str(next(filter(None, words), ""))


def _codes(concept: Mapping[str, Any]) -> Iterator[str]:
    return (f"{one.get('system', '')}|{one['code']}" for one in concept.get("coding", ()) if one.get("code"))


def _identifiers(resource: Mapping[str, Any]) -> Iterator[str]:
    found = resource.get("identifier", ())
    return (f"{one.get('system', '')}|{one['value']}" for one in found if one.get("value"))


def _status(resource: Mapping[str, Any]) -> str:
    clinical = next(iter(at(resource, "clinicalStatus.coding.code")), "")
    return str(clinical or resource.get("status") or "")


def _is_wrong(resource: Mapping[str, Any]) -> bool:
    return resource.get("status") == _WRONG or _WRONG in at(resource, "verificationStatus.coding.code")


def _instant(
    kind: EntryKind, resource: Mapping[str, Any], paths: tuple[str, ...], faults: list[Fault]
) -> datetime | None:
    """The first instant that the paths give; a partial date stands for its beginning."""
    for path in paths:
        for value in at(resource, path):
            try:
                return instant_of(str(value)).start
            except Malformed:
                faults.append(Fault(f"{kind.resource}.{path}", "is no date that can be read.", "value"))
                return None
    return None


def _range(resource: Mapping[str, Any]) -> tuple[Decimal | None, Decimal | None]:
    first: Mapping[str, Any] = next(iter(resource.get("referenceRange", ())), {})
    return _number(first.get("low", {}).get("value")), _number(first.get("high", {}).get("value"))


def _number(value: Any) -> Decimal | None:
    if value is None:
        return None
    number = wire.exact(value)
    return number if number.is_finite() and abs(number) < _LARGEST else None
