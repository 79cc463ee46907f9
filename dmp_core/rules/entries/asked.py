"""What a search of entries asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dmp_core.rules.entries.kinds import EntryKind
from platform_core.access import DatePeriod
from platform_core.fhir.search import Query, Span, Token, span_of

COMMON = ("identifier", "_lastUpdated")


@dataclass(frozen=True, slots=True)
class Asked:
    """The kinds asked for, and within them the codes, identifiers, states and instants. Groups of tokens are ANDed."""

    kinds: tuple[EntryKind, ...]
    codes: Sequence[Sequence[Token]]
    identifiers: Sequence[Sequence[Token]]
    statuses: Sequence[Sequence[Token]]
    dates: Span
    updated: Span
    sort: str

    @property
    def categories(self) -> list[str]:
        return [kind.category for kind in self.kinds]

    def spans(self, allowed: Mapping[str, DatePeriod]) -> dict[str, Span]:
        """For each category that may be shown, the instants that are both asked for and allowed."""
        return {
            category: self.dates.overlap(span_of(allowed[category]))
            for category in self.categories
            if category in allowed
        }


def read_asked(query: Query, kinds: Sequence[EntryKind]) -> Asked:
    """Read a search among these kinds. A delta (`_lastUpdated` alone) comes oldest change first. Raises `Malformed`."""
    names = dict(pair for kind in kinds for pair in kind.parameters) or {"code": "code", "date": "date"}
    of_codes = [group for name, what in names.items() if what == "code" for group in query.tokens(name)]
    of_states = [group for name, what in names.items() if what == "status" for group in query.tokens(name)]
    dates = Span()
    for name in (name for name, what in names.items() if what == "date"):
        dates = dates.overlap(query.span(name))
    order = "_lastUpdated" if "_lastUpdated" in query.values else "-date"
    return Asked(
        tuple(kind for kind in kinds if _is_asked(kind, query)),
        of_codes,
        query.tokens("identifier"),
        of_states,
        dates,
        query.span("_lastUpdated"),
        query.sort or order,
    )


def _is_asked(kind: EntryKind, query: Query) -> bool:
    """Observations are of one kind or the other by their category."""
    groups = query.tokens("category") if kind.observation else []
    system = "http://terminology.hl7.org/CodeSystem/observation-category"
    return all(any(token.matches(system, kind.observation) for token in group) for group in groups)
