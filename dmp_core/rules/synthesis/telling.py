"""What the facts of a record are in the words of a summary. Pure: dates come in, French goes out."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from dmp_core.cda.resources.parts import concept
from dmp_core.cda.statements import Procedure
from dmp_core.rules.entries.kinds import at
from dmp_core.rules.prescriptions.lines import Line
from dmp_core.rules.results import unit_in_words
from dmp_core.rules.synthesis.facts import Coded, Fact, Source, name_of, names_of
from dmp_core.rules.synthesis.sections import (
    ALLERGIES,
    FAMILY,
    HISTORY,
    LIFESTYLE,
    PROBLEMS,
    PROCEDURES,
    RESULTS,
    SOCIAL,
    TREATMENTS,
    VACCINATIONS,
)
from platform_core.french import day_in_figures, number_in_words

ENDED_SHOWN = timedelta(days=365)
"""How long a treatment that ended is still shown."""

LONG_TERM_DAYS = 28
"""What is prescribed for so long, renewals included, is a long-term treatment."""

_GOES_ON = frozenset({"", "active", "recurrence", "relapse"})
_TAKEN = frozenset({"", "active", "intended", "unknown"})
_STRENGTH = re.compile(r"\d+(?:[.,]\d+)?\s*(?:mg|g|µg|UI|ml|%)(?!\w)", re.IGNORECASE)
OTHER_HABIT, SOME_RELATIVE = "Autre habitude", "Famille"
"""A habit that is the social context, in the words of the profile; a relative of whom nothing more is said."""


class Entry(Protocol):
    """What an entry of the record says."""

    @property
    def id(self) -> UUID: ...
    @property
    def category(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def codes(self) -> list[str]: ...
    @property
    def effective_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime | None: ...
    @property
    def updated_at(self) -> datetime: ...
    @property
    def value(self) -> Decimal | None: ...
    @property
    def unit(self) -> str: ...
    @property
    def low(self) -> Decimal | None: ...
    @property
    def high(self) -> Decimal | None: ...


Resource = Mapping[str, Any]


def tell_entry(entry: Entry, resource: Resource, source: Source, now: datetime) -> Fact | None:
    """The fact of an entry, with the FHIR resource that it stands for; None for what a summary leaves out."""
    match entry.category:
        case "profile.conditions":
            return _condition(entry, resource, source)
        case "profile.allergies":
            return _allergy(entry, resource, source)
        case "profile.treatments":
            return _treatment(entry, resource, source, now)
        case "profile.family-history":
            return _relative(entry, resource, source)
        case "profile.lifestyle":
            return _habit(entry, resource, source)
        case "vaccinations":
            return _vaccination(entry, source)
    return None


def tell_result(entry: Entry, source: Source) -> Fact | None:
    """A result of biology with its usual values; kept from the start when it lies outside of them."""
    if entry.value is None:
        return None
    usual = f" (habituel : {_range(entry)})" if _range(entry) else ""
    value = f"{number_in_words(entry.value)} {unit_in_words(entry.unit)}".strip()
    below = entry.low is not None and entry.value < entry.low
    above = entry.high is not None and entry.value > entry.high
    return Fact(
        section=RESULTS.name,
        text=f"{entry.label} : {value}{usual}, le {day_in_figures(entry.effective_at)}",
        names=names_of(RESULTS.name, entry.label, entry.codes),
        source=source,
        remark="Hors des valeurs habituelles" if below or above else "",
        proposed=below or above,
    )


def tell_procedure(found: Procedure, source: Source) -> Fact:
    """An act performed, as a document states it."""
    coding = _coding(found.code)
    since = found.period.start.text if found.period.start else ""
    words = found.code.words
    return Fact(
        section=PROCEDURES.name,
        text=f"{words}, {_on(since)}" if since else words,
        names=names_of(PROCEDURES.name, words, _keys(found.code)),
        source=source,
        coded=Coded(None, *coding, words, since),
    )


def tell_prescription(line: Line, source: Source) -> Fact:
    """A medicine prescribed for long, with how to take it."""
    dosages = " ; puis ".join(line.dosages)
    system, _, code = next(iter(line.codes), "|").partition("|")
    return Fact(
        section=TREATMENTS.name,
        text=f"{line.label} : {dosages}" if dosages else line.label,
        names=_names_of_medicine(line.label, line.codes),
        source=source,
        coded=Coded(None, system, code, line.label),
    )


def is_long_term(line: Line) -> bool:
    """Whether a prescribed medicine goes on for four weeks at least, renewals included, or says no length."""
    return line.days is None or line.days * ((line.repeats or 0) + 1) >= LONG_TERM_DAYS


def _condition(entry: Entry, resource: Resource, source: Source) -> Fact:
    followed, since = entry.status in _GOES_ON, _first(resource, "onsetDateTime")
    section = PROBLEMS if followed else HISTORY
    ended = "" if followed else _first(resource, "abatementDateTime")
    parts = [entry.label, f"depuis {_year(since)}" if since else "", f"jusqu’en {_year(ended)}" if ended else ""]
    return Fact(
        section=section.name,
        text=_joined(parts),
        names=names_of(section.name, entry.label, entry.codes),
        source=source,
        ended=not followed,
        remark={"resolved": "Résolu", "remission": "En rémission"}.get(entry.status, "" if followed else "Passé"),
        coded=_of_entry(entry, since),
    )


def _allergy(entry: Entry, resource: Resource, source: Source) -> Fact:
    reactions = [str(words) for words in at(resource, "reaction.manifestation.text")]
    detail = ", ".join(reactions) or _first(resource, "note.text")
    grave = _first(resource, "criticality") == "high"
    over = entry.status not in _GOES_ON
    return Fact(
        section=ALLERGIES.name,
        text=f"{entry.label} : {detail}" if detail else entry.label,
        names=names_of(ALLERGIES.name, entry.label, entry.codes),
        source=source,
        ended=over,
        remark="Passée" if over else "Risque grave" if grave else "",
        proposed=not over,
        coded=_of_entry(entry, _first(resource, "onsetDateTime")),
    )


def _treatment(entry: Entry, resource: Resource, source: Source, now: datetime) -> Fact | None:
    over = entry.status not in _TAKEN or (entry.ends_at is not None and entry.ends_at <= now)
    ended = entry.ends_at or entry.updated_at
    if over and ended < now - ENDED_SHOWN:
        return None
    since = _first(resource, "effectivePeriod.start")
    until = f"arrêté le {day_in_figures(ended)}" if over else ""
    dosage = " ; puis ".join(str(words) for words in at(resource, "dosage.text"))
    said = f"{entry.label} : {dosage}" if dosage else entry.label
    return Fact(
        section=TREATMENTS.name,
        text=_joined([said, f"depuis {_year(since)}" if since else "", until]),
        names=_names_of_medicine(entry.label, entry.codes),
        source=source,
        ended=over,
        remark="Arrêté" if over else "",
        proposed=not over,
        coded=_of_entry(entry, since),
    )


def _names_of_medicine(label: str, codes: Sequence[str]) -> frozenset[str]:
    """A code of substance names a medicine with its strength: two strengths are two lines, lest one be hidden."""
    strength = " ".join("".join(one.split()).casefold() for one in _STRENGTH.findall(label))
    return names_of(TREATMENTS.name, label, [f"{code} {strength}" for code in codes])


def _relative(entry: Entry, resource: Resource, source: Source) -> Fact:
    relation = _first(resource, "relationship.text") or _first(resource, "relationship.coding.display")
    words = f"{relation} : {entry.label}" if relation not in ("", SOME_RELATIVE) else entry.label
    coded = _of_entry(entry, "")
    return Fact(
        section=FAMILY.name,
        text=words,
        names=frozenset({name_of(FAMILY.name, words)}),
        source=source,
        coded=Coded(entry.id, coded.system, coded.code, entry.label, "", _first(resource, "relationship.coding.code")),
    )


def _habit(entry: Entry, resource: Resource, source: Source) -> Fact:
    value = _first(resource, "valueString") or _first(resource, "valueCodeableConcept.text")
    if not value and entry.value is not None:
        value = f"{number_in_words(entry.value)} {entry.unit}".strip()
    other = entry.label == OTHER_HABIT
    section = SOCIAL if other else LIFESTYLE
    words = value if other else f"{entry.label} : {value}" if value else entry.label
    names = names_of(section.name, words) if other else names_of(section.name, entry.label, entry.codes)
    coded = _of_entry(entry, "")
    detailed = Coded(entry.id, coded.system, coded.code, entry.label, "", value or entry.label)
    return Fact(section=section.name, text=words, names=names, source=source, coded=detailed)


def _vaccination(entry: Entry, source: Source) -> Fact | None:
    if entry.status != "completed":
        return None
    day = day_in_figures(entry.effective_at)
    return Fact(
        section=VACCINATIONS.name,
        text=f"{entry.label}, le {day}",
        names=frozenset(f"{VACCINATIONS.name}:{name} {day}" for name in (entry.label, *entry.codes)),
        source=source,
        coded=_of_entry(entry, entry.effective_at.date().isoformat()),
    )


def _of_entry(entry: Entry, since: str) -> Coded:
    known = next((code for code in entry.codes if not code.startswith("|")), "")
    system, _, code = known.partition("|")
    return Coded(entry.id, system, code, entry.label, since)


def _keys(code: Any) -> Sequence[str]:
    return [f"{one.get('system', '')}|{one['code']}" for one in concept(code).get("coding", ())]


def _coding(code: Any) -> tuple[str, str]:
    system, _, value = next(iter(_keys(code)), "|").partition("|")
    return system, value


def _range(entry: Entry) -> str:
    low, high = entry.low, entry.high
    if low is not None and high is not None:
        return f"{number_in_words(low)} à {number_in_words(high)}"
    return f"au moins {number_in_words(low)}" if low is not None else f"au plus {number_in_words(high)}" if high else ""


def _on(since: str) -> str:
    day = since[:10]
    return f"le {day[8:]}/{day[5:7]}/{day[:4]}" if len(day) == 10 else f"en {_year(since)}"


def _year(since: str) -> str:
    return since[:4]


def _joined(parts: Sequence[str]) -> str:
    return ", ".join(part for part in parts if part)


def _first(resource: Resource, path: str) -> str:
    return next((str(value) for value in at(resource, path)), "")
