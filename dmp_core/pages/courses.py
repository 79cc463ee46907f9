"""The course of one kind of measure as a page tells it: a chart, sentences, a table, whatever the number of values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask_babel import format_date, gettext, ngettext
from werkzeug.datastructures import MultiDict

from dmp_core.categories import Kind
from dmp_core.queries import courses, goals, points
from dmp_core.queries.courses import By, Course
from dmp_core.queries.devices import name_devices
from dmp_core.rules.goals import Bounds, Parts, within
from dmp_core.rules.references import find_reference
from identity_core.queries import PatientView
from platform_core import charts, clock
from platform_core.access import DatePeriod
from platform_core.fhir.search import Span, span_of
from platform_core.french import day_in_words, number_in_words
from platform_core.pagination import Page, page_number

PERIODS = {"semaine": 7, "mois": 31, "trimestre": 92, "annee": 366, "tout": None}
_BY = {"mesure": None, "jour": By.DAY, "semaine": By.WEEK, "mois": By.MONTH}
_ROWS = 50
_MOST_SINGLE = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader chose: the period, what the lines of the table stand for (empty: what suits the number), a page."""

    period: str = "annee"
    by: str = ""
    page: int = 1

    @classmethod
    def of(cls, args: MultiDict[str, str]) -> "Asked":
        """Read an address; what is no choice counts as none."""
        period, by = args.get("periode", ""), args.get("par", "")
        return cls(period if period in PERIODS else "annee", by if by in _BY else "", page_number(args.get("page")))

    def choices(self, **changes: Any) -> dict[str, Any]:
        """What an address carries to ask the same, but for these changes; the page starts again."""
        return {"periode": self.period, "par": self.by or None, **changes}

    @property
    def span(self) -> Span:
        """The instants of the period, up to now."""
        days = PERIODS[self.period]
        today: date = clock.today()
        return span_of(DatePeriod(today - timedelta(days=days) if days else None, None))


def tell_course(
    patient: PatientView, kind: Kind, asked: Asked, *, here: Callable[..., str], own: bool = True
) -> dict[str, Any]:
    """What the template of a course shows; `here` gives the address of the page with other choices.

    The transaction is bound to the patient; unless the reader is in their `own` record, what the patient hides is left
    out.
    """
    today = clock.today()
    goal = goals.find_goal(patient_id=patient.id, kind=kind.name, on=today)
    reference = find_reference(kind.name, born=patient.birth_date, sex=patient.sex, on=today)
    course = courses.find_course(
        patient_id=patient.id, kind=kind.name, span=asked.span, goal=goal.parts if goal else (), own=own
    )
    compared, name = (
        (goal.parts, gettext("Objectif")) if goal else (reference.parts if reference else (), gettext("Repère"))
    )
    told = {
        "kind": kind,
        "asked": asked,
        "here": here,
        "periods": _period_names(),
        "groupings": _grouping_names(),
        "goal": goal,
        "goal_text": words_of(kind, goal.parts) if goal else "",
        "reference": reference,
        "reference_text": words_of(kind, reference.parts) if reference else "",
        "course": course,
        "total": course.count if course else 0,
        "page_address": lambda number: here(page=number),
    }
    if course is None:
        return {**told, "by": "mesure", "page": None, "chart": None, "sentences": []}
    return {
        **told,
        "chart": charts.line_chart(_series(patient, kind, asked, course, own), bands=_bands(name, compared)),
        "sentences": _sentences(kind, course, goal.parts if goal else ()),
        "last_within": within(goal.parts, course.last[1]) if goal else None,
        **_table(patient, kind, asked, course, own),
    }


def words_of(kind: Kind, parts: Parts) -> str:
    """Bounds in words: `de 60 à 100 /min`, `haute au plus 134 mmHg, basse au plus 84 mmHg`."""
    names = part_names(kind)
    said = [(name, _side(kind, bounds)) for name, bounds in zip(names, parts, strict=True) if not bounds.is_open]
    return ", ".join(f"{name.lower()} {words}" if len(names) > 1 else words for name, words in said)


def part_names(kind: Kind) -> list[str]:
    """What the series of a kind are called: the two pressures, or the kind itself."""
    return [gettext("Haute"), gettext("Basse")] if kind.components else [kind.label]


def _side(kind: Kind, bounds: Bounds) -> str:
    low, high = number_in_words(bounds.low), number_in_words(bounds.high)
    if bounds.low is None:
        return gettext("au plus %(high)s %(unit)s", high=high, unit=kind.shown_unit)
    if bounds.high is None:
        return gettext("au moins %(low)s %(unit)s", low=low, unit=kind.shown_unit)
    return gettext("de %(low)s à %(high)s %(unit)s", low=low, high=high, unit=kind.shown_unit)


