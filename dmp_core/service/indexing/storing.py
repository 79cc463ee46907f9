"""The words of documents and entries into their tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dmp_core.queries.search_texts import seal
from dmp_core.rules.search.sources import SearchSource, TextState
from dmp_core.rules.search.vectors import Passage, words_to_learn, write_vector
from platform_core.database import run

_STORE = """
INSERT INTO dmp_search (patient_id, id, source, state, effective_at, body, lexemes)
VALUES (%(patient)s, %(id)s, %(source)s, %(state)s, %(effective_at)s, %(body)s, %(lexemes)s::text::tsvector)
ON CONFLICT (patient_id, id) DO UPDATE
   SET state = excluded.state, effective_at = excluded.effective_at, body = excluded.body,
       lexemes = excluded.lexemes"""
# A key that named the word alone would have two acts wait for one another, each for words of the other.
_LEARN = """
INSERT INTO dmp_search_word (patient_id, word, learnt_from)
SELECT %(patient)s, new.word, %(id)s FROM unnest(%(words)s::text[]) AS new(word)
 WHERE NOT EXISTS (SELECT 1 FROM dmp_search_word w
                    WHERE w.patient_id = %(patient)s AND w.word = new.word COLLATE "C")"""
_FORGET = "DELETE FROM dmp_search WHERE patient_id = %(patient)s AND id = %(id)s"
_FORGET_MEANING = "DELETE FROM dmp_search_vector WHERE patient_id = %(patient)s AND id = %(id)s"
_OUTDATED = """ AND EXISTS (
    SELECT 1 FROM dmp_search s WHERE s.patient_id = %(patient)s AND s.id = %(id)s
       AND s.lexemes <> %(lexemes)s::text::tsvector)"""


@dataclass(frozen=True, slots=True)
class Indexed:
    """What is kept of a document or an entry: `heading` is found by, `text` is also shown in extracts."""

    patient_id: UUID
    id: UUID
    source: SearchSource
    effective_at: datetime
    heading: Sequence[Passage]
    text: str
    state: TextState


def store(indexed: Indexed, *, key: bytes) -> None:
    """Keep what is found by, in place of what was there. `key` is the patient's, under which the text is sealed.

    The vector of a text that changed goes: it is to be made again.
    """
    passages = [*indexed.heading, Passage(indexed.text, "D")]
    row = {
        "patient": indexed.patient_id,
        "id": indexed.id,
        "source": indexed.source,
        "state": indexed.state,
        "effective_at": indexed.effective_at,
        "body": seal(indexed.text, indexed.patient_id, indexed.id, key=key),
        "lexemes": write_vector(passages),
    }
    run(_FORGET_MEANING + _OUTDATED, row)
    run(_STORE, row)
    if words := words_to_learn(passages):
        run(_LEARN, {"patient": indexed.patient_id, "id": indexed.id, "words": words})


def forget(*, patient_id: UUID, id: UUID) -> None:
    """Find it no more."""
    for statement in (_FORGET, _FORGET_MEANING):
        run(statement, {"patient": patient_id, "id": id})
