"""The fields of the consent screen, filled: one row for each category, options from the narrowest on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from flask_babel import gettext, ngettext
from werkzeug.datastructures import MultiDict

from consent.rules import answers as rules
from consent.rules import choices, texts
from consent.rules.answers import Answers
from consent.rules.calendar import months_after
from platform_core.categories import registry
from platform_core.french import day_in_words
from platform_core.permission import Ceiling, CeilingItem, PermissionItem

Options = list[tuple[str, str]]
_FREQUENCY, _HISTORY = "frequency-", "history-"


@dataclass(frozen=True, slots=True)
class ItemField:
    """One box to tick, with the frequency and the history of that item alone.

    `mark` tells how it differs from what is in force, `present` and `asked` say both in words; all are empty on a first
    question.
    """

    value: str
    label: str
    reason: str
    hint: str
    required: bool
    ticked: bool
    mark: str
    present: str
    asked: str
    frequency_name: str
    frequencies: Options
    frequency: str
    history_name: str
    histories: Options
    history: str


@dataclass(frozen=True, slots=True)
class Row:
    """One category as a patient reads it."""

    category: str
    label: str
    description: str
    sensitive: bool
    is_document: bool
    items: list[ItemField]

    @property
    def changes(self) -> bool:
        """Whether the question changes anything of what is in force, or nothing was."""
        return any(item.mark != choices.Mark.SAME for item in self.items)


@dataclass(frozen=True, slots=True)
class Screen:
    """The whole form. What is already in force, and the sensitive categories, stand apart from the other `rows`.

    `histories` is empty when the app reads nothing.
    """

    rows: list[Row]
    unchanged: list[Row]
    sensitive: list[Row]
    frequencies: Options
    frequency: str
    histories: Options
    history: str
    durations: Options
    until: str


def first_answers(asked: Sequence[PermissionItem], until: date, today: date) -> Answers:
    """What stands on the screen before the patient touches it: nothing ticked, the narrowest history and duration."""
    return Answers(
        frequency=rules.frequency_value(rules.default_frequency(asked)),
        history=rules.offered_histories(asked, today)[0],
        until=choices.durations(until, today)[0].isoformat(),
    )


def read_answers(form: MultiDict[str, str]) -> Answers:
    """The fields as the browser posted them."""
    return Answers(
        ticked=frozenset(form.getlist("items")),
        frequency=form.get("frequency", ""),
        frequencies=_of_each(form, _FREQUENCY),
        history=form.get("history", rules.ASKED),
        histories=_of_each(form, _HISTORY),
        until=form.get("until", ""),
    )


def _of_each(form: MultiDict[str, str], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): form[name] for name in form if name.startswith(prefix)}


def build_screen(
    *,
    asked: Sequence[PermissionItem],
    until: date,
    today: date,
    answers: Answers,
    app_name: str,
    ceiling: Ceiling | None = None,
    present: Sequence[PermissionItem] = (),
    ends_on: date | None = None,
    keep: bool = False,
) -> Screen:
    """The screen for what is asked, showing the answers given so far.

    `ceiling` holds the approved reasons; `present` are the items in force already, until `ends_on`. With `keep`, one
    may leave each frequency and the history as they are (modifying what one granted).
    """
    shown = texts.load()
    maker = _FieldMaker(app_name, ceiling, rules.by_value(present), answers, today, keep, shown)
    by_category = groupby(sorted(asked, key=lambda item: (item.category, item.access)), key=lambda item: item.category)
    rows = [maker.row(category, list(items)) for category, items in by_category]
    rows.sort(key=lambda row: not any(item.required for item in row.items))
    unchanged: Options = [("", gettext("Ne pas changer"))] if keep else []
    offered = rules.offered_frequencies(asked)
    return Screen(
        [row for row in rows if row.changes and not row.sensitive],
        [row for row in rows if not row.changes and not row.sensitive],
        [row for row in rows if row.sensitive],
        unchanged + [(rules.frequency_value(one), shown.frequency(one)) for one in offered],
        answers.frequency,
        _histories(asked, today, keep),
        answers.history,
        _durations(until, today, ends_on, keep),
        answers.until,
    )


@dataclass(frozen=True, slots=True)
class _FieldMaker:
    app_name: str
    ceiling: Ceiling | None
    present: Mapping[str, PermissionItem]
    answers: Answers
    today: date
    keep: bool
    shown: texts.ConsentTexts

    def row(self, code: str, items: list[PermissionItem]) -> Row:
        category = registry.get(code)
        return Row(
            code,
            category.short_fr,
            category.long_fr,
            category.sensitive,
            category.smart.resource == "DocumentReference",
            [self._field(item) for item in items],
        )

    def _ceiling_item(self, item: PermissionItem) -> CeilingItem | None:
        return self.ceiling.find(item.category, item.access) if self.ceiling else None

    def _field(self, item: PermissionItem) -> ItemField:
        value, found = rules.item_value(item), self._ceiling_item(item)
        required, own = bool(found and found.required), self.present.get(value)
        return ItemField(
            value,
            self.shown.access(item.access),
            found.why if found else "",
            self.shown.filled("required" if required else "optional", app=self.app_name) if self.ceiling else "",
            required,
            value in self.answers.ticked,
            str(choices.mark(item, own)) if self.present else "",
            self._say(own) if own else "",
            self._say(item) if own else "",
            f"{_FREQUENCY}{value}",
            self._frequencies(item, own),
            self.answers.frequencies.get(value, ""),
            f"{_HISTORY}{value}",
            self._histories(item, own) if item.access == "read" else [],
            self.answers.histories.get(value, ""),
        )

    def _say(self, item: PermissionItem) -> str:
        """How often, and since when: `1 fois par jour, depuis le 3 mars 2026`."""
        if item.access != "read":
            return self.shown.frequency(item.periodicity)
        return f"{self.shown.frequency(item.periodicity)}, {_say_history(item.data.start)}"

    def _frequencies(self, item: PermissionItem, own: PermissionItem | None) -> Options:
        offered = choices.frequencies(item.periodicity, own.periodicity if own else None)
        return [_as_general(), *((rules.frequency_value(one), self.shown.frequency(one)) for one in offered)]

    def _histories(self, item: PermissionItem, own: PermissionItem | None) -> Options:
        kept = choices.kept(item, own) if own else None
        as_present = gettext("Ne pas changer : %(since)s", since=_say_history(kept.data.start)) if kept else ""
        present = [(rules.PRESENT, as_present)] if kept else []
        return [_as_general(), *present, *_histories([item], self.today, self.keep)]


def _as_general() -> tuple[str, str]:
    return "", gettext("Comme choisi plus bas")


def _say_history(start: date | None) -> str:
    return gettext("depuis le %(day)s", day=day_in_words(start)) if start else gettext("tout l’historique")


def _histories(asked: Sequence[PermissionItem], today: date, keep: bool) -> Options:
    read = [item for item in asked if item.access == "read"]
    if not read:
        return []
    starts = [item.data.start for item in read if item.data.start]
    oldest = min(starts) if len(starts) == len(read) else None
    words: Mapping[str, str] = {
        rules.TODAY: gettext("À partir d’aujourd’hui seulement"),
        rules.YEAR: gettext("Les douze derniers mois"),
        rules.ASKED: _all_history(oldest, keep),
    }
    return [(name, words[name]) for name in rules.offered_histories(read, today)]


def _all_history(oldest: date | None, keep: bool) -> str:
    if keep:
        return gettext("Ne pas changer")
    if oldest is None:
        return gettext("Tout l’historique, comme demandé")
    return gettext("Depuis le %(day)s, comme demandé", day=day_in_words(oldest))


def _durations(until: date, today: date, ends_on: date | None, keep: bool) -> Options:
    ends = choices.durations(until, today)
    if ends_on and today <= ends_on <= until:
        ends = sorted({ends_on, *ends})
    return [(end.isoformat(), _duration(end, until, today, ends_on, keep)) for end in ends]


def _duration(end: date, asked: date, today: date, ends_on: date | None, keep: bool) -> str:
    day = day_in_words(end)
    if end == ends_on or (keep and end == asked):
        return gettext("Ne pas changer : jusqu’au %(day)s", day=day)
    for months in (1, 3, 6, 12):
        if end == months_after(today, months):
            return ngettext("%(num)s mois, jusqu’au %(day)s", "%(num)s mois, jusqu’au %(day)s", months, day=day)
    return gettext("Jusqu’au %(day)s, comme demandé", day=day)
