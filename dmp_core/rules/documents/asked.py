"""What a search of DocumentReferences asks for (ITI-67): kinds, dates, order, and the conditions of its statement."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from dmp_core.categories import CLASSES, CONFIDENTIALITIES, DOCUMENT_KINDS, DOCUMENT_TYPES, SYSTEMS, Code, DocumentKind
from dmp_core.rules.documents.authors import name_key
from dmp_core.rules.search.asking import read_question
from dmp_core.workflow import DocumentState
from platform_core.access import DatePeriod
from platform_core.fhir.search import Query, Span, Token, refused, span_of

TOKENS = ("status", "type", "category", "format", "facility", "setting", "security-label", "event")
DATES = ("date", "period", "period-start", "period-end", "creation", "_lastUpdated")
REFERENCES = ("author", "relatesto", "relatesTo")
STRINGS = ("author.family", "author.given")
CONTENT = "_content"
_MOST_FOUND = 10_000
FIRST_LOOK = timedelta(days=2 * 365)
LOOKS_FURTHER = frozenset({*DATES, CONTENT, "relatesto", "relatesTo", "identifier", "_id"})
"""The first search of professionals' software goes two years back (DMP); one of these parameters says that a
professional looks for something."""

OTHERS = ("isArchived", "identifier", "_id", "contenttype")
_URN = "urn:uuid:"


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of the statement, by the name it has there, and its parameters."""

    name: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AskedDocuments:
    """The kinds asked for. `named` tells that each was asked by a type: then all or nothing is granted.

    `dates` are those of the care that the search is about, as far as it says.
    """

    kinds: tuple[DocumentKind, ...]
    named: bool
    dates: Span
    updated: Span
    sort: str
    conditions: tuple[Condition, ...] = field(default=())

    @property
    def categories(self) -> list[str]:
        return [kind.category for kind in self.kinds]

    def spans(self, allowed: Mapping[str, DatePeriod]) -> dict[str, Span]:
        """For each kind that may be shown, the instants that are allowed."""
        return {kind.name: span_of(allowed[kind.category]) for kind in self.kinds if kind.category in allowed}


def read_asked(query: Query) -> AskedDocuments:
    """Read a search. A delta (`_lastUpdated` alone) comes oldest change first. Raises `Malformed`."""
    types = _coded(query.tokens("type"), {code: one.code for code, one in DOCUMENT_TYPES.items()})
    classes = _coded(query.tokens("category"), CLASSES)
    kinds = tuple(
        kind
        for kind in DOCUMENT_KINDS.values()
        if types is None or any(one.code.code in types for one in kind.types)
        if classes is None or any(not one.class_code or one.class_code in classes for one in kind.types)
    )
    conditions = [Condition("types", {"codes": sorted(types)})] if types is not None else []
    if classes is not None:
        conditions.append(Condition("classes", {"codes": sorted(classes)}))
    conditions += _conditions(query)
    order = "_lastUpdated" if "_lastUpdated" in query.values else "-date"
    started = query.span("period-start").overlap(Span(None, query.span("period").end))
    return AskedDocuments(
        kinds, types is not None, started, query.span("_lastUpdated"), query.sort or order, tuple(conditions)
    )


def _conditions(query: Query) -> Iterator[Condition]:
    for tokens in query.tokens("status"):
        yield Condition("states", {"codes": [token.code for token in tokens if token.code in set(DocumentState)]})
    for name in ("format", "facility", "setting", "event"):
        yield from (Condition(name, _parts(tokens)) for tokens in query.tokens(name))
    for tokens in query.tokens("security-label"):
        yield Condition("labels", {"codes": sorted(_matching(tokens, CONFIDENTIALITIES))})
    for tokens in query.tokens("author"):
        yield Condition("author", _author(tokens))
    for name in STRINGS:
        for value in query.values.get(name, ()):
            yield Condition("author_name", {"starts": name_key(name.partition(".")[2], value)})
    for name in ("date", "period", "period-start", "period-end", "creation"):
        if name in query.values:
            yield Condition(name, {"span": query.span(name)})
    yield from _contents(query)
    yield from _others(query)


def _contents(query: Query) -> Iterator[Condition]:
    for text in query.values.get(CONTENT, ()):
        question = read_question(text)
        if question.is_empty:
            raise refused(CONTENT, "must have a word to look for")
        yield Condition("content", {"query": question.every, "most": _MOST_FOUND})


def _others(query: Query) -> Iterator[Condition]:
    for name in REFERENCES[1:]:
        for value in query.values.get(name, ()):
            ids = [reference.rpartition("/")[2] for reference in value.split(",")]
            yield Condition("related", {"ids": _uuids(ids), "references": [f"DocumentReference/{id}" for id in ids]})
    for value in query.values.get("isArchived", ()):
        if value not in {"true", "false"}:
            raise refused("isArchived", "must be true or false")
        yield Condition("archived", {"value": value == "true"})
    for tokens in query.tokens("identifier"):
        codes = [token.code for token in tokens]
        yield Condition("identifier", {"codes": codes, "ids": _uuids(code.removeprefix(_URN) for code in codes)})
    for value in query.values.get("_id", ()):
        yield Condition("ids", {"ids": _uuids(value.split(","))})
    for value in query.values.get("contenttype", ()):
        yield Condition("media", {"types": value.split(",")})


def _coded(asked: Sequence[Sequence[Token]], known: Mapping[str, Code]) -> set[str] | None:
    """The codes of a value set that every repetition of a parameter takes; None when it is not asked for."""
    if not asked:
        return None
    return set.intersection(*(_matching(tokens, known) for tokens in asked))


def _matching(tokens: Sequence[Token], known: Mapping[str, Code]) -> set[str]:
    usual = [Token(SYSTEMS.get(t.system, t.system) if t.system else t.system, t.code) for t in tokens]
    return {code for code, one in known.items() if any(token.matches(*one.coding) for token in usual)}


def _parts(tokens: Sequence[Token]) -> dict[str, list[str]]:
    """Tokens as the three ways to match `system|code`: the whole, the code of any system, any code of a system."""
    usual = [(SYSTEMS.get(token.system or "", token.system), token.code) for token in tokens]
    return {
        "whole": [f"{system}|{code}" for system, code in usual if system is not None and code],
        "codes": [code for system, code in usual if system is None],
        "systems": [system for system, code in usual if system and not code],
    }


def _author(tokens: Sequence[Token]) -> dict[str, list[str]]:
    """An author by identifier (`system|value` or the value alone) or by reference."""
    named = [f"{token.system}|{token.code}" if token.system is not None else token.code for token in tokens]
    return {"keys": named, "codes": [token.code for token in tokens if token.system is None]}


def _uuids(texts: Sequence[str] | Iterator[str]) -> list[str]:
    return [text for text in texts if _is_uuid(text)]


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
