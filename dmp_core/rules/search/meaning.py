"""Meanings as vectors, and what of a text and of a question the model is given to tell them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dmp_core.rules.search.asking import read_pieces
from dmp_core.rules.search.synonyms import SYNONYMS
from dmp_core.rules.search.words import fold, stem

MOST_CHARACTERS = 800
"""How much of a text is given: two hundred words tell what it is about, and bound what a record costs."""
_TELLING = frozenset(
    "conclusion conclusions diagnostic diagnostics synthese resume motif indication interpretation impression".split()
)
_HEADING_WORDS = 4
_PARAGRAPH = re.compile(r"\s*\n\s*")


@dataclass(frozen=True, slots=True)
class Meaning:
    """A vector of length 1, and the model that made it: those of another model tell nothing beside it."""

    model: str
    vector: Sequence[float]

    @property
    def numbers(self) -> str:
        """The vector as pgvector reads it."""
        return f"[{','.join(f'{number:.5f}' for number in self.vector)}]"


def tell(about: Sequence[str], text: str) -> str:
    """The most telling part of a text: what it is about, its conclusions, then its beginning."""
    paragraphs = [one for one in _PARAGRAPH.split(text) if one]
    telling = [place for place, one in enumerate(paragraphs) if _opens_conclusion(one)]
    first = {near for place in telling for near in (place, place + 1) if near < len(paragraphs)}
    ordered = [*sorted(first), *(place for place in range(len(paragraphs)) if place not in first)]
    parts = [*dict.fromkeys(one for one in about if one), *(paragraphs[place] for place in ordered)]
    return ". ".join(parts)[:MOST_CHARACTERS]


def ask(text: str) -> str:
    """What is asked, without what is excluded, and with what its abbreviations stand for: no model knows them all."""
    said = [piece for piece in read_pieces(text) if piece]
    stems = {stem(fold(word)): word for one in said for word in one.split()}
    others = [" ".join(other) for key in stems for other in sorted(SYNONYMS.get((key,), ()))]
    return ", ".join([" ".join(said), *others]) if said else ""


def _opens_conclusion(paragraph: str) -> bool:
    """Whether a paragraph begins as a conclusion does, as its heading or in its own line."""
    opening = paragraph.split(maxsplit=_HEADING_WORDS)[:_HEADING_WORDS]
    return any(fold(word) in _TELLING for word in opening)
