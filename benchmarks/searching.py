"""The search of a record, with facets and ten extracts, in ever longer records, beside one ranked query in bare SQL.

Then the same by words and by meaning, where the extra `[semantic]` is installed, with what the model takes to answer.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles
from uuid import UUID, uuid4

from dmp_core import gateway
from dmp_core.queries.search import search_record
from dmp_core.rules.documents.visibility import Viewer, ViewerKind
from dmp_core.rules.search.asking import read_question
from dmp_core.rules.search.meaning import ask, tell
from dmp_core.service.documents.demonstration import AT_ONCE, add_documents_for_demo, invent
from platform_app import database_admin
from platform_core import clock
from platform_core.config import Config
from platform_core.database import run, transaction

SIZES = (3_000, 10_000)
OTHERS = {"small": 0, "full": 100}
QUESTIONS = (
    "tension",
    "HTA",
    "œdème chevilles",
    '"fréquence cardiaque"',
    "douleur genou -migraine",
    "médicam*",
    "cardiologie",
    "radiographie thorax",
    "glycémie créatinine",
    "hyper tention",
)
_ROUNDS = 12
# What a likeness costs does not hang on the numbers: a record is given the vectors of so many of its texts, in turn.
_DISTINCT = 100
_GIVE = """
INSERT INTO dmp_search_vector (patient_id, id, model, embedding)
SELECT patient_id, id, %(model)s, (%(vectors)s::text[])[1 + (row_number() OVER (ORDER BY id)) %% %(count)s]::halfvec
  FROM dmp_search"""
_OTHERS = """
INSERT INTO {table} ({columns}) SELECT {values}
  FROM {table} AS t, unnest(%s::uuid[]) AS other WHERE t.patient_id = %s"""
_BARE = """
SELECT ts_headline('french', text, to_tsquery('french', %(query)s)), rank
  FROM (SELECT text, ts_rank_cd(words, to_tsquery('french', %(query)s)) AS rank FROM bench_text
         WHERE words @@ to_tsquery('french', %(query)s) ORDER BY rank DESC LIMIT 10) AS found"""
_BARE_QUERIES = ("tension", "hypertension & artérielle", "chevilles", "fréquence <-> cardiaque", "cardiologie")


@dataclass(frozen=True)
class Times:
    """Milliseconds of our search and of the bare statement, each at half and at 95 % of the calls."""

    ours: tuple[float, float]
    bare: tuple[float, float]


def show(config: Config) -> None:
    """Print a line for each size, alone and, at full scale, among a hundred other such records."""
    print(f"\n{'Search of a record (ms)':<58}{'p50':>8}{'p95':>8}{'SQL p50':>10}{'SQL p95':>10}{'× SQL p95':>11}")
    for name, found in _measure(config):
        print(
            f"{name:<58}{found.ours[0]:>8.1f}{found.ours[1]:>8.1f}{found.bare[0]:>10.1f}{found.bare[1]:>10.1f}"
            f"{found.ours[1] / found.bare[1]:>11.2f}"
        )


def _measure(config: Config) -> Iterator[tuple[str, Times]]:
    patients = {size: _fill(size) for size in SIZES}
    yield from _each(patients, "")
    if others := OTHERS[os.environ.get("SCALE", "small")]:
        _copy(config, patients[SIZES[0]], others)
        yield from _each(patients, f", {others} other records")


def _each(patients: Mapping[int, UUID], among: str) -> Iterator[tuple[str, Times]]:
    for size, patient_id in patients.items():
        bare = _percentiles(_bare(patient_id, size))
        yield f"{size} documents{among}", Times(_percentiles(_times(patient_id)), bare)
        if gateway.is_on():
            yield f"{size} documents{among}, with meaning", Times(_percentiles(_times(patient_id, meaning=True)), bare)


def _fill(size: int) -> UUID:
    patient_id, until = uuid4(), clock.now()
    for first in range(0, size, AT_ONCE):
        with transaction(patient_id=patient_id):
            add_documents_for_demo(patient_id=patient_id, until=until, count=size, first=first)
    if gateway.is_on():
        _give_vectors(patient_id, size)
    return patient_id


def _give_vectors(patient_id: UUID, size: int) -> None:
    texts = [invent(patient_id, number, size, clock.now(), 10) for number in range(_DISTINCT)]
    made = gateway.embed_passages([tell([one.title], one.text) for one in texts])
    vectors = [one.numbers for one in made]
    with transaction(patient_id=patient_id):
        run(_GIVE, {"model": gateway.model_name(), "vectors": vectors, "count": _DISTINCT})


def _copy(config: Config, patient_id: UUID, others: int) -> None:
    """The words of a record for so many other people."""
    ids = [str(uuid4()) for _ in range(others)]
    tables = {
        "dmp_search": "patient_id, id, source, state, effective_at, body, lexemes",
        "dmp_search_word": "patient_id, word, learnt_from",
        "dmp_search_vector": "patient_id, id, model, embedding",
    }
    with database_admin.owner_engine(config).begin() as connection:
        for table, columns in tables.items():
            values = columns.replace("patient_id", "other", 1)
            statement = _OTHERS.format(table=table, columns=columns, values=values)
            connection.exec_driver_sql(statement, (ids, str(patient_id)))
        connection.exec_driver_sql("ANALYZE dmp_search")


def _times(patient_id: UUID, *, meaning: bool = False) -> list[float]:
    """Seconds of each search; the model reads the question within it, as on the page."""
    viewer, found = Viewer(ViewerKind.PATIENT), []
    for text in QUESTIONS * _ROUNDS:
        start = time.perf_counter()
        asked = gateway.embed_question(ask(text)) if meaning else None
        with transaction(patient_id=patient_id):
            search_record(patient_id=patient_id, viewer=viewer, question=read_question(text), meaning=asked)
        found.append(time.perf_counter() - start)
    return found


def _bare(patient_id: UUID, size: int) -> list[float]:
    """The same texts in a plain table with an index of their words, asked one ranked query with headlines."""
    found, until = [], clock.now()
    with transaction():
        run("CREATE TEMPORARY TABLE bench_text (text text, words tsvector) ON COMMIT DROP", {})
        texts = [invent(patient_id, number, size, until, 10).text for number in range(size)]
        fill = "INSERT INTO bench_text SELECT t, to_tsvector('french', t) FROM unnest(%(texts)s::text[]) AS t"
        run(fill, {"texts": texts})
        run("CREATE INDEX ON bench_text USING gin (words)", {})
        run("ANALYZE bench_text", {})
        for query in _BARE_QUERIES * (2 * _ROUNDS):
            start = time.perf_counter()
            run(_BARE, {"query": query})
            found.append(time.perf_counter() - start)
    return found


def _percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    cuts = quantiles(seconds, n=20)
    return cuts[9] * 1000, cuts[18] * 1000
