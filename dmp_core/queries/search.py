"""The search of a record: what a person may see of what a question finds, ranked, counted by facet, with extracts.

The words are looked for past the policy of the table, by a function bound to the patient; whether somebody sees what it
finds is asked of documents and entries as they are now.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from dmp_core.categories import KINDS
from dmp_core.queries.entries import seen
from dmp_core.queries.points import Point, list_latest
from dmp_core.queries.search_texts import unseal
from dmp_core.queries.search_vectors import MOST_NEAR, NEAR, find_meaning, holds_vectors
from dmp_core.rules.documents.visibility import SEEN, Viewer, ViewerKind
from dmp_core.rules.search.asking import Question
from dmp_core.rules.search.corrections import LEAST_ALIKE, is_likely, propose
from dmp_core.rules.search.extracts import Piece, extract
from dmp_core.rules.search.facets import Count, Facet, count, narrow
from dmp_core.rules.search.fusing import fuse
from dmp_core.rules.search.meaning import Meaning
from dmp_core.rules.search.sources import SearchSource, TextState
from dmp_core.rules.search.vectors import Passage, write_vector
from dmp_core.rules.search.words import compose
from platform_core import clock, crypto
from platform_core.database import run
from platform_core.pagination import Page

MOST = 1000
PAGE = 10
_BY_WORDS = """
WITH found AS MATERIALIZED (
    SELECT id, source, rank
      FROM ens_search_record(%(query)s::text::tsquery, %(parts)s::text[]::tsquery[], %(now)s, %(most)s)
)"""
_SEEN = """
SELECT f.id, f.source, f.rank, 'documents.' || d.kind AS category, d.title, d.author_person AS author,
       d.author_specialty AS specialty, d.author_institution AS institution, d.effective_at,
       NULL::uuid AS document_id, NULL::numeric AS value, '' AS unit
  FROM found f JOIN dmp_document d ON d.patient_id = %(patient)s AND d.id = f.id
 WHERE f.source = 'document' AND NOT d.archived AND d.state = 'current' AND {document}
   AND (%(types)s::text[] IS NULL OR d.type_code = ANY (%(types)s::text[]))
 UNION ALL
