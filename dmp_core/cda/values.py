"""The data types of HL7 V3 that the French documents use, read leniently where nothing depends on them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from lxml.etree import _Element as Element

PARIS = ZoneInfo("Europe/Paris")
NAMESPACES = {"h": "urn:hl7-org:v3", "pharm": "urn:ihe:pharm:medication", "lab": "urn:oid:1.3.6.1.4.1.19376.1.3.2"}
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"

_MOST_DIGITS = 40
_MOMENT = re.compile(r"(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:\.\d+)?([+-]\d{4})?")


@dataclass(frozen=True, slots=True)
class Identifier:
    """An HL7 instance identifier."""

    root: str
    extension: str = ""

    def __str__(self) -> str:
        return f"{self.root}^{self.extension}" if self.extension else self.root


@dataclass(frozen=True, slots=True)
class Code:
    """A code of a system named by its OID; `text` is what the narrative says of it. Either may be empty, not both."""

    code: str = ""
    system: str = ""
    label: str = ""
    text: str = ""
    translations: tuple["Code", ...] = ()

    @property
    def words(self) -> str:
        """What people read."""
        return self.label or self.text or self.code

    def within(self, system: str) -> "Code | None":
        """This code or the first of its translations that belongs to a system."""
        return next((one for one in self.walk() if one.system == system and one.code), None)

    def walk(self) -> Iterator["Code"]:
        yield self
        for translation in self.translations:
            yield from translation.walk()


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant as precise as it was written: `text` is a FHIR dateTime (`2014`, `2014-04-02T14:55:21+02:00`)."""

    text: str
    day: date

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Period:
    """From and to, either open. A single instant is both."""

    start: Moment | None = None
    end: Moment | None = None

    @property
    def known(self) -> bool:
        return self.start is not None or self.end is not None


@dataclass(frozen=True, slots=True)
class Quantity:
    """A physical quantity: decimals as written, unit in UCUM (or as the producer wrote it)."""

    value: Decimal
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.value} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class Bounds:
    """An interval of quantities, either side open."""

    low: Quantity | None = None
    high: Quantity | None = None


Texts = Mapping[str, str]


def child(element: Element | None, path: str) -> Element | None:
    """The first element under `path` (steps without prefix, separated by `/`)."""
    return next(children(element, path), None)


def children(element: Element | None, path: str) -> Iterator[Element]:
    """Every element under `path`; steps are HL7's unless they carry a prefix of `NAMESPACES`."""
    if element is None:
        return
    steps = "/".join(step if ":" in step or step == "." else f"h:{step}" for step in path.split("/"))
    yield from element.iterfind(steps, NAMESPACES)


def attribute(element: Element | None, name: str) -> str:
    """An attribute's value, or an empty string."""
    return (element.get(name) or "").strip() if element is not None else ""


def text_of(element: Element | None) -> str:
    """All the text inside, with single spaces."""
    return " ".join("".join(element.itertext()).split()) if element is not None else ""


def templates_of(element: Element) -> frozenset[str]:
    """The OIDs of the templates that an element declares."""
    return frozenset(attribute(found, "root") for found in children(element, "templateId"))


def identifier(element: Element | None) -> Identifier | None:
    """An instance identifier, or None when it is absent or null."""
    root = attribute(element, "root")
    return Identifier(root, attribute(element, "extension")) if root else None


def code(element: Element | None, texts: Texts) -> Code | None:
    """A coded value; None when it holds neither code nor text. `texts` are those of the narrative, by id."""
    if element is None:
        return None
    nested = (code(found, texts) for found in children(element, "translation"))
    translations = tuple(one for one in nested if one)
    found = Code(
        attribute(element, "code"),
        attribute(element, "codeSystem"),
        attribute(element, "displayName"),
        referred(child(element, "originalText"), texts),
        translations,
    )
    return found if found.code or found.words or translations else None


def referred(element: Element | None, texts: Texts) -> str:
    """The text an element holds or refers to in the narrative (`<reference value="#id"/>`, the # often forgotten)."""
    own = text_of(element)
    if own:
        return own
    return texts.get(attribute(child(element, "reference"), "value").removeprefix("#"), "")


def moment(element: Element | None) -> Moment | None:
    """The instant of `value`, with the precision written. Without an offset, it is the time of Paris."""
    return read_moment(attribute(element, "value"))


def read_moment(written: str) -> Moment | None:
    """`20210401171000+0100` and its shorter forms; None for what is no date."""
    match = _MOMENT.fullmatch(written)
    if match is None:
        return None
    parts = [int(part) for part in match.groups()[:6] if part]
    year, month, day, *time = parts + [1] * (3 - len(parts))
    try:
        first = date(year, month, day)
        if len(time) < 2:
            return Moment("-".join(f"{part:02}" for part in parts[:3]), first)
        hour, minute, second = (*time, 0)[:3]
        whole = datetime(year, month, day, hour, minute, second, tzinfo=_zone(match[7]))
    except ValueError:
        return None
    return Moment(whole.isoformat(), first)


def period(element: Element | None) -> Period:
    """The interval of `low`/`high`, or the instant of `value`."""
    if at := moment(element):
        return Period(at, at)
    return Period(moment(child(element, "low")), moment(child(element, "high")))


def quantity(element: Element | None) -> Quantity | None:
    """The quantity of `value` and `unit`, or None when it is no number."""
    number = decimal(attribute(element, "value"))
    return None if number is None else Quantity(number, attribute(element, "unit"))


def bounds(element: Element | None) -> Bounds | None:
    """The interval of `low` and `high`, or of a single `value`; None when neither is a number."""
    if single := quantity(element):
        return Bounds(single, single)
    found = Bounds(quantity(child(element, "low")), quantity(child(element, "high")))
    return found if found.low or found.high else None


def decimal(written: str) -> Decimal | None:
    """A finite decimal number, as written; None for anything else, or for one that no measure has."""
    try:
        number = Decimal(written)
    except InvalidOperation:
        return None
    is_sane = number.is_finite() and -30 < number.adjusted() < 30 and len(number.as_tuple().digits) <= _MOST_DIGITS
    return number if is_sane else None


def _zone(offset: str | None) -> ZoneInfo | timezone:
    if offset is None:
        return PARIS
    sign = -1 if offset[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[3:5])))
