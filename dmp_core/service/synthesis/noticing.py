"""Points of attention: what stopped, a value out of habit, a late vaccine, prescriptions that ask a question.

They ask to be looked at, and diagnose nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from dmp_core.models.entries import EntryRow
from dmp_core.rules.entries.kinds import TREATMENTS
from dmp_core.rules.prescriptions.attention import Attention, Why
from dmp_core.rules.results import unit_in_words
from dmp_core.rules.search.noticing import NoticeKind, Reading, notice_readings, notice_treatments
from dmp_core.rules.synthesis.facts import Fact, Source, names_of
from dmp_core.rules.synthesis.sections import ATTENTION
from dmp_core.rules.vaccinations.standing import State
from dmp_core.service.professionals.records import Opening
from dmp_core.service.vaccinations import find_standing
from platform_core import clock
from platform_core.french import day_in_figures, number_in_words

SourceOf = Callable[[EntryRow], Source]


def list_attention(
    opening: Opening,
    *,
    rows: Sequence[EntryRow],
    given: Sequence[EntryRow],
    results: Sequence[EntryRow],
    sources: SourceOf,
) -> list[Fact]:
    """The points of attention of a record, from what was read of it already."""
    return [
        *_stopped(rows, sources),
        *_unusual(results),
        *_late(opening, given),
    ]


def list_questions(attentions: Sequence[Attention], source_of: Callable[[UUID], Source]) -> list[Fact]:
    """What deserves a question in the prescriptions that are in use, each with its prescription."""
    return [_fact(_question(one), source_of(one.line.document_id)) for one in attentions]


def _question(one: Attention) -> str:
    medicine = one.line.label
    match one.why:
        case Why.ALLERGY | Why.ALLERGY_CLASS:
            return f"{medicine} est prescrit, une allergie est notée : {one.other}"
        case Why.SUBSTANCE:
            return f"{medicine} et {one.other} : même substance, deux ordonnances en cours"
        case Why.GROUP:
            return f"{medicine} et {one.other} : même famille, deux ordonnances en cours"
    return f"{medicine} : rien de délivré depuis le {day_in_figures(one.since)}"


def _stopped(rows: Sequence[EntryRow], sources: SourceOf) -> Iterator[Fact]:
    treatments = {row.label: row for row in rows if row.category == TREATMENTS.category}
    for notice in notice_treatments(treatments.values(), clock.now()):
        yield _fact(
            f"Traitement arrêté : {notice.label}, le {day_in_figures(notice.at)}", sources(treatments[notice.label])
        )


def _unusual(results: Sequence[EntryRow]) -> Iterator[Fact]:
    """Values within the usual range, and far from the person's own habit; those out of range stand among results."""
    readings = [
        Reading(
            category=row.category,
            label=row.label,
            at=row.effective_at,
            value=row.value,
            unit=row.unit,
            low=row.low,
            high=row.high,
            document_id=row.document_id,
        )
        for row in results
        if row.value is not None
    ]
    for notice in notice_readings(readings, clock.now()):
        if notice.kind is NoticeKind.UNUSUAL:
            value, usual = number_in_words(notice.value), number_in_words(notice.usual)
            text = f"{notice.label} : {value} {unit_in_words(notice.unit)}, d’habitude {usual}"
            yield _fact(text, Source(label="Résultats de biologie", at=notice.at, document_id=notice.document_id))


def _late(opening: Opening, given: Sequence[EntryRow]) -> Iterator[Fact]:
    now = clock.now()
    for one in find_standing(born=opening.patient.birth_date, rows=given):
        if one.state is State.LATE:
            yield _fact(f"Vaccination en retard : {one.target.label}", Source(label="Calendrier vaccinal", at=now))


def _fact(text: str, source: Source) -> Fact:
    return Fact(section=ATTENTION.name, text=text, names=names_of(ATTENTION.name, text), source=source)
