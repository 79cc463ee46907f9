"""Ten years of fictitious measures for the demonstration people, the same at each run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import sin, tau
from random import Random
from uuid import UUID

from dmp_core.categories import KINDS, Kind
from dmp_core.fhir import measures as fhir
from dmp_core.queries import points
from dmp_core.service.drafts import Author, Draft, draft, store
from dmp_core.service.typed import circumstances

SOURCE = "urn:ens:demonstration"
_AT_ONCE = 1000
_YEAR = timedelta(days=365.25)


@dataclass(frozen=True, slots=True)
class Course:
    """How a value goes on: every so many days, around a mean that drifts each year and swings with the season."""

    every_days: float
    mean: float
    swing: float
    noise: float
    drift: float = 0


COURSES = {
    "body-weight": Course(7, 77.5, 1.2, 0.5, 0.25),
    "body-height": Course(365, 168, 0, 0),
    "blood-pressure": Course(10, 126, 4, 6, 0.5),
    "temperature": Course(60, 36.8, 0.2, 0.3),
    "heart-rate": Course(10, 68, 3, 6),
    "blood-glucose": Course(30, 96, 4, 9, 0.6),
    "interstitial-glucose": Course(90, 108, 3, 6),
    "hba1c": Course(182, 5.6, 0, 0.15, 0.03),
    "gmi": Course(90, 5.9, 0.1, 0.15),
    "pain": Course(45, 3, 1, 1.5),
    "steps": Course(7, 6800, 1500, 1800, -60),
    "waist-circumference": Course(90, 84, 0.8, 0.8, 0.3),
    "head-circumference": Course(730, 56, 0, 0.1),
    "oxygen-saturation": Course(30, 97, 0.3, 0.9),
    "respiratory-rate": Course(60, 15, 0.5, 1.5),
}
CHILD_COURSES = {
    "body-weight": Course(60, 26, 0.2, 0.2, 2.6),
    "body-height": Course(120, 128, 0, 0, 6),
    "temperature": Course(60, 37, 0.2, 0.4),
    "heart-rate": Course(90, 88, 2, 6),
    "head-circumference": Course(365, 52, 0, 0.1, 0.5),
}


def add_measures_for_demo(
    *,
    patient_id: UUID,
    until: datetime,
    years: int = 10,
    courses: Mapping[str, Course] = COURSES,
    author: str = "Démonstration",
) -> int:
    """Fill the record of a synthetic patient with measures of these courses; returns how many were stored.

    A record that has measures already is left as it is. The transaction is bound to the patient.
    """
    if points.list_latest(patient_id=patient_id):
        return 0
    writer = Author(patient_id, "demonstration", None, author, SOURCE)
    random = Random(patient_id.int)  # noqa: S311 - figures of a demonstration
    drafts = [item for kind, course in courses.items() for item in _drafts(KINDS[kind], course, until, years, random)]
    for start in range(0, len(drafts), _AT_ONCE):
        store(drafts[start : start + _AT_ONCE], writer)
    return len(drafts)


def _drafts(kind: Kind, course: Course, until: datetime, years: int, random: Random) -> Iterator[Draft]:
    at = until - years * _YEAR
    chosen = next(iter(circumstances(kind)), None)
    extension = None
    if chosen:
        extension = fhir.moment_extension(chosen) if kind.moment == "required" else fhir.days_extension(chosen)
    while at <= until:
        share = (at - until) / _YEAR
        value = course.mean + course.drift * share + course.swing * sin(tau * share) + random.gauss(0, course.noise)
        values = [_rounded(value, kind)]
        if kind.components:
            values.append(_rounded(value * 0.62 + random.gauss(0, 3), kind))
        minute = at.replace(second=0, microsecond=0)
        resource = fhir.write_observation(kind, values, minute, patient_reference="demonstration", extension=extension)
        yield draft(resource, "demonstration")
        at += timedelta(days=course.every_days * random.uniform(0.8, 1.2))


def _rounded(value: float, kind: Kind) -> Decimal:
    bounded = min(max(Decimal(str(value)), kind.low), kind.high)
    return round(bounded, kind.decimals) if kind.decimals else Decimal(int(bounded))
