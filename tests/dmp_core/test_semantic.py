"""The search by meaning: what it finds, what it must not show, how vectors are made, kept and forgotten."""

import importlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from uuid import UUID

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from flask import Flask
from flask.testing import FlaskClient

from dmp_core import gateway
from dmp_core.cli import dmp
from dmp_core.queries.search import Hit, Results, list_related, search_record
from dmp_core.queries.search_vectors import holds_vectors
from dmp_core.rules.documents.visibility import Viewer, ViewerKind
from dmp_core.rules.search.asking import read_question
from dmp_core.rules.search.facets import Facet
from dmp_core.rules.search.fusing import fuse
from dmp_core.rules.search.meaning import MOST_CHARACTERS, ask, tell
from dmp_core.service.documents import acts
from dmp_core.service.indexing import meaning as vectors
from dmp_core.service.indexing import reading
from dmp_core.tasks import embed_record
from identity_core.service.seeding import Seeded
from platform_core import config as settings
from platform_core.access import Actor, ActorKind
from platform_core.config import Config
from platform_core.database import run, transaction
from tests.dmp_core import filing
from tests.dmp_core.conftest import Fhir, Guard
from tests.dmp_core.test_search import RELEVANCE, file_corpus
from tests.recalling import recall_people
from tests.signing_in import sign_in_citizen, submit

PATIENT, PROFESSIONAL = Viewer(ViewerKind.PATIENT), Viewer(ViewerKind.PROFESSIONAL)


@pytest.fixture
def semantic(app: Flask, config: Config) -> Iterator[None]:
    settings.configure(replace(config, semantic="auto"))
    yield
    settings.configure(config)


@pytest.fixture
def people(app: Flask) -> Seeded:
    return recall_people()


@pytest.fixture
def camille(people: Seeded) -> UUID:
    return people.patients["camille"]


def search(patient_id: UUID, text: str, viewer: Viewer = PATIENT, **options: object) -> Results:
    meaning = gateway.embed_question(ask(text), seconds=60)
    assert meaning
    with transaction(patient_id=patient_id):
        return search_record(
            patient_id=patient_id, viewer=viewer, question=read_question(text), meaning=meaning, **options
        )


def near(found: Results) -> list[Hit]:
    return [hit for hit in found.page.items if hit.by_meaning]


def test_meaning_finds_what_words_miss_and_shows_no_more_than_words_do(
    semantic: None, people: Seeded, camille: UUID, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = file_corpus(camille)
    ids = {name: id for id, name in names.items()}
    while waiting(camille):
        embed_record(str(camille))
    missed = []
    for question, wanted in RELEVANCE["questions"]:
        hits = search(camille, question).page.items
        if not set(wanted) <= {names[hit.id] for hit in hits[:5]}:
            missed.append(question)
        order = [hit.by_meaning for hit in hits]
        assert order == sorted(order) or search(camille, question).partial, question
    assert len(missed) <= 2, missed
    assert "c06" in {names[hit.id] for hit in near(search(camille, "anticoagulant fibrillation"))}
    for question, name in RELEVANCE["meanings"]:
        assert name in {names[hit.id] for hit in near(search(camille, question))}, question
    assert search(camille, "zzzz").page.total == search(camille, "tondeuse").page.total == 0
    removal = "opération de la vésicule"
    assert not near(search(camille, f'{removal} "vésicule biliaire"'))
    assert "g05" not in {names[hit.id] for hit in search(camille, f"{removal} -cœlioscopie").page.items}
    # A busy machine is no reason to fail.
    monkeypatch.setattr(gateway, "embed_question", partial(gateway.embed_question, seconds=60))
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=camille)
    page = submit(client, "/espace/recherche", {"text": removal}).text
    assert "Proche par le sens" in page and f"/espace/dossier/documents/{ids['g05']}" in page
    with transaction(patient_id=camille):
        related = list_related(patient_id=camille, document_id=ids["c05"], viewer=PATIENT)
    assert {names[hit.id] for hit in related} & {"c06", "c03"}
    chosen = search(camille, removal, chosen={Facet.SPECIALTY: "Chirurgie viscérale"})
    assert [(names[hit.id], hit.by_meaning) for hit in chosen.page.items] == [("g05", True)]
    by = Actor(ActorKind.PATIENT, camille, "Camille Durand")
    with transaction(patient_id=camille):
        acts.mask_document(patient_id=camille, document_id=ids["g05"], by=by)
    assert "g05" not in {names[hit.id] for hit in search(camille, removal, PROFESSIONAL).page.items}
    assert "g05" in {names[hit.id] for hit in near(search(camille, removal))}


def waiting(patient_id: UUID) -> int:
    with transaction(patient_id=patient_id):
        return vectors.count_waiting(patient_id=patient_id)


@pytest.fixture
def file(fhir: Fhir, guard: Guard, camille: UUID) -> Callable[..., UUID]:
    guard.app.patient_id = camille

    def filed(**changes: object) -> UUID:
        answer = fhir.post("DocumentReference", filing.document(guard.app, **changes))
        assert answer.status_code == 201, answer.text
        return UUID(answer.json["id"])

    return filed


