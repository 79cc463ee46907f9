"""The French calendar of vaccinations as data: what is expected at which age, and what each vaccine protects from.

The file names its source and its edition; docs/operations.md says how it is brought up to date.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib import resources
from typing import Any

ATC = "http://www.whocc.no/atc"
_AGE = re.compile(r"(?:(\d+)y)?(?:(\d+)m)?")


@dataclass(frozen=True, slots=True)
class Dose:
    """A dose of a course. Ages are in months: expected from `start`, late from `late`, not proposed from `until`.

    One given up to `early` months before its time counts; `every` repeats it.
    """

    start: int
    late: int
    until: int | None = None
    early: int = 0
    every: int | None = None


@dataclass(frozen=True, slots=True)
class Season:
    """A vaccine of every year from an age in months. Days are (month, day); a dose counts from `counts_from` on."""

    start: int
    opens: tuple[int, int]
    closes: tuple[int, int]
    counts_from: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Target:
    """What people are protected from: a course of doses, or a season.

    Until the age `counted_until` each dose of the course is counted; later only the last one is looked at.
    """

    code: str
    label: str
    doses: tuple[Dose, ...]
    season: Season | None
    born_since: date | None
    mandatory_born_since: date | None
    counted_until: int


@dataclass(frozen=True, slots=True)
class Vaccine:
    """A vaccine by its ATC class, or the start of one, and by the words that name it."""

    code: str
    label: str
    targets: frozenset[str]
    words: tuple[str, ...]
    typed: bool


def plain(text: str) -> str:
    """The text in lower case without accents, words parted by single spaces."""
    bare = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return " ".join(bare.casefold().split())


def protected(codes: Iterable[str], label: str) -> frozenset[str]:
    """The targets of a vaccine known by codes (`system|value`) and by a label; the codes first. Empty when unknown."""
    atc = [code.partition("|")[2] for code in codes if code.startswith(f"{ATC}|")]
    by_code = [one for one in VACCINES if any(value.startswith(one.code) for value in atc)]
    words = plain(label)
    found = by_code or [one for one in VACCINES if any(_names(word, words) for word in one.words)]
    return frozenset(target for one in found for target in one.targets)


def _names(word: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _months(age: str) -> int:
    read = _AGE.fullmatch(age)
    assert read and read[0], f"{age!r} is no age of the calendar"
    return 12 * int(read[1] or 0) + int(read[2] or 0)


def _maybe(row: Mapping[str, Any], name: str) -> int | None:
    return _months(row[name]) if name in row else None


def _dose(row: Mapping[str, Any]) -> Dose:
    early = _maybe(row, "early") or 0
    return Dose(_months(row["from"]), _months(row["late"]), _maybe(row, "until"), early, _maybe(row, "every"))


def _season(row: Mapping[str, Any]) -> Season:
    return Season(_months(row["from"]), *(_day(row[name]) for name in ("opens", "closes", "counts_from")))


def _day(text: str) -> tuple[int, int]:
    month, day = text.split("-")
    return int(month), int(day)


def _since(row: Mapping[str, Any], name: str) -> date | None:
    return date.fromisoformat(row[name]) if name in row else None


def _target(row: Mapping[str, Any]) -> Target:
    return Target(
        row["code"],
        row["label"],
        tuple(map(_dose, row.get("doses", ()))),
        _season(row["season"]) if "season" in row else None,
        _since(row, "born_since"),
        _since(row, "mandatory_born_since"),
        _maybe(row, "counted_until") or 0,
    )


_data = json.loads(resources.files("dmp_core").joinpath("data/vaccination-calendar.json").read_text())
SOURCE: str = _data["source"]
EDITION: str = _data["edition"]
TARGETS: tuple[Target, ...] = tuple(map(_target, _data["targets"]))
VACCINES: tuple[Vaccine, ...] = tuple(
    Vaccine(row["code"], row["label"], frozenset(row["targets"]), tuple(row["words"]), row.get("typed", True))
    for row in _data["vaccines"]
)
TYPED: Mapping[str, Vaccine] = {one.code: one for one in VACCINES if one.typed}
"""Those that a person may say they had, by their code."""
