"""Words: how a text is cut into them, and the forms under which one is kept and looked for.

Stemming is done here, not by a configuration of the database: what is stored, what is asked and what an extract marks
go through the same code, and no dictionary of a server can make them differ.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import snowballstemmer

LONGEST = 60
_WORD = re.compile(r"[^\W_]+(?:[.,][0-9]+(?![^\W_]))*")
_LIGATURES = str.maketrans({"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE"})
_stemmer = snowballstemmer.stemmer("french")

# Words that say nothing of what is looked for. « pas » and « sans » do.
EMPTY = frozenset(
    "a au aux avec c ce ces cette d dans de des du elle en est et eux il ils j je l la le les leur leurs lui m ma mais"
    " me mes moi mon n ne nos notre nous on ou par pour qu que qui s sa se ses son sur t ta te tes toi ton tu un une"
    " vos votre vous y".split()
)


class Word(NamedTuple):
    """A word of a text, folded, and where it stands there."""

    text: str
    start: int
    end: int


def compose(text: str) -> str:
    """The text with its accents composed, and without what PostgreSQL does not store."""
    return unicodedata.normalize("NFC", text).replace("\0", " ")


def words_of(text: str) -> Iterator[Word]:
    """The words of a composed text, in order: folded, a decimal comma made a point. Empty ones are left out."""
    for found in _WORD.finditer(text):
        folded = fold(found[0])
        if folded and folded not in EMPTY:
            yield Word(folded, found.start(), found.end())


@lru_cache(maxsize=50_000)
def fold(word: str) -> str:
    """Small letters without accents nor ligatures: `Œdème` and `oedeme` are one word."""
    decomposed = unicodedata.normalize("NFKD", word.translate(_LIGATURES))
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter)).lower()
    return "".join(_WORD.findall(plain.replace(",", ".")))[:LONGEST]


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The stem of a folded word by the rules of French (Snowball), and by those of « -ée » that lost its accent.

    Numbers and codes are their own.
    """
    if any(letter.isdigit() for letter in word):
        return word
    found: str = _stemmer.stemWord(word)
    while len(found) > 4 and found.endswith("e"):
        found = found[:-1]
    return found
