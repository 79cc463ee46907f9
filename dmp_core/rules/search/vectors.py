"""What is kept of a text so that it is found: stems with their places and weights, and the words themselves."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from dmp_core.rules.search.words import stem, words_of

MOST_CHARACTERS = 150_000
"""How much of one text is read: some fifty dense pages."""
WHOLE = "="
"""Before a word as it is written, which a beginning of word is looked for in: that of its stem may be shorter."""
_GAP = 10
_MOST_PLACES = 16_383  # PostgreSQL §12.11
_LAST = 200
_SHORTEST_LEARNT = 4


@dataclass(frozen=True, slots=True)
class Passage:
    """A composed text and its weight, from A, the most telling, to D."""

    text: str
    weight: str


def write_vector(passages: Sequence[Passage]) -> str:
    """The `tsvector` of the passages, as PostgreSQL reads it. No expression spans two of them."""
    places: dict[str, list[str]] = defaultdict(list)
    place = 0
    for passage in passages:
        for word in words_of(passage.text):
            place = min(place + 1, _MOST_PLACES)
            for lexeme in (stem(word.text), WHOLE + word.text):
                if len(places[lexeme]) < _LAST:
                    places[lexeme].append(f"{place}{passage.weight}")
        place = min(place + _GAP, _MOST_PLACES)
    return " ".join(f"'{lexeme}':{','.join(found)}" for lexeme, found in places.items())


def words_to_learn(passages: Sequence[Passage]) -> list[str]:
    """The words that a misspelt one may stand for, in order, each once."""
    found = {word.text for passage in passages for word in words_of(passage.text)}
    return sorted(word for word in found if len(word) >= _SHORTEST_LEARNT and word.isalpha())
