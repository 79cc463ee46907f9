"""The fields of the consent screen, filled: one row for each category, options from the narrowest on."""

from collections.abc import Iterable, Mapping, Sequence
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
_FREQUENCY = "frequency-"


@dataclass(frozen=True, slots=True)
class ItemField:
    """One box to tick, and the frequency of that item alone."""

    value: str
    label: str
    hint: str
    required: bool
    granted: bool
    ticked: bool
    frequency_name: str
    frequencies: Options
    frequency: str


@dataclass(frozen=True, slots=True)
class Row:
    """One category as a patient reads it."""

    category: str
    label: str
    description: str
    sensitive: bool
    is_document: bool
    reasons: list[str]
    items: list[ItemField]


@dataclass(frozen=True, slots=True)
class Screen:
    """The whole form. `histories` is empty when the app reads nothing."""

    rows: list[Row]
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
        frequencies={name.removeprefix(_FREQUENCY): form[name] for name in form if name.startswith(_FREQUENCY)},
        history=form.get("history", rules.ASKED),
        until=form.get("until", ""),
    )


def build_screen(
    *,
    asked: Sequence[PermissionItem],
    until: date,
    today: date,
    answers: Answers,
    app_name: str,
    ceiling: Ceiling | None = None,
    granted: Iterable[str] = (),
    keep: bool = False,
) -> Screen:
    """The screen for what is asked, showing the answers given so far.

    `ceiling` holds the approved reasons; `granted` the values of the items in force already. With `keep`, one may leave
    each frequency and the history as they are (modifying what one granted).
    """
    shown = texts.load()
    maker = _FieldMaker(app_name, ceiling, frozenset(granted), answers, shown)
    by_category = groupby(sorted(asked, key=lambda item: (item.category, item.access)), key=lambda item: item.category)
    unchanged: Options = [("", gettext("Ne pas changer"))] if keep else []
    offered = rules.offered_frequencies(asked)
    rows = [maker.row(category, list(items)) for category, items in by_category]
    return Screen(
        sorted(rows, key=lambda row: not any(item.required for item in row.items)),
        unchanged + [(rules.frequency_value(one), shown.frequency(one)) for one in offered],
        answers.frequency,
        _histories(asked, today, keep),
        answers.history,
        _durations(until, today, keep),
        answers.until,
    )


@dataclass(frozen=True, slots=True)
class _FieldMaker:
    app_name: str
    ceiling: Ceiling | None
    granted: frozenset[str]
    answers: Answers
    shown: texts.ConsentTexts

    def row(self, code: str, items: list[PermissionItem]) -> Row:
        category = registry.get(code)
        reasons = [found.why for item in items if (found := self._ceiling_item(item)) and found.why]
        return Row(
            code,
            category.short_fr,
            category.long_fr,
            category.sensitive,
            category.smart.resource == "DocumentReference",
            list(dict.fromkeys(reasons)),
            [self._field(item) for item in items],
        )

    def _ceiling_item(self, item: PermissionItem) -> CeilingItem | None:
        return self.ceiling.find(item.category, item.access) if self.ceiling else None

    def _field(self, item: PermissionItem) -> ItemField:
        value, found = rules.item_value(item), self._ceiling_item(item)
        required = bool(found and found.required)
        as_general = ("", gettext("Comme choisi plus bas"))
        return ItemField(
            value,
            self.shown.access(item.access),
            self.shown.filled("required" if required else "optional", app=self.app_name) if self.ceiling else "",
            required,
            value in self.granted,
            value in self.answers.ticked,
            f"{_FREQUENCY}{value}",
            [
                as_general,
                *((rules.frequency_value(p), self.shown.frequency(p)) for p in choices.frequencies(item.periodicity)),
            ],
            self.answers.frequencies.get(value, ""),
        )


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


def _durations(until: date, today: date, keep: bool) -> Options:
    return [(end.isoformat(), _duration(end, until, today, keep)) for end in choices.durations(until, today)]


def _duration(end: date, asked: date, today: date, keep: bool) -> str:
    day = day_in_words(end)
    for months in (1, 3, 6, 12):
        if end == months_after(today, months):
            return ngettext("%(num)s mois, jusqu’au %(day)s", "%(num)s mois, jusqu’au %(day)s", months, day=day)
    if keep and end == asked:
        return gettext("Ne pas changer : jusqu’au %(day)s", day=day)
    return gettext("Jusqu’au %(day)s, comme demandé", day=day)
