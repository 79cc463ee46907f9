"""Reading what a patient ticked and chose on the screen into items and an end. Pure: values in, a choice out."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from consent.rules import choices
from consent.rules.calendar import months_after
from platform_core.access import DatePeriod
from platform_core.errors import Invalid
from platform_core.permission import Periodicity, PeriodicityKind, PermissionItem, Unit

TODAY, YEAR, ASKED = "today", "year", "asked"
_COUNT = re.compile(r"[0-9]{1,5}")
_ORDER = (PeriodicityKind.ONCE, PeriodicityKind.ON_DEMAND, PeriodicityKind.RECURRING, PeriodicityKind.CONTINUOUS)
_HOURS = {Unit.HOUR: 1, Unit.DAY: 24, Unit.WEEK: 168, Unit.MONTH: 730}


@dataclass(frozen=True, slots=True)
class Answers:
    """The fields of the screen. `frequency`, `history` and `until` hold for every item; `frequencies`, by the value of
    an item, is what was set for that one alone. Empty: as asked."""

    ticked: frozenset[str] = frozenset()
    frequency: str = ""
    frequencies: Mapping[str, str] = field(default_factory=dict)
    history: str = ASKED
    until: str = ""


def item_value(item: PermissionItem) -> str:
    """How an item is named in a form: `measures.body-weight:read`."""
    return f"{item.category}:{item.access}"


def frequency_value(periodicity: Periodicity) -> str:
    """How a periodicity is named in a form: `once`, `on_demand`, `continuous`, `4-day`."""
    return f"{periodicity.most}-{periodicity.unit}" if periodicity.unit else str(periodicity.kind)


def offered_frequencies(asked: Iterable[PermissionItem]) -> list[Periodicity]:
    """The periodicities that the patient may choose for all items at once, the rarest first."""
    offered = {one for item in asked for one in choices.frequencies(item.periodicity)}
    return sorted(offered, key=_breadth)


def default_frequency(asked: Iterable[PermissionItem]) -> Periodicity:
    """The one shown first: the rarest rhythm under which every item still runs by itself."""
    return max((choices.default_frequency(item.periodicity) for item in asked), key=_breadth)


def offered_histories(asked: Iterable[PermissionItem], today: date) -> list[str]:
    """`today`, `year` and `asked`, as far as each is narrower than what was asked."""
    starts = {item.data.start for item in asked}
    narrower = [name for name in (TODAY, YEAR) if any(s is None or s < _start(name, today) for s in starts)]
    return [*narrower, ASKED]


def to_items(answers: Answers, asked: Sequence[PermissionItem], today: date) -> tuple[PermissionItem, ...]:
    """The items ticked, each narrowed as the patient chose. Raises `Invalid` (`unknown-option`)."""
    ticked = [item for item in asked if item_value(item) in answers.ticked]
    return tuple(_narrowed(item, answers, today) for item in ticked)


def to_last_day(answers: Answers, asked: date) -> date:
    """The end chosen. Raises `Invalid` (`unknown-option`)."""
    if not answers.until:
        return asked
    try:
        return date.fromisoformat(answers.until)
    except ValueError:
        raise _unknown("until") from None


def from_items(chosen: Sequence[PermissionItem], until: date, asked: Sequence[PermissionItem], today: date) -> Answers:
    """The fields that give these chosen items back: the screen as the patient left it."""
    widest = max((item.periodicity for item in chosen), key=_breadth)
    offered = {item_value(item): item for item in asked}
    names = offered_histories(asked, today)
    return Answers(
        ticked=frozenset(item_value(item) for item in chosen),
        frequency=frequency_value(widest),
        frequencies={
            value: frequency_value(item.periodicity)
            for item in chosen
            if _at_most(widest, offered[(value := item_value(item))].periodicity) != item.periodicity
        },
        history=next((n for n in names if all(_is_from(n, i, offered[item_value(i)], today) for i in chosen)), ASKED),
        until=until.isoformat(),
    )


def _is_from(name: str, item: PermissionItem, asked: PermissionItem, today: date) -> bool:
    return _from_history(name, asked.data, today) == item.data


def _narrowed(item: PermissionItem, answers: Answers, today: date) -> PermissionItem:
    wanted = answers.frequencies.get(item_value(item)) or answers.frequency
    periodicity = _at_most(_read_frequency(wanted), item.periodicity) if wanted else item.periodicity
    return PermissionItem(item.category, item.access, _from_history(answers.history, item.data, today), periodicity)


def _at_most(chosen: Periodicity, asked: Periodicity) -> Periodicity:
    """What was chosen where the app asked for more; else what it asked, or the most that both allow."""
    if chosen.within(asked):
        return chosen
    if asked.within(chosen):
        return asked
    return [one for one in choices.frequencies(asked) if one.within(chosen)][-1]


def _from_history(name: str, asked: DatePeriod, today: date) -> DatePeriod:
    if name == ASKED:
        return asked
    return asked.overlap(DatePeriod(_start(name, today))) or asked


def _start(name: str, today: date) -> date:
    if name not in {TODAY, YEAR}:
        raise _unknown("history")
    return today if name == TODAY else months_after(today, -12)


def _read_frequency(value: str) -> Periodicity:
    most, _, unit = value.partition("-")
    counted = _COUNT.fullmatch(most)
    return Periodicity.from_json({"max": int(most), "per": unit} if counted else {value: True}, where="frequency")


def _breadth(periodicity: Periodicity) -> tuple[int, float]:
    rate = (periodicity.most or 0) / _HOURS[periodicity.unit] if periodicity.unit else 0.0
    return _ORDER.index(periodicity.kind), rate


def _unknown(where: str) -> Invalid:
    return Invalid(f"The value of {where} is not one that was offered.", code="unknown-option")
