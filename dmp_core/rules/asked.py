"""What a search of Observations asks for: kinds of measure, dates, order; and whose record it means."""

from collections.abc import Mapping
from dataclasses import dataclass

from dmp_core.categories import KINDS, Kind
from dmp_core.rules.observations import VITAL_SIGNS
from dmp_core.rules.subjects import value_names_another
from platform_core.access import DatePeriod
from platform_core.fhir.search import Query, Span, span_of

PATIENT_PARAMETERS = ("patient", "subject", "subject.identifier", "subject:identifier", "patient.identifier")


@dataclass(frozen=True, slots=True)
class Asked:
    """The kinds asked for. `named` tells that each was asked by its code: then all or nothing is granted."""

    kinds: tuple[Kind, ...]
    named: bool
    dates: Span
    updated: Span
    sort: str

    @property
    def categories(self) -> list[str]:
        return [kind.category for kind in self.kinds]

    def spans(self, allowed: Mapping[str, DatePeriod]) -> dict[str, Span]:
        """For each kind that may be shown, the instants that are both asked for and allowed."""
        return {
            kind.name: self.dates.overlap(span_of(allowed[kind.category]))
            for kind in self.kinds
            if kind.category in allowed
        }


def read_asked(query: Query) -> Asked:
    """Read a search. A delta (`_lastUpdated` alone) comes oldest change first. Raises `Malformed`."""
    codes, categories = query.tokens("code"), query.tokens("category")
    kinds = tuple(
        kind
        for kind in KINDS.values()
        if all(any(t.matches(*c) for t in tokens for c in (kind.coding, *kind.also)) for tokens in codes)
        and all(any(token.matches(*VITAL_SIGNS) for token in tokens) for tokens in categories)
    )
    updated = query.span("_lastUpdated")
    order = "_lastUpdated" if "_lastUpdated" in query.values else "-date"
    return Asked(kinds, bool(codes), query.span("date"), updated, query.sort or order)


def asks_another_patient(query: Query, patient_reference: str) -> bool:
    """Whether a parameter names another patient than the one of the call."""
    named = [value for name in PATIENT_PARAMETERS for value in query.values.get(name, ())]
    return any(value_names_another(value, patient_reference) for value in named)
