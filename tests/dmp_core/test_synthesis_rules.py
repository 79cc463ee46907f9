"""The rules of the medical summary: the same fact told twice, what a doctor made of a line, what goes on for long."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from dmp_core.rules.prescriptions.lines import Line as Prescribed
from dmp_core.rules.prescriptions.lines import LineKind
from dmp_core.rules.synthesis.drafts import Added, Decision, Draft, Line, News, digest, lay_out
from dmp_core.rules.synthesis.facts import Coded, Fact, Source, denies, name_of, names_of, propose
from dmp_core.rules.synthesis.sections import BODY, SECTIONS, Group, Section
from dmp_core.rules.synthesis.telling import is_long_term

ICD = "http://hl7.org/fhir/sid/icd-10"


def fact(text: str, *codes: str, section: str = "pathologies", year: int = 2026, **more: object) -> Fact:
    source = Source(label=f"Document de {year}", at=datetime(year, 1, 1, tzinfo=UTC))
    return Fact(section=section, text=text, names=names_of(section, text, codes), source=source, **more)  # type: ignore[arg-type]


def test_facts_that_share_words_or_a_code_make_one_line_led_by_the_latest_source() -> None:
    told = fact("Asthme", year=2024)
    coded = fact("ASTHME", f"{ICD}|J45", year=2020, coded=Coded(code="J45"))
    renamed = fact("Asthme allergique", f"{ICD}|J45", section="antecedents", year=2025)
    (only,) = propose([told, coded, renamed])
    assert (only.fact.text, only.fact.section, only.fact.coded.code) == ("Asthme allergique", "antecedents", "J45")
    assert [one.label for one in only.sources] == ["Document de 2025", "Document de 2024", "Document de 2020"]
    assert only.names >= told.names | coded.names | renamed.names


def test_facts_of_two_subjects_are_never_the_same() -> None:
    found = propose([fact("Pénicilline", section="allergies"), fact("Pénicilline", section="traitements")])
    assert sorted(one.fact.section for one in found) == ["allergies", "traitements"]


ASTHMA = propose([fact("Asthme, depuis 1997")])
NAMES = tuple(sorted(ASTHMA[0].names))
KEPT, LEFT = Decision(NAMES, "Asthme", "Asthme", True), Decision(NAMES, "Asthme", "Asthme", False)
REWORDED = Decision(NAMES, "Asthme", "Asthme équilibré", True)
SAME = Decision(NAMES, "Asthme, depuis 1997", "Asthme, depuis 1997", True)


@pytest.mark.parametrize(
    ("draft", "anew", "line"),
    [
        (None, False, ("Asthme, depuis 1997", True, News.NONE, "")),
        (Draft(), False, ("Asthme, depuis 1997", False, News.NEW, "")),
        (Draft(), True, ("Asthme, depuis 1997", True, News.NEW, "")),
        (Draft([SAME]), False, ("Asthme, depuis 1997", True, News.NONE, "")),
        (Draft([KEPT]), False, ("Asthme, depuis 1997", True, News.CHANGED, "")),
        (Draft([LEFT]), False, ("Asthme, depuis 1997", False, News.CHANGED, "")),
        (Draft([REWORDED]), False, ("Asthme équilibré", True, News.CHANGED, "Asthme, depuis 1997")),
        (Draft([REWORDED]), True, ("Asthme équilibré", True, News.CHANGED, "Asthme, depuis 1997")),
    ],
)
def test_the_doctors_words_stay_and_what_moved_is_told(
    draft: Draft | None, anew: bool, line: tuple[str, bool, News, str]
) -> None:
    (found,) = lay_out(ASTHMA, draft, anew=anew)
    assert (found.text, found.kept, found.news, found.record_says) == line


def test_a_line_of_the_doctors_own_becomes_a_fact_once_it_was_signed() -> None:
    draft = Draft(added=[Added("pathologies", "Lombalgie"), Added("contexte", "Vit seule")])
    recorded = propose([fact("Lombalgie")])
    assert [one.text for one in lay_out(recorded, draft)] == ["Lombalgie", "Lombalgie", "Vit seule"]
    known, own = lay_out(recorded, draft, anew=True)
    assert (known.text, known.kept, known.news, bool(known.proposal)) == ("Lombalgie", True, News.NONE, True)
    assert (own.text, own.proposal) == ("Vit seule", None)


def test_what_is_over_follows_what_goes_on_and_one_s_own_lines_close_the_section() -> None:
    facts = [fact("Arrêté", section="traitements", ended=True), fact("Pris", section="traitements", year=2020)]
    lines = lay_out(propose(facts), Draft(added=[Added("traitements", "Ajouté"), Added("pathologies", "Avant")]))
    assert [one.text for one in lines] == ["Avant", "Pris", "Arrêté", "Ajouté"]


def test_a_draft_is_written_and_read_and_keeps_what_a_page_did_not_show() -> None:
    before = Draft([REWORDED, replace(KEPT, names=("pathologies:goutte",))], [], {"allergies": "À revoir"})
    posted = Draft([LEFT], [Added("contexte", "Vit seule")], {})
    found = Draft.read(posted.after(before).write())
    assert found == Draft([LEFT, before.decisions[1]], [Added("contexte", "Vit seule")], {})
    assert Draft.read(before.write()) == before


def test_two_summaries_are_told_apart_by_what_is_read_of_them() -> None:
    line = Line("pathologies", "Asthme", kept=True)
    alike = [[line], [line, Line("pathologies", "Écarté", kept=False)]]
    others = [[replace(line, text="Asthme léger")], [replace(line, section="antecedents")], []]
    assert len({digest(lines, {}, None) for lines in alike}) == 1
    moved = {digest(alike[0], {"allergies": "Aucune"}, None), digest(alike[0], {}, UUID(int=1))}
    assert len({digest(lines, {}, None) for lines in [alike[0], *others]} | moved) == 6


@pytest.mark.parametrize(
    ("words", "denied"),
    [
        ("Aucune allergie connue", True),
        ("Pas d’allergie", True),
        ("Absence d’allergie connue", True),
        ("Non fumeur", True),
        ("Paracétamol", False),
        ("Arachide", False),
        ("Sansert", False),
    ],
)
def test_a_line_that_denies_is_no_fact_for_programs(words: str, denied: bool) -> None:
    assert denies(words) is denied


def test_the_name_of_a_fact_forgets_accents_case_and_signs() -> None:
    assert name_of("pathologies", "Hypertension  artérielle (HTA)") == name_of(
        "antecedents", "hypertension arterielle HTA"
    )


@pytest.mark.parametrize(
    ("days", "repeats", "long"),
    [(None, None, True), (7, None, False), (7, 2, False), (7, 3, True), (27, None, False), (28, None, True)],
)
def test_what_is_prescribed_for_four_weeks_renewals_included_is_for_long(
    days: int | None, repeats: int | None, long: bool
) -> None:
    prescribed = Prescribed(
        document_id=UUID(int=1),
        number=1,
        kind=LineKind.PRESCRIPTION,
        label="Essai",
        written_on=date(2026, 3, 1),
        days=days,
        repeats=repeats,
    )
    assert is_long_term(prescribed) is long


def test_the_document_nests_every_section_once() -> None:
    def leaves(parts: Sequence[Section | Group]) -> list[str]:
        return [name for one in parts for name in (leaves(one.sections) if isinstance(one, Group) else [one.name])]

    assert leaves(BODY) == list(SECTIONS)
