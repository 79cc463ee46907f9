"""The statements of a search go by indexes, in a record that shares its partitions with a hundred others."""

import re
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
import sqlalchemy as sa

from dmp_core.queries import search
from dmp_core.rules.documents.visibility import Viewer, ViewerKind
from dmp_core.rules.search.asking import read_question
from dmp_core.rules.search.meaning import Meaning
from platform_core.database import run, transaction
from tests.dmp_core.test_document_pages import crowd  # noqa: F401 - a fixture

MEANING = Meaning("test", [384**-0.5] * 384)
# Those others are in the same partition of every table: one modulus, one hash.
_OTHERS = """
INSERT INTO {table} ({columns}) SELECT {values} FROM {table} AS t
  JOIN (SELECT DISTINCT patient_id AS other FROM dmp_document WHERE patient_id <> :patient LIMIT 30) o ON true
 WHERE t.patient_id = :patient"""
_VECTORS = """
INSERT INTO dmp_search_vector (patient_id, id, model, embedding)
SELECT patient_id, id, 'test', :numbers ::text::halfvec FROM dmp_search"""
_COPIED = {
    "dmp_search": "patient_id, id, source, state, effective_at, body, lexemes",
    "dmp_search_word": "patient_id, word, learnt_from",
}


@pytest.fixture
def searched(crowd: UUID, owner: sa.Engine) -> UUID:  # noqa: F811
    with owner.begin() as connection:
        for table, columns in _COPIED.items():
            statement = _OTHERS.format(table=table, columns=columns, values=columns.replace("patient_id", "other", 1))
            connection.execute(sa.text(statement), {"patient": crowd})
        connection.execute(sa.text(_VECTORS), {"numbers": MEANING.numbers})
        for table in (*_COPIED, "dmp_search_vector"):
            connection.execute(sa.text(f"ANALYZE {table}"))
    return crowd


def test_each_statement_of_a_search_goes_by_an_index(searched: UUID, owner: sa.Engine) -> None:
    viewer, sent = Viewer(ViewerKind.PATIENT), []

    def keep(statement: str, parameters: dict[str, Any]) -> list[Any]:
        sent.append((statement, parameters))
        return run(statement, parameters)

    with transaction(patient_id=searched), mock.patch.object(search, "run", keep):
        question = read_question("tention cardiologie")
        found = search.search_record(patient_id=searched, viewer=viewer, question=question, meaning=MEANING)
        assert found.page.total and found.corrected
        search.list_related(patient_id=searched, document_id=found.page.items[0].id, viewer=viewer)
        plans = {what: "\n".join(row[0] for row in run(f"EXPLAIN {what}", given)) for what, given in sent}
    read = "\n".join(plans.values())
    for table in ("dmp_document", "dmp_search_word", "dmp_search_vector", "dmp_search"):
        assert re.search(rf"{table}_p\d\d_pkey", read), f"{table}\n{read}"
    # Partitions that are empty cost nothing to read, those of the entries among them.
    (part,) = set(re.findall(r"dmp_search_vector_(p\d\d)_pkey", read))
    assert not re.findall(rf"Seq Scan on dmp_(?:document|search\w*)_{part}", read), read
    with owner.connect() as connection:
        found_by = "\n".join(
            row[0] for row in connection.exec_driver_sql(f"EXPLAIN {inner_query(connection, searched)}")
        )
    assert f"Index Scan on dmp_search_{part}_patient_id_lexemes_idx" in found_by and "Seq Scan" not in found_by, (
        found_by
    )


def inner_query(connection: sa.Connection, patient_id: UUID) -> str:
    """What `ens_search_record` asks, for one word."""
    source = connection.execute(sa.text("SELECT prosrc FROM pg_proc WHERE proname = 'ens_search_record'")).scalar()
    inner = source.partition("RETURN QUERY")[2].rpartition(";\nEND")[0]
    given = {"v_patient": f"'{patient_id}'::uuid", "p_query": "'cardiolog'::tsquery", "p_most": "1000"}
    given |= {"p_parts": "'{}'::tsquery[]", "p_now": "now()"}
    return re.sub("|".join(given), lambda name: given[name[0]], inner)
