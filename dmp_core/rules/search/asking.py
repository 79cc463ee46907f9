"""What a person typed, made into a question to the database: words, "expressions", beginnings*, -exclusions, synonyms.

Any text is a question; at worst it asks for nothing.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from dmp_core.rules.search.synonyms import SYNONYMS, Expression
from dmp_core.rules.search.vectors import WHOLE
from dmp_core.rules.search.words import compose, stem, words_of

MOST_TERMS = 16
LONGEST = 400
_QUOTES = str.maketrans(dict.fromkeys("“”„«»", '"'))
_PIECE = re.compile(r'(?P<not>(?<!\S)-)?(?:"(?P<said>[^"]*)"?|(?P<bare>[^\s"]+))')
_SHORTEST_BEGINNING = 2
# Words of a question that documents do not answer with.
_OF_QUESTIONS = frozenset(
    "ai as avez avons aujourd combien comment compte comptes date deja dernier derniere dernieres derniers document"
    " documents dois doit donne donner encore etait eu faire fait faite hui laquelle lequel montre montrer parle"
    " parlent passe passee pourquoi prochain quand quel quelle quelles quels quoi recent recente recents rendu rendus"
    " resultat resultats savoir sais suis suivi sont tous tout toute toutes trouve trouver cherche chercher".split()
)


@dataclass(frozen=True, slots=True)
class Term:
    """One thing looked for: words that follow one another. `beginning`: the last is only the beginning of a word."""

    words: Expression
    beginning: bool = False
    excluded: bool = False
    said: bool = False

    @property
    def is_word(self) -> bool:
        """A lone word, which may be misspelt or be a part of an expression."""
        return len(self.words) == 1 and not (self.beginning or self.excluded or self.said)

    @property
    def query(self) -> str:
        """What stands in the record for this term, as PostgreSQL reads a `tsquery`."""
        *first, last = self.words
        end = f"'{WHOLE}{last}':*" if self.beginning else f"'{stem(last)}'"
        return "(" + " <-> ".join([*(f"'{stem(word)}'" for word in first), end]) + ")"


@dataclass(frozen=True)
class Question:
    """The terms asked for, in order."""

    terms: tuple[Term, ...]

    @property
    def is_empty(self) -> bool:
        return all(term.excluded for term in self.terms)

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """A `tsquery` for each thing looked for: an expression that has synonyms makes one with them."""
        return tuple(_parts([term for term in self.terms if not term.excluded]))

    @property
    def every(self) -> str:
        """The `tsquery` of what holds all that is looked for."""
        return self._without(" & ".join(self.parts))

    @property
    def any(self) -> str:
        """The `tsquery` of what holds some of it."""
        return self._without(f"({' | '.join(self.parts)})")

    @property
    def stems(self) -> frozenset[tuple[str, ...]]:
        """The stems that an extract marks, each with those that follow it in its expression."""
        wanted = [term for term in self.terms if not term.excluded and not term.beginning]
        found = {tuple(map(stem, term.words)) for term in wanted}
        for span in _spans(_lone_words(wanted)):
            found |= {tuple(map(stem, other)) for other in SYNONYMS[span.stems]}
        return frozenset(found)

    @property
    def required(self) -> str:
        """The `tsquery` of what holds of every result, be it found by its meaning: "expressions" and exclusions."""
        said = [term.query for term in self.terms if (term.said or term.beginning) and not term.excluded]
        return " & ".join([*said, *(f"!{term.query}" for term in self.terms if term.excluded)])

    @property
    def beginnings(self) -> frozenset[str]:
        """The beginnings of words that an extract marks."""
        return frozenset(term.words[-1] for term in self.terms if term.beginning and not term.excluded)

    def corrected(self, spelt: Mapping[Expression, str]) -> "Question":
        """The same with words, or two that follow one another, replaced by what they were meant to be."""
        terms, place = [], 0
        while place < len(self.terms):
            here = self.terms[place : place + 2]
            pair = tuple(term.words[0] for term in here)
            if len(here) == 2 and all(term.is_word for term in here) and pair in spelt:
                terms.append(Term((spelt[pair],)))
                place += 2
                continue
            term = self.terms[place]
            terms.append(replace(term, words=(spelt.get(term.words, term.words[0]),)) if term.is_word else term)
            place += 1
        return Question(tuple(terms))

    def __str__(self) -> str:
        return " ".join(map(_written, self.terms))

    def _without(self, query: str) -> str:
        return "".join([query, *(f" & !{term.query}" for term in self.terms if term.excluded)])


def read_question(text: str) -> Question:
    """Read what was typed. Words of questions (« quel », « mes »…) are left out when others remain."""
    found = [term for piece in _PIECE.finditer(compose(text[:LONGEST]).translate(_QUOTES)) for term in _terms(piece)]
    telling = [term for term in found if not (term.is_word and term.words[0] in _OF_QUESTIONS)]
    terms = tuple((telling if any(not term.excluded for term in telling) else found)[:MOST_TERMS])
    return Question(terms)


def read_pieces(text: str) -> Iterator[str]:
    """What was typed, as it is written, without what is excluded and without quotation marks."""
    for piece in _PIECE.finditer(compose(text[:LONGEST]).translate(_QUOTES)):
        if piece["not"] is None:
            yield (piece["bare"] if piece["said"] is None else piece["said"]).rstrip("*")


def _terms(piece: re.Match[str]) -> Iterator[Term]:
    said, bare = piece["said"], piece["bare"]
    text = bare if said is None else said
    words = tuple(word.text for word in words_of(text))
    if words:
        beginning = said is None and text.endswith("*") and len(words[-1]) >= _SHORTEST_BEGINNING
        yield Term(words, beginning, piece["not"] is not None, said is not None)


def _parts(terms: Sequence[Term]) -> Iterator[str]:
    """Terms as queries; lone words that make an expression with synonyms are taken together."""
    spans = {span.start: span for span in _spans(_lone_words(terms))}
    place = 0
    while place < len(terms):
        span = spans.get(place)
        if span is None:
            yield terms[place].query
            place += 1
            continue
        together = " & ".join(term.query for term in terms[span.start : span.stop])
        others = {Term(other).query for other in SYNONYMS[span.stems]} - {together}
        yield f"({' | '.join([f'({together})' if ' & ' in together else together, *sorted(others)])})"
        place = span.stop


@dataclass(frozen=True, slots=True)
class _Span:
    """Where an expression that has synonyms stands among the words."""

    start: int
    stop: int
    stems: tuple[str, ...]


def _lone_words(terms: Sequence[Term]) -> list[str]:
    """The words that an expression may be made of; an empty one stands for another term."""
    return [term.words[0] if term.is_word else "" for term in terms]


def _spans(words: Sequence[str]) -> Iterator[_Span]:
    """The longest expressions that have synonyms, from the left."""
    stems = [stem(word) if word else "" for word in words]
    place = 0
    while place < len(stems):
        for length in range(min(_MOST_WORDS, len(stems) - place), 0, -1):
            key = tuple(stems[place : place + length])
            if key in SYNONYMS:
                yield _Span(place, place + length, key)
                place += length - 1
                break
        place += 1


def _written(term: Term) -> str:
    text = " ".join(term.words)
    marked = f'"{text}"' if term.said or len(term.words) > 1 else f"{text}*" if term.beginning else text
    return f"-{marked}" if term.excluded else marked


_MOST_WORDS = max((len(key) for key in SYNONYMS), default=1)
