"""The rules of the search: words, questions, synonyms, extracts, facets, what is worth a look."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmp_core.rules.search.asking import read_question
from dmp_core.rules.search.corrections import is_likely, propose
from dmp_core.rules.search.extracts import extract
from dmp_core.rules.search.facets import Count, Facet, count, narrow
from dmp_core.rules.search.noticing import (
    First,
    NoticeKind,
    Reading,
    notice_readings,
    notice_specialties,
    notice_treatments,
)
from dmp_core.rules.search.synonyms import GROUPS, read_expression
from dmp_core.rules.search.vectors import Passage, words_to_learn, write_vector
from dmp_core.rules.search.words import compose, fold, stem, words_of

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ONE = UUID(int=1)
REPORTS = "documents.hospital-reports"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("œdème", "oedeme"),
        ("Œdèmes", "OEDEME"),
        ("hypertensions", "hypertension"),
        ("artérielles", "artériel"),
        ("opérée", "opere"),
        ("rénaux", "rénale"),
        ("nævus", "naevus"),
        ("12,5", "12.5"),
    ],
)
def test_a_word_and_its_other_forms_are_one(one: str, other: str) -> None:
    assert stem(fold(one)) == stem(fold(other))


def test_words_are_cut_at_apostrophes_and_hyphens_but_codes_and_decimals_stay() -> None:
    found = [word.text for word in words_of("L’œil, aujourd’hui : J45.9 à 12,5 mg ; gastro-entérologie.")]
    assert found == ["oeil", "aujourd", "hui", "j45.9", "12.5", "mg", "gastro", "enterologie"]


def test_a_vector_keeps_stems_words_places_and_weights_and_no_expression_spans_two_passages() -> None:
    written = write_vector([Passage("Œdème aigu", "A"), Passage("Œdèmes", "D")])
    assert written == "'oedem':1A,13D '=oedeme':1A 'aigu':2A '=aigu':2A '=oedemes':13D"


def test_only_words_that_may_be_misspelt_are_learnt() -> None:
    assert words_to_learn([Passage("Le rein, 128 µmol, T4 : hypertension, hypertension", "D")]) == [
        "hypertension",
        "rein",
        "μmol",
    ]


@pytest.mark.parametrize(
    ("typed", "every"),
    [
        ("genoux gauches", "('genou') & ('gauch')"),
        ('"genou droit"', "('genou' <-> 'droit')"),
        ("«genou droit", "('genou' <-> 'droit')"),
        ("genou -droit", "('genou') & !('droit')"),
        ('genou -"côté droit"', "('genou') & !('cot' <-> 'droit')"),
        ("médicam*", "('=medicam':*)"),
        ("sous-jacent", "('sous' <-> 'jacent')"),
        ("quel genou ?", "('genou')"),
        ("quel ?", "('quel')"),
        ("reins", "(('rein') | ('renal'))"),
    ],
)
def test_what_is_typed_becomes_a_query(typed: str, every: str) -> None:
    assert read_question(typed).every == every


@pytest.mark.parametrize("typed", ["", "   ", "-tabac", "de la", "*", '"', "??", "l’"])
def test_a_question_without_a_word_to_find_is_empty(typed: str) -> None:
    assert read_question(typed).is_empty


@given(st.text(max_size=200))
def test_any_text_is_a_question_and_an_extract(text: str) -> None:
    question = read_question(text)
    assert question.is_empty or question.every
    composed = compose(text)
    shown = "".join(piece.text for piece in extract(composed, question))
    assert len(shown) <= len(composed) + 8 and str(read_question(str(question))) == str(question)


def test_every_group_of_synonyms_has_two_expressions_that_can_be_looked_for() -> None:
    assert len(GROUPS) >= 150
    assert [group for group in GROUPS if len({read_expression(text) for text in group} - {()}) < 2] == []
    assert [text for group in GROUPS for text in group if not read_expression(text)] == []


@pytest.mark.parametrize(
    ("typed", "also"),
    [("HTA", "'hypertens' <-> 'arteriel'"), ("infarctus du myocarde", "'idm'"), ("IRM", "'imager' <-> 'reson'")],
)
def test_an_abbreviation_and_what_it_stands_for_find_one_another(typed: str, also: str) -> None:
    assert also in read_question(typed).every


def test_two_words_may_be_one_and_a_word_may_be_misspelt() -> None:
    question = read_question("hyper tention genou 12")
    assert propose(question, ["hyper", "tention"]) == [
        ("hyper", "tention"),
        ("tention", "genou"),
        ("hyper",),
        ("tention",),
    ]
    assert is_likely(("hyper", "tention"), "hypertension", 0.6, ["hyper"])
    assert not is_likely(("douleur", "tention"), "douleur", 0.44, ["tention"])
    assert not is_likely(("mal", "dos"), "malades", 0.5, [])
    assert is_likely(("tention",), "tension", 0.45, ["tention"])
    assert is_likely(("ypertension",), "hypertension", 0.6, ["ypertension"])
    assert not is_likely(("operation",), "recuperation", 0.44, ["operation"])
    assert str(question.corrected({("hyper", "tention"): "hypertension"})) == "hypertension genou 12"


def test_an_extract_shows_the_lines_that_hold_most_and_marks_them() -> None:
    text = "Rien à dire. " * 40 + "La pression artérielle\nest haute, le genou\tva bien. " + "Fin du texte. " * 40
    pieces = extract(text, read_question('genou "pression artérielle"'))
    assert [piece.text for piece in pieces if piece.found] == ["pression artérielle", "genou"]
    assert pieces[0].text == "… " and pieces[-1].text == " …"
    assert "\n" not in "".join(piece.text for piece in pieces)
    assert sum(len(piece.text) for piece in pieces) < 300


def match(**about: object) -> SimpleNamespace:
    plain = {"category": "documents.biology", "author": "", "specialty": "", "institution": "", "effective_at": NOW}
    return SimpleNamespace(**{**plain, **about})


def test_each_facet_is_counted_among_what_the_other_choices_leave() -> None:
    found = [match(specialty="Cardiologie"), match(specialty="Cardiologie", author="Dr A"), match(author="Dr A")]
    chosen = {Facet.SPECIALTY: "Cardiologie", Facet.KIND: ""}
    assert len(narrow(found, chosen)) == 2
    counted = count(found, chosen)
    assert counted[Facet.AUTHOR] == [Count("Dr A", 1)]
    assert counted[Facet.SPECIALTY] == [Count("Cardiologie", 2)]
    assert counted[Facet.YEAR] == [Count("2026", 2)]


def series(*values: str, low: str = "", high: str = "", age: int = 1) -> list[Reading]:
    """Values of one name, the latest first, ten days apart."""
    bounds = [Decimal(one) if one else None for one in (low, high)]
    at = NOW - timedelta(days=age)
    return [
        Reading("results.biology", "K", at - timedelta(days=10 * n), Decimal(v), "u", *bounds)
        for n, v in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("readings", "kinds"),
    [
        (series("5.6", "4", low="3.5", high="5.1"), [NoticeKind.OUT_OF_RANGE]),
        (series("3.4", low="3.5"), [NoticeKind.OUT_OF_RANGE]),
        (series("5.1", "9", low="3.5", high="5.1"), []),
        (series("80", "70", "70.5", "71", "70", "69.5", "70"), [NoticeKind.UNUSUAL]),
        (series("71", "70", "70.5", "71", "70", "69.5", "70"), []),
        (series("80", "70", "70", "70"), []),
        (series("9", low="1", high="5", age=400), []),
        (series("9", low="1", high="5", age=-2), []),
    ],
)
def test_a_value_is_noticed_out_of_its_range_or_of_the_habit(readings: list[Reading], kinds: list[NoticeKind]) -> None:
    assert [notice.kind for notice in notice_readings(readings, NOW)] == kinds


def test_a_specialty_is_new_when_the_record_is_older_than_it() -> None:
    old, new = NOW - timedelta(days=900), NOW - timedelta(days=9)
    seen = {"Cardiologie": First(REPORTS, old, ONE), "Néphrologie": First(REPORTS, new, ONE)}
    found = list(notice_specialties(seen, NOW))
    assert [(one.kind, one.label) for one in found] == [(NoticeKind.NEW_SPECIALTY, "Néphrologie")]
    assert list(notice_specialties({"Néphrologie": First(REPORTS, new, ONE)}, NOW)) == []


def test_a_treatment_that_stopped_lately_is_noticed_unless_it_goes_on() -> None:
    def treatment(label: str, status: str, ends: int | None = None) -> SimpleNamespace:
        ends_at = None if ends is None else NOW - timedelta(days=ends)
        said = {"category": "profile.treatments", "label": label, "status": status}
        return SimpleNamespace(**said, ends_at=ends_at, updated_at=NOW, document_id=None)

    found = [
        treatment("ramipril", "active", 5),
        treatment("statine", "active", 300),
        treatment("aspirine", "stopped"),
        treatment("apixaban", "active", 5),
        treatment("apixaban", "active"),
        treatment("fer", "active", -5),
    ]
    assert [one.label for one in notice_treatments(found, NOW)] == ["ramipril", "aspirine"]
