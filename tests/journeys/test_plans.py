"""The plan of each query that pages and apps send all day: by an index that begins with the patient, in one partition.

Each runs for true among some thousands of rows of many spaces; what it sent to PostgreSQL is then explained.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import md5
from typing import Any
from uuid import UUID

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from consent import queries as consents
from dmp_core.queries import documents, entries, exports, measures, points
from dmp_core.queries.documents import Sought
from dmp_core.rules.documents.visibility import Viewer, ViewerKind
from dmp_core.rules.entries.asked import Asked
from dmp_core.rules.entries.kinds import KINDS
from identity_core.queries import list_due_destructions
from notification_core import queries as notifications
from platform_app.scale import service, tables
from platform_app.scale.rules import Law
from platform_core.clock import FrozenClock, now
from platform_core.database import DatabaseRole, run, transaction
from platform_core.fhir.search import ANY_TIME, Span
from platform_core.journal import queries as journal
from platform_core.journal.queries.entries import JournalFilter

SPACES = 24
ROWS = {"identity_patient": Law(1.0, 1, 1), "consent_consent": Law(1.0, 2, 10), "consent_item": Law(1.0, 12, 60)}
MANY = Law(1.0, 60, 200)
GROWING = re.compile("|".join(shape.table for shape in tables.SHAPES))
WEIGHT, RESULTS = "body-weight", "results.biology"
APPLICATION = UUID(md5(b"ens-scale:app:1", usedforsecurity=False).hexdigest())
"""One that everybody who has a consent has authorized."""
Queries = dict[str, tuple[str, Callable[[], object]]]


@dataclass
class Sent:
    """The SELECTs that reached PostgreSQL, with their values."""

    statements: list[tuple[Any, Any]]


@pytest.fixture
def patient(app: Flask, owner: sa.Engine, clock: FrozenClock) -> UUID:
    """One of the spaces of a database that holds many, whose statistics are known."""
    shapes = [replace(shape, law=ROWS.get(shape.table, MANY)) for shape in tables.SHAPES]
    for _ in service.generate(owner, spaces=SPACES, now=now(), shapes=shapes):
        pass
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"ANALYZE {', '.join(shape.table for shape in shapes)}")
        held = "SELECT patient_id FROM dmp_measure GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
        found: UUID = connection.exec_driver_sql(held).scalar_one()
    return found


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    seen, execute = Sent([]), psycopg.Cursor.execute

    def remember(cursor: Any, query: Any, params: Any = None, **options: Any) -> Any:
        seen.statements.append((query, params))
        return execute(cursor, query, params, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", remember)
    return seen


def hot_queries(patient: UUID) -> Queries:
    """Each query, and the index that it is there for."""
    own, app_viewer = Viewer(ViewerKind.PATIENT, patient), Viewer(ViewerKind.APPLICATION, patient)
    recent = Span(now() - timedelta(days=60))
    spans = {WEIGHT: ANY_TIME}
    wanted = Asked((KINDS[RESULTS],), (), (), (), ANY_TIME, ANY_TIME, "-date")
    of = {"patient_id": patient}
    page = {"limit": 20, "skip": 0}
    document_kinds = {"biology": ANY_TIME, "prescriptions": ANY_TIME}
    latest = {**of, "viewer": own}
    return {
        "measures by kind and date": (
            "kind_",
            lambda: measures.search_measures(**of, spans=spans, updated=ANY_TIME, sort="-date", **page),
        ),
        "measures changed since": (
            "updated_at",
            lambda: measures.search_measures(**of, spans=spans, updated=recent, sort="_lastUpdated", **page),
        ),
        "points of a chart": ("kind_", lambda: points.list_points(**of, kind=WEIGHT, span=ANY_TIME, limit=20)),
        "one measure": ("pkey", lambda: measures.find_measure(**of, identifier=str(patient))),
        "a copy of the measures": (
            "dmp_measure",
            lambda: exports.list_measures_after(**of, after=exports.FIRST, limit=200),
        ),
        "documents of a search": (
            "dmp_document",
            lambda: documents.search_documents(Sought(patient, app_viewer, document_kinds), limit=20),
        ),
        "documents changed since": (
            "updated_at",
            lambda: documents.search_documents(
                Sought(patient, app_viewer, document_kinds, updated=recent), sort="_lastUpdated", limit=20
            ),
        ),
        "the last documents": ("effective_at", lambda: documents.list_latest_documents(**latest)),
        "one document": ("pkey", lambda: documents.find_document(**latest, identifier=str(patient))),
        "entries of a category": (
            "category_",
            lambda: entries.list_entries(**latest, categories=[RESULTS], limit=20),
        ),
        "entries of a search": (
            "category_",
            lambda: entries.search_entries(**of, viewer=app_viewer, wanted=wanted, spans={RESULTS: ANY_TIME}, limit=20),
        ),
        "the journal": ("patient_time", lambda: journal.list_entries(patient, JournalFilter())),
        "the journal of an app": (
            "grant",
            lambda: journal.list_entries(patient, JournalFilter(grant_id=patient)),
        ),
        "the consents": ("pk_consent_consent", lambda: consents.list_states(patient)),
        "the live consent of an app": ("consent_consent", lambda: consents.find_live(patient, APPLICATION)),
        "unread messages": ("unread", lambda: notifications.count_unread(patient)),
    }


def walk(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from walk(part)


def explain(query: Any, params: Any) -> list[dict[str, Any]]:
    """The nodes of a plan that read one of the tables that grow with the number of spaces."""
    (((plan,),),) = run(f"EXPLAIN (FORMAT JSON) {query}", params or {})
    return [
        node for node in walk(plan["Plan"]) if GROWING.search(node.get("Relation Name", node.get("Index Name", "")))
    ]


def faults_of(nodes: list[dict[str, Any]], index: str) -> list[str]:
    """What is wrong with a plan: a table read whole, an index that does not begin with the patient, two partitions."""
    partitions = {node["Relation Name"] for node in nodes if re.search(r"_p\d\d$", node.get("Relation Name", ""))}
    used = [node["Index Name"] for node in nodes if "Index Name" in node]
    found = [f"{node['Node Type']} on {node['Relation Name']}" for node in nodes if node["Node Type"] == "Seq Scan"]
    found += [f"{node['Index Name']} without the patient" for node in nodes if _strays(node)]
    found += [f"several partitions: {partitions}"] if len(partitions) > len({name[:-4] for name in partitions}) else []
    return found if any(index in name for name in used) else [*found, f"not by {index}: {used}"]


def _strays(node: dict[str, Any]) -> bool:
    return "Index Name" in node and "patient_id = " not in node.get("Index Cond", "")


def test_each_hot_query_goes_by_its_index_in_the_partition_of_the_patient(patient: UUID, sent: Sent) -> None:
    wrong = {}
    for name, (index, ask) in hot_queries(patient).items():
        with transaction(patient_id=patient):
            sent.statements.clear()
            ask()
            selects = [one for one in sent.statements if "set_config" not in str(one[0])]
            assert selects, name
            run("SET LOCAL enable_seqscan = off", {})  # What is small enough is read whole, whatever indexes there are.
            nodes = [node for query, params in selects for node in explain(query, params)]
        if faults := faults_of(nodes, index):
            wrong[name] = faults
    assert wrong == {}
    with transaction(role=DatabaseRole.BATCH):
        sent.statements.clear()
        list_due_destructions()
        ((query, params),) = [one for one in sent.statements if "set_config" not in str(one[0])]
        run("SET LOCAL enable_seqscan = off", {})
        assert {node.get("Index Name", "") for node in explain(query, params)} - {""} == {
            "ix_identity_patient_destroys_on"
        }
