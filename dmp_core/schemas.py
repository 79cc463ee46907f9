"""The forms of the record, read: text to values, faults in words that the page shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from flask_babel import gettext

from dmp_core.categories import BLOOD_PRESSURE, DOCUMENT_KINDS, Coding, Kind
from dmp_core.rules.documents.asked import Condition
from dmp_core.rules.search.asking import LONGEST
from dmp_core.rules.search.facets import Facet
from platform_core.access import DatePeriod
from platform_core.clock import PARIS
from platform_core.fhir.search import ANY_TIME, Span, span_of
from platform_core.pagination import page_number

_LARGEST = Decimal(10) ** 6
_PARTS = {True: ("systolic", "diastolic"), False: ("value",)}


@dataclass(slots=True)
class TypedMeasure:
    """What was typed: `texts` to show again, and either `errors` by field or the values read."""

    texts: Mapping[str, str]
    values: list[Decimal] = field(default_factory=list)
    at: datetime | None = None
    circumstance: Coding | None = None
    errors: dict[str, str] = field(default_factory=dict)


def value_fields(kind: Kind) -> tuple[str, ...]:
    """The names of the fields that hold the numbers of a kind."""
    return _PARTS[kind.name == BLOOD_PRESSURE]


def read_typed(form: Mapping[str, str], kind: Kind, choices: Mapping[Coding, str]) -> TypedMeasure:
    """Read the form of a kind; `choices` are the circumstances, of which one must be chosen when there are any."""
    read = TypedMeasure(form)
    for name in value_fields(kind):
        number = read_number(form.get(name, ""))
        if number is None:
            read.errors[name] = gettext("Écrivez un nombre, par exemple 72,5.")
        else:
            read.values.append(number)
    try:
        local = datetime.fromisoformat(f"{form.get('date', '')}T{form.get('time', '')}")
        read.at = local.replace(tzinfo=PARIS)
    except ValueError:
        read.errors["date"] = gettext("Indiquez le jour et l’heure de la mesure.")
    if choices:
        read.circumstance = next((coding for coding in choices if coding[1] == form.get("circumstance")), None)
        if read.circumstance is None:
            read.errors["circumstance"] = gettext("Choisissez une réponse.")
    return read


def read_number(text: str) -> Decimal | None:
    """A number as people type it, of nine digits at most and below a million; None for anything else."""
    try:
        value = Decimal("".join(text.split()).replace(",", "."))
    except InvalidOperation:
        return None
    is_short = value.is_finite() and len(value.as_tuple().digits) < 10 and value.adjusted() > -10
    return value if is_short and 0 <= value < _LARGEST else None


DOCUMENT_PERIODS = {"mois": 31, "annee": 366, "deux-ans": 731, "cinq-ans": 1827}


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """What a person chose to see of their documents; each part is empty when they did not."""

    kind: str = ""
    period: str = ""
    author: str = ""
    archived: bool = False
    page: int = 1

    @property
    def is_empty(self) -> bool:
        return not (self.kind or self.period or self.author or self.archived)

    @property
    def spans(self) -> dict[str, Span]:
        """The kinds chosen; all of them when none is."""
        return dict.fromkeys([self.kind] if self.kind else DOCUMENT_KINDS, ANY_TIME)

    def conditions(self, today: date) -> tuple[Condition, ...]:
        """The conditions of the statement: present documents only, put away or not."""
        found = [Condition("states", {"codes": ["current"]}), Condition("archived", {"value": self.archived})]
        if self.period:
            since = DatePeriod(today - timedelta(days=DOCUMENT_PERIODS[self.period]), None)
            found.append(Condition("care", {"span": span_of(since)}))
        if self.author:
            found.append(Condition("written_by", {"author": self.author}))
        return tuple(found)


def read_filter(form: Mapping[str, str]) -> DocumentFilter:
    """Read the choice; what is no choice counts as none."""
    kind, period = form.get("kind", ""), form.get("period", "")
    return DocumentFilter(
        kind if kind in DOCUMENT_KINDS else "",
        period if period in DOCUMENT_PERIODS else "",
        form.get("author", ""),
        form.get("archived") == "oui",
        page_number(form.get("page")),
    )


@dataclass(frozen=True, slots=True)
class AskedSearch:
    """What a person looks for, by what they narrowed it, and the page that they are at."""

    text: str = ""
    chosen: Mapping[Facet, str] = field(default_factory=dict)
    page: int = 1


def read_search(form: Mapping[str, str]) -> AskedSearch:
    """Read the form of the search. Any text will do; nothing that was typed is refused."""
    chosen = {facet: form[facet] for facet in Facet if form.get(facet)}
    return AskedSearch(form.get("text", "").strip()[:LONGEST], chosen, page_number(form.get("page")))