def test_vectors_are_made_by_a_task_and_go_with_the_text_they_tell_of(
    semantic: None, file: Callable[..., UUID], people: Seeded, camille: UUID, app: Flask
) -> None:
    def kept(patient_id: UUID | None) -> int:
        with transaction(patient_id=patient_id):
            return run("SELECT count(*) FROM dmp_search_vector", {})[0][0]

    id = file()
    with transaction():
        (asked,) = run("SELECT arguments FROM core_outbox WHERE task = 'dmp.embed_record'", {})
    assert asked.arguments == [str(camille)]
    with transaction(patient_id=camille):
        for _ in range(2):
            vectors.ask_vectors(patient_id=camille)
    with transaction():
        assert len(run("SELECT 1 FROM core_outbox WHERE task = 'dmp.embed_record'", {})) == 2
    embed_record(str(camille))
    assert (waiting(camille), kept(camille), kept(None), kept(people.patients["paul"])) == (0, 1, 0, 0)
    with transaction(patient_id=camille):
        (document,) = reading.list_unindexed(patient_id=camille, after=None, limit=1, again=True)
        text = reading.open_text(document)
        reading.keep_text(patient_id=camille, document_id=id, found=text)
    assert waiting(camille) == 0, "the same text keeps its vector"
    with transaction(patient_id=camille):
        run("UPDATE dmp_document SET title = 'Autre titre'", {})
        reading.keep_text(patient_id=camille, document_id=id, found=text)
    assert (waiting(camille), kept(camille)) == (1, 0)
    answer = app.test_cli_runner().invoke(dmp, ["reindex", "--semantic"])
    assert "1 documents and entries given a vector, of 1 records." in answer.output
    with transaction(patient_id=camille):
        run("UPDATE dmp_search_vector SET model = 'an older one'", {})
    assert waiting(camille) == 1


def test_a_text_that_changed_while_its_vector_was_made_waits_for_another(
    semantic: None, file: Callable[..., UUID], camille: UUID
) -> None:
    file()
    with transaction(patient_id=camille):
        (one,) = vectors.list_waiting(patient_id=camille, limit=10)
    made = gateway.embed_passages([one.passage])
    with transaction(patient_id=camille):
        run("UPDATE dmp_search SET body = 'sealed anew'", {})
        vectors.keep_vectors(patient_id=camille, made=[(one, made[0])])
    assert waiting(camille) == 1


def test_a_question_does_not_wait_for_a_model_that_is_busy(semantic: None) -> None:
    free = threading.Event()
    gateway._thread().submit(free.wait)
    assert gateway.embed_question("tension", seconds=0.01) is None
    free.set()
    assert len(gateway.embed_question("tension", seconds=60).vector) == 384


def test_without_the_extra_nothing_is_asked_of_a_model(
    file: Callable[..., UUID], camille: UUID, monkeypatch: pytest.MonkeyPatch, app: Flask, config: Config
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(gateway, "_thread", refuse)
    assert gateway.embed_question("tension") is None
    monkeypatch.setattr(gateway, "PACKAGE", "a_package_that_nobody_has")
    settings.configure(replace(config, semantic="auto"))
    try:
        assert gateway.embed_question("tension") is None
        file()
    finally:
        settings.configure(config)
    with transaction():
        assert not run("SELECT 1 FROM core_outbox WHERE task = %(task)s", {"task": vectors.EMBED})
    assert "install the extra" in app.test_cli_runner().invoke(dmp, ["reindex", "--semantic"]).output


def test_the_migration_and_the_search_outlive_a_postgresql_without_pgvector(
    owner: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration = importlib.import_module("platform_app.migrations.versions.0034_search_vectors")
    kind = sa.text(
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = 'dmp_search_vector'::regclass AND attname = 'embedding'"
    )
    later = "ALTER TABLE dmp_search_vector ALTER embedding TYPE halfvec(384) USING embedding::vector::halfvec"
    for name in ("_AVAILABLE", "_KNOWN"):
        monkeypatch.setattr(migration, name, "SELECT false")
    with owner.connect() as connection:
        with Operations.context(MigrationContext.configure(connection)):
            migration.downgrade()
            migration.upgrade()
        assert connection.execute(kind).scalar() == "real[]"
        connection.exec_driver_sql(later)
        assert connection.execute(kind).scalar() == "halfvec(384)"
        connection.rollback()


def test_what_has_the_words_comes_first_and_rankings_agree_on_the_rest() -> None:
    assert fuse("abc", "dbe", exact=True) == ["b", "a", "c", "d", "e"]
    assert fuse("abc", "dbe", exact=False) == ["b", "a", "c", "d", "e"]
    assert fuse("a", "bac", exact=False) == ["a", "b", "c"]
    assert fuse("", "ba", exact=True) == ["b", "a"] and fuse("ab", "", exact=True) == ["a", "b"]


def test_a_passage_tells_what_a_text_concludes_within_bounds() -> None:
    text = "En-tête\nIndication : toux\n\nPoumons libres\nConclusion\nPas de foyer\n" + "Suite " * 400
    found = tell(["Radiographie", "Radiologie", ""], text)
    assert found.startswith("Radiographie. Radiologie. Indication : toux. Poumons libres. Conclusion. Pas de foyer.")
    assert len(found) == MOST_CHARACTERS
    assert tell(["Titre"], "") == "Titre"


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("crise cardiaque", "crise cardiaque"),
        ("HTA", "HTA, hypertension, hypertension arterielle"),
        ('genou -migraine "après effort" -"mal de tête"', "genou après effort"),
        ("médicam*", "médicam"),
        ("-seule", ""),
        ("", ""),
    ],
)
def test_a_question_is_told_without_what_it_excludes(typed: str, asked: str) -> None:
    assert ask(typed).startswith(asked) and ("migraine" in ask(typed)) is False


def test_this_postgresql_compares_vectors(app: Flask) -> None:
    with transaction():
        assert holds_vectors()
