"""Abbreviations and synonyms of medicine: expressions that stand for one another (`data/synonyms.json`)."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from importlib import resources

from dmp_core.rules.search.words import compose, stem, words_of

Expression = tuple[str, ...]


def read_expression(text: str) -> Expression:
    """The words of an expression."""
    return tuple(word.text for word in words_of(compose(text)))


def _group(groups: Iterable[Iterable[str]]) -> Mapping[tuple[str, ...], frozenset[Expression]]:
    """For the stems of each expression, the others of its groups."""
    found: dict[tuple[str, ...], set[Expression]] = defaultdict(set)
    for group in groups:
        expressions = [read_expression(text) for text in group]
        for one in expressions:
            found[tuple(map(stem, one))] |= {other for other in expressions if other != one}
    return {key: frozenset(others) for key, others in found.items()}


GROUPS: list[list[str]] = json.loads(resources.files("dmp_core").joinpath("data/synonyms.json").read_text())
SYNONYMS = _group(GROUPS)