def _bands(name: str, parts: Parts) -> list[charts.Band]:
    return [charts.Band(name, _float(bounds.low), _float(bounds.high)) for bounds in parts if not bounds.is_open]


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _series(patient: PatientView, kind: Kind, asked: Asked, course: Course, own: bool) -> list[charts.Series]:
    """Every measure when there are few, else the extremes of each stretch of time."""
    if course.count <= _MOST_SINGLE:
        found = points.list_points(patient_id=patient.id, kind=kind.name, span=asked.span, limit=_MOST_SINGLE, own=own)
        values: Sequence[Sequence[tuple[Any, Decimal, str]]] = [
            [(point.effective_at, point.values[part], point.author) for point in found]
            for part in range(len(course.summaries))
        ]
    else:
        values = [[(at, value, "") for at, value in extremes] for extremes in course.extremes]
    return [
        charts.Series(name, [_reading(kind, *one) for one in sorted(part)])
        for name, part in zip(part_names(kind), values, strict=True)
    ]


def _reading(kind: Kind, at: Any, value: Decimal, author: str) -> charts.Reading:
    said = f"{day_in_words(at)} : {number_in_words(kind.told(value))} {kind.shown_unit}"
    return charts.Reading(at, float(value), f"{said}, {author}" if author else said)


def _sentences(kind: Kind, course: Course, goal: Parts) -> list[str]:
    """The course in words, for those who do not see the chart and for those who do."""
    at, values = course.last
    said = [gettext("Dernière mesure : %(value)s, le %(day)s.", value=numbers(kind, values), day=day_in_words(at))]
    if course.count > 1:
        for name, one in zip(part_names(kind), course.summaries, strict=True):
            said.append(
                gettext(
                    "%(name)s : de %(least)s à %(most)s, en moyenne %(mean)s.",
                    name=name if kind.components else gettext("Sur la période"),
                    least=number_in_words(kind.told(one.least)),
                    most=numbers(kind, [one.most]),
                    mean=numbers(kind, [round(one.mean, kind.decimals)]),
                )
            )
    if course.count > 1 and not kind.components:
        said.append(_change(kind, course))
    if goal:
        count = ngettext("%(num)s mesure", "%(num)s mesures", course.count)
        said.append(gettext("Dans l’objectif : %(within)s sur %(count)s.", within=course.within, count=count))
    return said


def _change(kind: Kind, course: Course) -> str:
    since = day_in_words(course.first[0])
    change = kind.told(course.last[1][0] - course.first[1][0])
    if not change:
        return gettext("Même valeur que le %(day)s.", day=since)
    sign = "+" if change > 0 else "−"
    return gettext("%(change)s depuis le %(day)s.", change=f"{sign}{numbers(kind, [abs(change)])}", day=since)


def numbers(kind: Kind, values: Sequence[Decimal]) -> str:
    """The numbers of a measure with their unit: `128/82 mmHg`."""
    return f"{'/'.join(number_in_words(kind.told(value)) for value in values)}\u00a0{kind.shown_unit}"


def _table(patient: PatientView, kind: Kind, asked: Asked, course: Course, own: bool) -> dict[str, Any]:
    chosen = asked.by or _usual(asked.period, course.count)
    skip, by, span = _ROWS * (asked.page - 1), _BY[chosen], asked.span
    if by is not None:
        stretches, count = courses.list_stretches(
            patient_id=patient.id, kind=kind.name, span=span, by=by, limit=_ROWS, skip=skip, own=own
        )
        names = [_stretch_name(by, stretch.since) for stretch in stretches]
        page = Page(list(zip(names, stretches, strict=True)), asked.page, _ROWS, count)
        return {"by": chosen, "page": page, "devices": {}}
    found = points.list_points(patient_id=patient.id, kind=kind.name, span=span, limit=_ROWS, skip=skip, own=own)
    ids = {source.device_id for point in found for source in point.sources if source.device_id}
    devices = name_devices(patient_id=patient.id, ids=ids) if ids else {}
    return {"by": chosen, "page": Page(found, asked.page, _ROWS, course.count), "devices": devices}


def _stretch_name(by: By, since: date) -> str:
    return format_date(since, "MMMM yyyy") if by is By.MONTH else day_in_words(since)


def _usual(period: str, count: int) -> str:
    """Each measure while there are few; then days, weeks or months, by the length of the period."""
    if count <= _MOST_SINGLE:
        return "mesure"
    return {"annee": "semaine", "tout": "mois"}.get(period, "jour")


def _period_names() -> dict[str, str]:
    return {
        "semaine": gettext("Une semaine"),
        "mois": gettext("Un mois"),
        "trimestre": gettext("Trois mois"),
        "annee": gettext("Un an"),
        "tout": gettext("Tout"),
    }


def _grouping_names() -> dict[str, str]:
    return {
        "mesure": gettext("Chaque mesure"),
        "jour": gettext("Par jour"),
        "semaine": gettext("Par semaine"),
        "mois": gettext("Par mois"),
    }
