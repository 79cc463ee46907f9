"""What a call for applications says, how candidacies are weighed, and who may enter a pilot. Pure."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from identity_core.rules import REGIONS
from platform_core.categories import registry
from platform_core.errors import Fault, Invalid
from platform_core.permission import Ceiling
from store.errors import PilotClosed

BEST = 5
READERS = 2
LONGEST_PILOT = 730
MOST_PLACES = 100_000
SMALLEST_SHOWN = 10
"""A count of people below this is not published: few enough may be known by name."""

_LINK = re.compile(r"https://[^\s]{4,500}")
_NUMBER = re.compile(r"-?[0-9]{1,12}(?:[.,][0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Criterion:
    """What candidacies are compared on. `weight` counts against the other weights of the call."""

    code: str
    label: str
    weight: int


@dataclass(frozen=True, slots=True)
class Indicator:
    """A number that a pilot must measure, in a unit said in words."""

    code: str
    label: str
    unit: str


@dataclass(frozen=True, slots=True)
class Document:
    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Terms:
    """A call as it is published.

    `categories` are the data that pilots may ask at most; `regions` (INSEE codes) where they may run; `places` how
    many people all of them together may take; `pilot_days` how long one may last.
    """

    title: str
    need: str
    themes: tuple[str, ...]
    categories: tuple[str, ...]
    regions: tuple[str, ...]
    places: int
    pilot_days: int
    closes_on: date
    criteria: tuple[Criterion, ...]
    indicators: tuple[Indicator, ...]
    documents: tuple[Document, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "closes_on": self.closes_on.isoformat()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Terms":
        lists = {name: tuple(value[name]) for name in ("themes", "categories", "regions")}
        parts = {"criteria": Criterion, "indicators": Indicator, "documents": Document}
        built = {name: tuple(part(**one) for one in value[name]) for name, part in parts.items()}
        return cls(**{**value, **lists, **built, "closes_on": date.fromisoformat(value["closes_on"])})


def check_terms(terms: Terms, today: date) -> None:
    """Raises `Invalid` (`call-invalid`) naming each field that is wrong."""
    if faults := list(_faults(terms, today)):
        raise Invalid("The call is incomplete.", code="call-invalid", faults=faults)


def _faults(terms: Terms, today: date) -> Iterator[Fault]:
    wrong = {
        "title": not 5 <= len(terms.title) <= 150,
        "need": not 30 <= len(terms.need) <= 5000,
        "themes": not terms.themes or any(len(theme) > 60 for theme in terms.themes),
        "categories": not terms.categories or any(registry.find(code) is None for code in terms.categories),
        "regions": not terms.regions or not REGIONS.keys() >= set(terms.regions),
        "places": not 1 <= terms.places <= MOST_PLACES,
        "pilot_days": not 1 <= terms.pilot_days <= LONGEST_PILOT,
        "closes_on": terms.closes_on < today,
        "criteria": not terms.criteria or not all(one.label and 1 <= one.weight <= 100 for one in terms.criteria),
        "indicators": not all(one.label and one.unit for one in terms.indicators),
        "documents": not all(one.title and _LINK.fullmatch(one.url) for one in terms.documents),
    }
    yield from (Fault(where, f"{where} is missing or out of bounds.") for where, is_wrong in wrong.items() if is_wrong)


def check_candidacy(terms: Terms, answers: Mapping[str, str], team: str, links: Sequence[str]) -> None:
    """Every criterion is answered, the team presented, links are https addresses. Raises `Invalid` (`candidacy-…`)."""
    faults = [
        Fault(f"answer-{one.code}", "This criterion has no answer.", "required")
        for one in terms.criteria
        if not 1 <= len(answers.get(one.code, "").strip()) <= 5000
    ]
    if not 1 <= len(team.strip()) <= 3000:
        faults.append(Fault("team", "Say who would run the pilot.", "required"))
    if len(links) > 10 or any(not _LINK.fullmatch(link) for link in links):
        faults.append(Fault("links", "Ten addresses at most, each beginning with https://.", "format"))
    if faults:
        raise Invalid("The candidacy is incomplete.", code="candidacy-invalid", faults=faults)


def weigh(criteria: Sequence[Criterion], scores: Mapping[str, Sequence[int]]) -> float | None:
    """The mean scores by weight, out of 100; None while a criterion has none."""
    if any(not scores.get(one.code) for one in criteria):
        return None
    total = sum(one.weight * sum(scores[one.code]) / len(scores[one.code]) for one in criteria)
    return 100 * total / (BEST * sum(one.weight for one in criteria))


def count_readers(criteria: Sequence[Criterion], scored: Mapping[object, Collection[str]]) -> int:
    """How many reviewers scored every criterion; `scored` gives the criteria that each one scored."""
    asked = {one.code for one in criteria}
    return sum(asked <= set(codes) for codes in scored.values())


def pilot_ceiling(ceiling: Ceiling, terms: Terms, today: date, ends_on: date) -> Ceiling:
    """What the dossier asks, within the categories of the call and the days of the pilot."""
    items = tuple(item for item in ceiling.items if item.category in terms.categories)
    days = min(ceiling.duration_days, max((ends_on - today).days, 1))
    return Ceiling(items, ceiling.purposes, days)


def check_limits(terms: Terms, *, regions: Collection[str], places: int, left: int, today: date, ends_on: date) -> None:
    """A pilot stays within its call; `left` are the places that other pilots did not take. Raises `Invalid`."""
    wrong = {
        "regions": not regions or not set(terms.regions) >= set(regions),
        "places": not 1 <= places <= left,
        "ends_on": not today < ends_on <= today + timedelta(days=terms.pilot_days),
    }
    if faults := [Fault(name, f"{name} goes beyond the call.", "out-of-range") for name, out in wrong.items() if out]:
        raise Invalid("The pilot goes beyond its call.", code="beyond-call", faults=faults)


def check_entry(*, region: str | None, regions: Collection[str], is_full: bool) -> None:
    """Whether somebody who lives in a region may enter a pilot.

    Raises `PilotClosed` (`pilot-region-needed` until they say where they live, `pilot-elsewhere`, `pilot-full`).
    """
    if is_full:
        raise PilotClosed("Every place of this pilot is taken.", code="pilot-full")
    if region is None:
        raise PilotClosed("The person must say in which region they live.", code="pilot-region-needed")
    if region not in regions:
        raise PilotClosed("This pilot is for people of other regions.", code="pilot-elsewhere")


def check_results(indicators: Sequence[Indicator], values: Mapping[str, str], conclusion: str) -> None:
    """A number for each indicator, and what they teach. Raises `Invalid` (`results-invalid`)."""
    faults = [
        Fault(f"indicator-{one.code}", "A number is expected.", "format")
        for one in indicators
        if not _NUMBER.fullmatch(values.get(one.code, ""))
    ]
    if not 1 <= len(conclusion.strip()) <= 5000:
        faults.append(Fault("conclusion", "Say what the pilot taught.", "required"))
    if faults:
        raise Invalid("The results are incomplete.", code="results-invalid", faults=faults)
