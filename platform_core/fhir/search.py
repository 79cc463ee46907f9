"""Search parameters (FHIR R4 §3.1.1): tokens, dates with their prefixes, paging, sorting, counts."""

import re
from calendar import monthrange
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from platform_core.access import DatePeriod
from platform_core.clock import PARIS
from platform_core.errors import Fault, Malformed

DEFAULT_COUNT = 50
MAX_COUNT = 100
_MAX_OFFSET = 100_000
_CONTROLS = frozenset({"_count", "_offset", "_sort", "_total", "_include", "_format", "_pretty"})
_DATE = re.compile(r"(eq|ge|gt|le|lt|sa|eb)?(\d{4}(?:-\d\d(?:-\d\d(?:T.+)?)?)?)")
_DIGITS = re.compile(r"[0-9]{1,6}")
_BEGINNING = datetime(1, 1, 2, tzinfo=UTC)
_END = datetime(9999, 12, 30, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """Instants from `start` included to `end` excluded; None leaves that side open."""

    start: datetime | None = None
    end: datetime | None = None

    def overlap(self, other: "Span") -> "Span":
        starts = [instant for instant in (self.start, other.start) if instant]
        ends = [instant for instant in (self.end, other.end) if instant]
        return Span(max(starts, default=None), min(ends, default=None))

    def days(self) -> DatePeriod:
        """The calendar days in Europe/Paris that hold these instants."""
        last = self.end - timedelta(microseconds=1) if self.end else None
        return DatePeriod(_paris_day(self.start), _paris_day(last))


ANY_TIME = Span()


def span_of(period: DatePeriod) -> Span:
    """The instants of a period of Paris days."""
    start = _midnight(period.start) if period.start else None
    end = _midnight(period.end + timedelta(days=1)) if period.end and period.end < date.max else None
    return Span(start, end)


@dataclass(frozen=True, slots=True)
class Token:
    """A token value `system|code`: `system` is None when any system will do, `code` is empty for `system|`."""

    system: str | None
    code: str

    def matches(self, system: str, code: str) -> bool:
        return (self.system is None or self.system == system) and (not self.code or self.code == code)


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters of one search, read and checked: `values` holds those that the type is searched by."""

    type: str
    values: dict[str, list[str]]
    count: int = DEFAULT_COUNT
    offset: int = 0
    sort: str = ""
    total: bool = False
    includes: frozenset[str] = frozenset()

    def tokens(self, name: str) -> list[list[Token]]:
        """The values of a token parameter: repeated ones are ANDed, commas are OR."""
        return [[_token(part) for part in value.split(",")] for value in self.values.get(name, ())]

    def span(self, name: str) -> Span:
        """The instants that a date parameter asks for; its repetitions are ANDed. Raises `Malformed`."""
        span = ANY_TIME
        for value in self.values.get(name, ()):
            span = span.overlap(_span(name, value))
        return span

    def first(self, name: str) -> str | None:
        values = self.values.get(name)
        return values[0] if values else None

    def without(self, names: Collection[str]) -> "Query":
        """The same search, some parameters left out."""
        return replace(self, values={name: found for name, found in self.values.items() if name not in names})

    def address(self, base: str) -> str:
        """The address of this very search, with only the parameters that were applied; a page number follows."""
        pairs = [(name, value) for name, values in self.values.items() for value in values]
        pairs += [("_include", include) for include in sorted(self.includes)]
        pairs += [("_sort", self.sort)] if self.sort else []
        pairs += [("_total", "accurate")] if self.total else []
        pairs += [("_count", str(self.count))]
        return f"{base}/{self.type}?{urlencode(pairs)}&_offset="


def read_query(
    type_: str,
    pairs: Iterable[tuple[str, str]],
    *,
    known: Sequence[str],
    includes: Sequence[str],
    sorts: Sequence[str] = ("date", "-date", "_lastUpdated", "-_lastUpdated"),
    strict: bool = False,
) -> Query:
    """Read the parameters of a search. `_count` above 100 is served as 100; `_offset` is a page number from 0.

    An unknown parameter is left out, unless `strict` (`Prefer: handling=strict`). Raises `Malformed`
    (`invalid-parameter`) on a value that has no meaning.
    """
    values: dict[str, list[str]] = {}
    controls: dict[str, list[str]] = {}
    for name, value in pairs:
        if "\0" in value:
            raise refused(name, "holds a NUL character")
        if name in known:
            values.setdefault(name, []).append(value)
        elif name in _CONTROLS:
            controls.setdefault(name, []).append(value)
        elif strict:
            raise refused(name, "is not a search parameter of this server")
    sort = controls.get("_sort", [""])[-1]
    if sort and sort not in sorts:
        raise refused("_sort", f"must be one of {', '.join(sorts)}")
    return Query(
        type_,
        values,
        count=min(_number(controls, "_count", DEFAULT_COUNT), MAX_COUNT),
        offset=_number(controls, "_offset", 0),
        sort=sort,
        total=_total(controls),
        includes=_includes(controls, includes, strict),
    )


def refused(name: str, message: str) -> Malformed:
    """The refusal of a search parameter."""
    return Malformed(f"{name} {message}.", code="invalid-parameter", faults=[Fault(name, message, "value")])


def instant_of(text: str) -> Span:
    """The span of a FHIR date or dateTime; without a time it is the whole day, month or year in Europe/Paris.

    Raises `ValueError`.
    """
    if "T" in text:
        instant = datetime.fromisoformat(text.replace(" ", "+"))
        instant = instant if instant.tzinfo else instant.replace(tzinfo=PARIS)
        width = timedelta(microseconds=1) if "." in text else timedelta(seconds=1 if text.count(":") > 1 else 60)
        return Span(_bounded(instant.astimezone(UTC)), _bounded(instant.astimezone(UTC) + width))
    year, month, day = ([int(part) for part in text.split("-")] + [0, 0])[:3]
    first = date(year, month or 1, day or 1)
    last = first if day else date(year, month or 12, monthrange(year, month or 12)[1])
    return span_of(DatePeriod(first, last))


def _span(name: str, value: str) -> Span:
    found = _DATE.fullmatch(value)
    if not found:
        raise refused(name, "must be a date, with one of the prefixes eq, ge, gt, le, lt, sa, eb")
    try:
        span = instant_of(found[2])
    except (ValueError, OverflowError):
        raise refused(name, "is not a date of the calendar") from None
    match found[1]:
        case "ge":
            return Span(span.start, None)
        case "gt" | "sa":
            return Span(span.end or _END, None)
        case "le":
            return Span(None, span.end)
        case "lt" | "eb":
            return Span(None, span.start)
        case _:
            return span


def _token(text: str) -> Token:
    system, bar, code = text.partition("|")
    return Token(system, code) if bar else Token(None, text)


def _number(controls: dict[str, list[str]], name: str, default: int) -> int:
    text = controls.get(name, [str(default)])[-1]
    if not (_DIGITS.fullmatch(text) and int(text) <= _MAX_OFFSET):
        raise refused(name, f"must be a whole number up to {_MAX_OFFSET}")
    return int(text)


def _total(controls: dict[str, list[str]]) -> bool:
    value = controls.get("_total", ["none"])[-1]
    if value not in {"none", "estimate", "accurate"}:
        raise refused("_total", "must be none, estimate or accurate")
    return value != "none"


def _includes(controls: dict[str, list[str]], known: Sequence[str], strict: bool) -> frozenset[str]:
    asked = {value.replace(".", ":") for value in controls.get("_include", ())}
    if strict and not asked <= set(known):
        raise refused("_include", f"must be one of {', '.join(known)}")
    return frozenset(asked & set(known))


def _midnight(day: date) -> datetime:
    return _bounded(datetime.combine(day, time(), PARIS))


def _bounded(instant: datetime) -> datetime:
    """The instant in UTC, kept away from the ends of the calendar where zones overflow."""
    return min(max(instant, _BEGINNING), _END).astimezone(UTC)


def _paris_day(instant: datetime | None) -> date | None:
    return instant.astimezone(PARIS).date() if instant else None