SELECT f.id, f.source, f.rank, e.category, e.label, e.author_name, '', '', e.effective_at,
       e.document_id, e.value, e.unit
  FROM found f JOIN dmp_entry e ON e.patient_id = %(patient)s AND e.id = f.id
 WHERE f.source = 'entry' AND {entry}
   AND (%(categories)s::text[] IS NULL OR e.category = ANY (%(categories)s::text[]))
 ORDER BY rank DESC, effective_at DESC, id"""
_TEXTS = "SELECT id, body, state FROM dmp_search WHERE patient_id = %(patient)s AND id = ANY (%(ids)s::uuid[])"
# The likeliest word for each spelling.
_SPELT = """
SELECT DISTINCT ON (wrong) wrong, word, similarity(w.word, wrong) AS alike
  FROM unnest(%(words)s::text[]) AS wrong
  JOIN dmp_search_word w ON w.patient_id = %(patient)s AND similarity(w.word, wrong) >= %(alike)s
 ORDER BY wrong, similarity(w.word, wrong) DESC, length(w.word) DESC, w.word"""
_KNOWN = """
SELECT asked.place FROM unnest(%(queries)s::text[]) WITH ORDINALITY AS asked(query, place)
 WHERE EXISTS (SELECT 1 FROM ens_search_record(asked.query::tsquery, '{}', %(now)s, 1))"""
_MEASURES = """
SELECT kind FROM unnest(%(kinds)s::text[], %(vectors)s::text[]) AS k(kind, vector)
 WHERE vector::tsvector @@ %(query)s::text::tsquery"""
_WORDLESS = """
SELECT s.state, count(*) FROM dmp_search s JOIN dmp_document d ON d.patient_id = s.patient_id AND d.id = s.id
 WHERE s.patient_id = %(patient)s AND s.state IN ('waiting', 'wordless', 'unread') AND d.state = 'current' AND {seen}
 GROUP BY s.state"""
# Whole words, kept beside their stems, begin with a sign. Those of weight B tell an author and a type.
_DWELT_ON = """
SELECT word.lexeme FROM dmp_search s, unnest(s.lexemes) AS word(lexeme, places, weights)
 WHERE s.patient_id = %(patient)s AND s.id = %(id)s AND word.lexeme ~ '^[a-z]{4,}$' AND word.weights && '{A,D}'
 ORDER BY 'A' = ANY (word.weights) DESC, cardinality(word.places) DESC, length(word.lexeme) DESC, word.lexeme
 LIMIT 12"""
_LEAST_SHARED = 4
_MOST_RELATED = 5
_PATIENTS = "SELECT patient_id FROM dmp_document UNION SELECT patient_id FROM dmp_entry ORDER BY patient_id"
_MEASURE_VECTORS = {
    kind.name: write_vector([Passage(compose(text), "A") for texts in kind.labels.values() for text in texts])
    for kind in KINDS.values()
}


@dataclass(frozen=True, slots=True)
class Hit:
    """A result. An entry read in a document names it; `others` counts the older entries that say the same thing.

    `by_meaning`: it has not the words that were asked, its text means something near.
    """

    id: UUID
    source: SearchSource
    rank: float
    category: str
    title: str
    author: str
    specialty: str
    institution: str
    effective_at: datetime
    document_id: UUID | None
    value: Decimal | None
    unit: str
    others: int = 0
    by_meaning: bool = False
    extract: Sequence[Piece] = ()
    state: TextState = TextState.WHOLE


@dataclass(frozen=True, slots=True)
class Results:
    """One page of a search. `corrected` is the question that was answered, when nothing answered the one asked;
    `partial` tells that no result has all that is looked for; `bounded` that there are more than were ranked."""

    page: Page[Hit]
    facets: Mapping[Facet, Sequence[Count]]
    measures: Sequence[Point] = ()
    corrected: str = ""
    partial: bool = False
    bounded: bool = False


@dataclass(frozen=True, slots=True)
class Unsearched:
    """How many documents that the viewer may see are found by title and author only, by reason."""

    waiting: int = 0
    wordless: int = 0
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Within:
    """What a search is kept to, of what its viewer sees: types of document, categories of data. None: all of them."""

    types: Sequence[str] | None = None
    categories: Collection[str] | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        return {"types": self.types, "categories": None if self.categories is None else list(self.categories)}


EVERYTHING = Within()


@dataclass(frozen=True, slots=True)
class _Search:
    """Who looks where."""

    patient_id: UUID
    viewer: Viewer
    within: Within = EVERYTHING

    def find(self, query: str, parts: Sequence[str] = ()) -> list[Hit]:
        words = {"query": query, "parts": list(parts), "now": clock.now(), "most": MOST}
        return self._look(_BY_WORDS, words)

    def find_near(self, meaning: Meaning, required: str = "") -> list[Hit]:
        """What means something near, of what holds `required`."""
        asked = {"meaning": meaning.numbers, "model": meaning.model, "required": required}
        return [replace(hit, by_meaning=True) for hit in self._look(NEAR, asked)[:MOST_NEAR]]

    def find_alike(self, document_id: UUID) -> list[Hit]:
        """What has several of the words that a document dwells on, those of its title first."""
        rows = run(_DWELT_ON, {"patient": self.patient_id, "id": document_id})
        words = [f"'{row.lexeme}'" for row in rows]
        found = self.find(" | ".join(words), words) if words else []
        return [hit for hit in found if hit.rank >= _LEAST_SHARED]

    def _look(self, found: str, parameters: Mapping[str, Any]) -> list[Hit]:
        seen_now = _SEEN.format(document=SEEN[self.viewer.kind], entry=seen(self.viewer))
        known = {"patient": self.patient_id, **self.viewer.parameters, **self.within.parameters}
        return [Hit(*row) for row in run(found + seen_now, {**known, **parameters})]


def search_record(
    *,
    patient_id: UUID,
    viewer: Viewer,
    question: Question,
    meaning: Meaning | None = None,
    chosen: Mapping[Facet, str] | None = None,
    within: Within = EVERYTHING,
    page: int = 1,
) -> Results:
    """Search a record. When nothing has all the words, they are read as misspelt; then some of them are enough.

    With the `meaning` of the question, what means something near follows, or mixes with what has some of the words
    only. The transaction is bound to the patient.
    """
    if question.is_empty:
        return Results(Page((), 1, PAGE, 0), {})
    search = _Search(patient_id, viewer, within)
    answered = _find_words(search, question)
    near = search.find_near(meaning, question.required) if meaning and holds_vectors() else []
    hits = {hit.id: hit for hit in [*near, *answered.found]}
    fused = fuse([hit.id for hit in answered.found], [hit.id for hit in near], exact=not answered.partial)
    grouped = _grouped([hits[id] for id in fused])
    kept = narrow(grouped, chosen or {})
    shown = kept[PAGE * (page - 1) : PAGE * page]
    return Results(
        Page(_with_extracts(shown, patient_id, answered.question), page, PAGE, len(kept)),
        count(grouped, chosen or {}),
        _measures(search, answered.question),
        corrected=str(answered.question) if answered.question is not question else "",
        partial=answered.partial,
        bounded=len(answered.found) >= MOST,
    )


@dataclass(frozen=True, slots=True)
class _Answered:
    """What has the words of a question, which may be a corrected one; `partial` when nothing has them all."""

    question: Question
    found: Sequence[Hit]
    partial: bool = False


def _find_words(search: _Search, question: Question) -> _Answered:
    if found := search.find(question.every):
        return _Answered(question, found)
    asked = _correct(question, search.patient_id) or question
    if asked is not question and (found := search.find(asked.every)):
        return _Answered(asked, found)
    if len(asked.parts) > 1 and (found := search.find(asked.any, asked.parts)):
        return _Answered(asked, found, partial=True)
    return _Answered(question, ())


def list_related(*, patient_id: UUID, document_id: UUID, viewer: Viewer, within: Within = EVERYTHING) -> Sequence[Hit]:
    """The documents that speak of what this one speaks of, the nearest first: by their meaning, else by their words."""
    search = _Search(patient_id, viewer, within)
    meaning = find_meaning(patient_id=patient_id, id=document_id)
    for found in (search.find_near(meaning) if meaning else [], search.find_alike(document_id)):
        others = [hit for hit in found if hit.id != document_id and hit.source == SearchSource.DOCUMENT]
        if others:
            return others[:_MOST_RELATED]
    return []


def count_unsearched(*, patient_id: UUID, viewer: Viewer) -> Unsearched:
    """What a search cannot look into."""
    statement = _WORDLESS.format(seen=SEEN[viewer.kind])
    return Unsearched(**dict(run(statement, {"patient": patient_id, **viewer.parameters})))


def list_recorded_patients() -> Sequence[UUID]:
    """Whose record holds documents or entries. The transaction is one of `ens_batch`."""
    return [row.patient_id for row in run(_PATIENTS, {})]


def _correct(question: Question, patient_id: UUID) -> Question | None:
    """The question with the words that nothing has replaced by those alike that the record has, if there are any."""
    lone = [term for term in question.terms if term.is_word]
    if not lone:
        return None
    queries = [Question((term,)).every for term in lone]
    known = {row.place for row in run(_KNOWN, {"queries": queries, "now": clock.now()})}
    unknown = [term.words[0] for place, term in enumerate(lone, 1) if place not in known]
    tried = propose(question, unknown)
    if not tried:
        return None
    spellings = ["".join(expression) for expression in tried]
    found = {row.wrong: row for row in run(_SPELT, {"patient": patient_id, "words": spellings, "alike": LEAST_ALIKE})}
    likely = [(one, found["".join(one)]) for one in tried if "".join(one) in found]
    spelt = {one: row.word for one, row in likely if is_likely(one, row.word, row.alike, unknown)}
    return question.corrected(spelt) if spelt else None


def _grouped(found: Sequence[Hit]) -> list[Hit]:
    """Entries that say the same thing at different times make one result, the newest, at the place of the best."""
    same = Counter((hit.category, hit.title) for hit in found if hit.source == SearchSource.ENTRY)
    newest: dict[tuple[str, str], Hit] = {}
    for hit in found:
        key = (hit.category, hit.title)
        if key in same and (key not in newest or newest[key].effective_at < hit.effective_at):
            newest[key] = hit
    kept, said = [], set()
    for hit in found:
        key = (hit.category, hit.title)
        if hit.source != SearchSource.ENTRY:
            kept.append(hit)
        elif key not in said:
            said.add(key)
            kept.append(replace(newest[key], others=same[key] - 1))
    return kept


def _with_extracts(hits: Sequence[Hit], patient_id: UUID, question: Question) -> list[Hit]:
    """The results shown with the lines that tell why; the others stay sealed."""
    if not hits:
        return []
    key = crypto.patient_key(patient_id, create=False)
    rows = {row.id: row for row in run(_TEXTS, {"patient": patient_id, "ids": [hit.id for hit in hits]})}
    return [_with_extract(hit, rows[hit.id], patient_id, question, key) for hit in hits]


def _with_extract(hit: Hit, row: Any, patient_id: UUID, question: Question, key: bytes) -> Hit:
    text = unseal(row.body, patient_id, hit.id, key=key)
    return replace(hit, extract=extract(text, question), state=TextState(row.state))


def _measures(search: _Search, question: Question) -> list[Point]:
    """The latest measure of each kind whose name answers."""
    parameters = {"kinds": list(_MEASURE_VECTORS), "vectors": list(_MEASURE_VECTORS.values()), "query": question.every}
    kinds: Collection[str] = {row.kind for row in run(_MEASURES, parameters)}
    if search.within.categories is not None:
        kinds = {kind for kind in kinds if KINDS[kind].category in search.within.categories}
    if not kinds:
        return []
    own = search.viewer.kind is not ViewerKind.PROFESSIONAL
    return [point for point in list_latest(patient_id=search.patient_id, own=own) if point.kind.name in kinds]
