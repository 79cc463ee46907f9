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

TODAY, YEAR, ASKED, PRESENT = "today", "year", "asked", "present"
_COUNT = re.compile(r"[0-9]{1,5}")
_ORDER = (PeriodicityKind.ONCE, PeriodicityKind.ON_DEMAND, PeriodicityKind.RECURRING, PeriodicityKind.CONTINUOUS)
_HOURS = {Unit.HOUR: 1, Unit.DAY: 24, Unit.WEEK: 168, Unit.MONTH: 730}


@dataclass(frozen=True, slots=True)
class Answers:
    """The fields of the screen. `frequency`, `history` and `until` hold for every item; `frequencies` and `histories`,
    by the value of an item, are what was set for that one alone. Empty: as asked."""

    ticked: frozenset[str] = frozenset()
    frequency: str = ""
    frequencies: Mapping[str, str] = field(default_factory=dict)
    history: str = ASKED
    histories: Mapping[str, str] = field(default_factory=dict)
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


def to_items(
    answers: Answers, asked: Sequence[PermissionItem], today: date, present: Sequence[PermissionItem] = ()
) -> tuple[PermissionItem, ...]:
    """The items ticked, each narrowed as the patient chose. `present` are those in force already, which may keep their
    dates. Raises `Invalid` (`unknown-option`)."""
    ticked = [item for item in asked if item_value(item) in answers.ticked]
    reader = _Reader(answers, today, by_value(present))
    return tuple(reader.narrow(item) for item in ticked)


def by_value(items: Iterable[PermissionItem]) -> dict[str, PermissionItem]:
    """Items by their names in a form."""
    return {item_value(item): item for item in items}


def to_last_day(answers: Answers, asked: date) -> date:
    """The end chosen. Raises `Invalid` (`unknown-option`)."""
    if not answers.until:
        return asked
    try:
        return date.fromisoformat(answers.until)
    except ValueError:
        raise _unknown("until") from None


def from_items(
    chosen: Sequence[PermissionItem],
    until: date,
    asked: Sequence[PermissionItem],
    today: date,
    present: Sequence[PermissionItem] = (),
) -> Answers:
    """The fields that give these chosen items back: the screen as the patient left it."""
    widest = max((item.periodicity for item in chosen), key=_breadth)
    offered = by_value(asked)
    reader = _Reader(Answers(), today, by_value(present))
    names = offered_histories(asked, today)
    fitting = {
        value: [name for name in [*names, PRESENT] if reader.gives(name, offered[value], item.data)]
        for value, item in by_value(chosen).items()
    }
    history = next((name for name in names if all(name in found for found in fitting.values())), names[0])
    return Answers(
        ticked=frozenset(item_value(item) for item in chosen),
        frequency=frequency_value(widest),
        frequencies={
            value: frequency_value(item.periodicity)
            for item in chosen
            if choices.at_most(widest, offered[(value := item_value(item))].periodicity) != item.periodicity
        },
        history=history,
        histories={value: found[-1] for value, found in fitting.items() if found and history not in found},
        until=until.isoformat(),
    )


def from_present(
    present: Sequence[PermissionItem], asked: Sequence[PermissionItem], until: date, today: date
) -> Answers:
    """The screen of whoever gave a consent already: what they chose then, as far as it is asked, nothing new ticked;
    `until` is the last day to show first."""
    own = by_value(present)
    kept = [one for item in asked if (own_item := own.get(item_value(item))) and (one := choices.kept(item, own_item))]
    return Answers(
        ticked=frozenset(item_value(item) for item in kept),
        frequency=frequency_value(default_frequency(asked)),
        frequencies={item_value(item): frequency_value(item.periodicity) for item in kept},
        history=offered_histories(asked, today)[0],
        histories={item_value(item): PRESENT for item in kept},
        until=until.isoformat(),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    answers: Answers
    today: date
    present: Mapping[str, PermissionItem]

    def narrow(self, item: PermissionItem) -> PermissionItem:
        value = item_value(item)
        wanted = self.answers.frequencies.get(value) or self.answers.frequency
        periodicity = choices.at_most(_read_frequency(wanted), item.periodicity) if wanted else item.periodicity
        history = self.answers.histories.get(value) or self.answers.history
        return PermissionItem(item.category, item.access, self.dates(history, item), periodicity)

    def dates(self, history: str, item: PermissionItem) -> DatePeriod:
        """The dates that a choice of history leaves of an item. Raises `Invalid` (`unknown-option`)."""
        if history == ASKED:
            return item.data
        own = self.present.get(item_value(item)) if history == PRESENT else None
        wanted = own.data if own else DatePeriod(_start(history, self.today))
        nearest = item.data.end or item.data.start
        return item.data.overlap(wanted) or DatePeriod(nearest, nearest)

    def gives(self, history: str, item: PermissionItem, data: DatePeriod) -> bool:
        """Whether a choice of history, if it exists for this item, leaves these dates."""
        exists = history != PRESENT or item_value(item) in self.present
        return exists and self.dates(history, item) == data


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
