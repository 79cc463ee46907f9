"""What a misspelt question may have meant."""

from collections.abc import Collection
from itertools import pairwise

from dmp_core.rules.search.asking import Question
from dmp_core.rules.search.synonyms import Expression

LEAST_ALIKE = 0.4
_LEAST_ALIKE_JOINED = 0.5
_LEAST_ALIKE_OTHERWISE_BEGUN = 0.55
_SHORTEST = 4
_MOST_LETTERS = 3


def propose(question: Question, unknown: Collection[str]) -> list[Expression]:
    """What to look up among the words of the record: pairs of words as one (« hyper tention »), and each unknown word.

    Words of three letters are too like many others, numbers like none.
    """
    words = [term.words[0] if term.is_word else "" for term in question.terms]
    tried: list[Expression] = [*(pair for pair in pairwise(words) if all(pair)), *((word,) for word in unknown)]
    return [one for one in tried if "".join(one).isalpha() and len("".join(one)) >= _SHORTEST]


def is_likely(meant: Expression, word: str, alike: float, unknown: Collection[str]) -> bool:
    """Whether a word of the record may be what was meant, given how alike they are, from 0 to 1.

    Who misspells a word seldom misses how it begins: « opération » is no « récupération ». Two words that the record
    has both are one only if it is spelt just so.
    """
    written = "".join(meant)
    if len(meant) == 1:
        return alike >= (LEAST_ALIKE if written[0] == word[0] else _LEAST_ALIKE_OTHERWISE_BEGUN)
    if set(meant).isdisjoint(unknown):
        return written == word
    return alike >= _LEAST_ALIKE_JOINED and abs(len(written) - len(word)) <= _MOST_LETTERS
