"""Two rankings made into one: what has the words, and what has the meaning."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

# Reciprocal rank fusion: Cormack, Clarke and Büttcher, SIGIR 2009. A word that was typed tells more than a likeness.
_SMOOTHING = 60
_WORDS, _MEANING = 1.0, 0.6


def fuse(by_words: Sequence[T], by_meaning: Sequence[T], *, exact: bool) -> list[T]:
    """All that was found, the best first; when the words are `exact`, what has them comes before what has not."""
    scores: dict[T, float] = defaultdict(float)
    for weight, found in ((_WORDS, by_words), (_MEANING, by_meaning)):
        for place, one in enumerate(found, 1):
            scores[one] += weight / (_SMOOTHING + place)
    first = set(by_words) if exact else set()
    return sorted(scores, key=lambda one: (one in first, scores[one]), reverse=True)
