"""Dates, numbers and punctuation as they are written in French."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from flask import Flask, render_template_string

from platform_core.french import day_in_figures, day_in_words, in_words, number_in_words, size_in_words, typeset


@pytest.mark.parametrize(
    ("instant", "words"),
    [
        (datetime(2026, 11, 21, 13, 5, tzinfo=UTC), "21\u00a0novembre 2026 à\u00a014\u00a0h\u00a005"),
        (datetime(2026, 6, 30, 22, 0, tzinfo=UTC), "1er\u00a0juillet 2026 à\u00a00\u00a0h\u00a000"),
        (None, ""),
    ],
)
def test_an_instant_is_said_in_the_time_of_paris(instant: datetime | None, words: str) -> None:
    assert in_words(instant) == words


@pytest.mark.parametrize(
    ("day", "words", "figures"),
    [
        (date(2026, 3, 1), "1er\u00a0mars 2026", "01/03/2026"),
        (datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "1er\u00a0janvier 2027", "01/01/2027"),
        (None, "", ""),
    ],
)
def test_a_day_is_the_day_in_paris(day: date | None, words: str, figures: str) -> None:
    assert (day_in_words(day), day_in_figures(day)) == (words, figures)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Decimal("72.40"), "72,40"),
        (Decimal("1250"), "1\u202f250"),
        (1234567.25, "1\u202f234\u202f567,25"),
        (Decimal("-0.123456"), "-0,123456"),
        (Decimal("0." + "1" * 38), "0," + "1" * 38),
        (Decimal("1E+29"), "100" + "\u202f000" * 9),
        (0, "0"),
        (None, ""),
    ],
)
def test_a_number_keeps_its_decimals(value: Decimal | float | None, words: str) -> None:
    assert number_in_words(value) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (812, "812 octets"),
        (64 * 1024, "64 Ko"),
        (999 * 1024, "999 Ko"),
        (2_500_000, "2,4 Mo"),
        (25 * 1024**2, "25 Mo"),
    ],
)
def test_a_size_is_said_in_the_unit_that_suits_it(size: int, words: str) -> None:
    assert size_in_words(size) == words.replace(" ", "\u00a0")


@pytest.mark.parametrize(
    ("text", "typeset_text"),
    [
        ("Erreur : trop tôt !", "Erreur\u00a0: trop tôt\u202f!"),
        ("« oui » ; non ?", "«\u202foui\u202f»\u202f; non\u202f?"),
        ("http://exemple.fr:80 ou 12:30", "http://exemple.fr:80 ou 12:30"),
        ("Fin :", "Fin\u00a0:"),
    ],
)
def test_punctuation_stays_with_its_word(text: str, typeset_text: str) -> None:
    assert typeset(text) == typeset_text


@pytest.mark.parametrize(("count", "text"), [(0, "0 accès unique"), (1, "1 accès unique"), (2, "2 accès uniques")])
def test_zero_and_one_are_singular(app: Flask, count: int, text: str) -> None:
    template = '{{ ngettext("%(num)s accès unique", "%(num)s accès uniques", count) }}'
    with app.test_request_context("/"):
        assert render_template_string(template, count=count) == text


def test_pages_are_in_french_whatever_the_browser_asks(app: Flask) -> None:
    with app.test_request_context("/", headers={"Accept-Language": "en-GB"}):
        assert render_template_string("{{ 1.5|number }}") == "1,5"
