"""Extracts: the few lines of a text around what was looked for, with the words found marked."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from dmp_core.rules.search.asking import Question
from dmp_core.rules.search.words import Word, stem, words_of

_WIDTH = 240
_BEFORE = 60
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an extract; `found` when it is what was looked for."""

    text: str
    found: bool = False


def extract(text: str, question: Question) -> list[Piece]:
    """The most telling lines of a composed text: those that hold the most different things looked for, the first else.

    Nothing of an empty text.
    """
    words = list(words_of(text))
    marks = _merged(sorted(_marks(words, question.stems, question.beginnings)))
    start, stop = _window(text, marks)
    pieces = [Piece("… ")] if start > 0 and text[:start].strip() else []
    pieces += _pieces(text, start, stop, [(first, last) for first, last, _ in marks if start <= first and last <= stop])
    return [*pieces, Piece(" …")] if text[stop:].strip() else pieces


Mark = tuple[int, int, str]


def _marks(words: Sequence[Word], stems: Collection[tuple[str, ...]], beginnings: Collection[str]) -> Iterator[Mark]:
    """Where expressions stand: first and last character, and what it is."""
    first_stems = {one[0] for one in stems}
    of_words = [stem(word.text) for word in words]
    for place, word in enumerate(words):
        if of_words[place] in first_stems:
            for one in stems:
                if tuple(of_words[place : place + len(one)]) == one:
                    yield word.start, words[place + len(one) - 1].end, " ".join(one)
        if any(word.text.startswith(beginning) for beginning in beginnings):
            yield word.start, word.end, of_words[place]


def _merged(marks: Sequence[Mark]) -> list[Mark]:
    """Marks that do not overlap: of two that do, the first, or the longer."""
    kept: list[Mark] = []
    for mark in marks:
        if kept and mark[0] < kept[-1][1]:
            if mark[1] > kept[-1][1]:
                kept[-1] = (kept[-1][0], mark[1], mark[2])
            continue
        kept.append(mark)
    return kept


def _window(text: str, marks: Sequence[Mark]) -> tuple[int, int]:
    """The characters to show: whole words, around the richest place."""
    begins, best, most = [first for first, _, _ in marks], 0, 0
    for number, (first, _, _) in enumerate(marks):
        inside = marks[number : bisect_right(begins, first + _WIDTH - _BEFORE)]
        found = len({what for _, _, what in inside})
        if found > most:
            best, most = first, found
    start = _word_start(text, max(0, best - _BEFORE))
    stop = min(len(text), max(start + _WIDTH, marks[bisect_left(begins, best)][1] if marks else 0))
    while stop < len(text) and not text[stop].isspace() and stop - start < 2 * _WIDTH:
        stop += 1
    return start, stop


def _word_start(text: str, place: int) -> int:
    """The start of the first whole word from there on."""
    if place == 0:
        return 0
    after = next((at for at in range(place, min(place + _BEFORE, len(text))) if text[at].isspace()), place - 1)
    return after + 1


def _pieces(text: str, start: int, stop: int, marks: Sequence[tuple[int, int]]) -> Iterator[Piece]:
    for first, last in marks:
        if start < first:
            yield Piece(_BLANKS.sub(" ", text[start:first]))
        yield Piece(text[first:last], found=True)
        start = last
    if start < stop:
        yield Piece(_BLANKS.sub(" ", text[start:stop]))
