"""A space closed, then destroyed for good: who is turned out, what comes back, and that nothing is left anywhere."""

import io
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from consent.queries import proofs
from dmp_core.queries import professionals
from dmp_core.service.professionals import agreements
from dmp_core.tasks import make_export
from identity_core import queries as identity
from identity_core import tasks
from identity_core.service import destruction, spaces
from identity_core.service.seeding import Seeded
from identity_core.tasks import destroy_spaces
from partner_sdk.errors import ConsentEnded
from platform_core import clock
from platform_core.access import Actor, ActorKind
from platform_core.blobs.stores import store
from platform_core.database import DatabaseRole, run, transaction
from platform_core.destruction import SPARED
from platform_core.errors import Conflict
from tests.dmp_core.filing import pdf_a
from tests.journeys.conftest import Grants
from tests.journeys.test_attacks_on_the_database import OF_PATIENTS, as_owner
from tests.signing_in import read_csrf_token, sign_in_citizen, submit

DOCUMENTS, RECORD = "/espace/dossier/documents", "/espace/dossier"
MARTIN_UNTIL = timedelta(days=30)

# Where the id of a destroyed patient, or of the person they were, may still be found.
NAMED_BY_ID = {
    "core_audit": "who did what: acts name objects by their ids, and the name of the person is blanked",
    "core_journal": SPARED["core_journal"],
    "core_outbox": "tasks that were done: ids alone, forgotten with the others",
    "identity_patient": "the row stays, without a trait",
    "identity_person": SPARED["identity_person"],
}


@pytest.fixture
def dominique(people: Seeded) -> UUID:
    return people.patients["dominique"]


@pytest.fixture
def herself(people: Seeded) -> Actor:
    return Actor(ActorKind.PATIENT, people.persons["dominique"], "Dominique Petit")


@pytest.fixture
def browser(app: Flask, people: Seeded, dominique: UUID) -> FlaskClient:
    """A browser signed in at the highest level, a moment ago."""
    client = app.test_client()
    sign_in_citizen(client, person_id=people.persons["dominique"], patient_id=dominique, acr="eidas3")
    return client


def fill(browser: FlaskClient, people: Seeded, patient: UUID, by: Actor) -> None:
    """A record with something of each kind, whom it is open to, and a copy of it."""
    form = {"title": "Radio : genou", "type": "DOCPAT04", "date": "2026-11-20"}
    data = {**form, "csrf_token": read_csrf_token(browser, f"{DOCUMENTS}/ajouter")}
    data["file"] = (io.BytesIO(pdf_a()), "radio.pdf")  # type: ignore[assignment]
    assert browser.post(f"{DOCUMENTS}/ajouter", data=data, content_type="multipart/form-data").status_code == 303
    shot = {"vaccine": "J07CA02", "date": "2025-03-20", "product": "Repevax"}
    assert submit(browser, f"{RECORD}/vaccinations/ajouter", shot).status_code == 303
    submit(browser, f"{RECORD}/profil/allergies", {"label": "Arachide", "choice": "high"})
    assert submit(browser, f"{RECORD}/copie").status_code == 303
    doctor, nurse = people.professionals["dr-martin"], people.professionals["ide-costa"]
    with transaction(patient_id=patient):
        agreements.admit_to_team(patient_id=patient, professional_id=doctor, until=clock.today() + MARTIN_UNTIL, by=by)
        agreements.block_professional(patient_id=patient, professional_id=nurse, by=by)
        (download,) = run("SELECT id FROM core_download", {})
    make_export(str(patient), str(download.id))


def rows_of(owner: sa.Engine, patient: UUID) -> dict[str, int]:
    """How many rows of a patient each table that has some holds."""
    tables = as_owner(owner, OF_PATIENTS.text)
    counts = {
        name: as_owner(owner, f'SELECT count(*) FROM "{name}" WHERE patient_id = :p', p=patient) for name in tables
    }
    return {name: count[0] for name, count in counts.items() if count[0]}


def where_found(owner: sa.Engine, *texts: str) -> set[str]:
    """The tables in which one of these texts stands somewhere."""
    every = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    looked_for = "|".join(texts)
    each = [f"SELECT '{name}' FROM \"{name}\" AS t WHERE t::text ~ :texts" for name in as_owner(owner, every)]
    return set(as_owner(owner, " UNION ".join(each), texts=looked_for))


def close(patient: UUID, by: Actor, *, destroy: bool = False) -> None:
    with transaction(patient_id=patient):
        spaces.close_space(patient_id=patient, by=by)
        if destroy:
            destruction.ask_destruction(patient_id=patient, by=by)


def test_a_space_that_is_destroyed_leaves_nothing_anywhere_even_when_the_work_is_cut(
    browser: FlaskClient,
    people: Seeded,
    dominique: UUID,
    herself: Actor,
    grant_production: Grants,
    owner: sa.Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app_space = grant_production(dominique)
    app_space.measures.add(kind="body-weight", value=72.5, unit="kg", at=clock.now())
    fill(browser, people, dominique, herself)
    before = rows_of(owner, dominique)
    assert {"core_journal", "core_patient_key", "consent_event", "consent_receipt", "consent_version"} <= set(before)
    assert {"dmp_measure", "dmp_document", "dmp_entry", "dmp_search", "dmp_search_word", "dmp_block"} <= set(before)
    assert {"dmp_agreement", "core_download", "notification_message", "oauth_token", "identity_person"} <= set(before)
    with transaction(patient_id=dominique):
        files = tasks.blobs.list_held_by(dominique)
        matricule = identity.find_ins(dominique).matricule  # type: ignore[union-attr]
    assert len(files) == 2 and all(store().exists(name) for name in files)

    close(dominique, herself, destroy=True)
    with pytest.raises(ConsentEnded):
        list(app_space.measures.list(kind="body-weight"))
    destroy_spaces()
    kept = rows_of(owner, dominique)
    assert {table: kept[table] for table in before if table.startswith("dmp_")} == {
        table: count for table, count in before.items() if table.startswith("dmp_")
    }

    with owner.begin() as connection:
        connection.execute(sa.text("CREATE TABLE core_later (patient_id uuid, note text)"))
        connection.execute(
            sa.text("INSERT INTO core_later VALUES (:p, 'a table of a later version')"), {"p": dominique}
        )
    monkeypatch.setattr("platform_core.destruction.MOST", 20)
    whole, done = tasks.destroy_batch, []

    def cut(patient_id: UUID) -> int:
        if len(done) == 4:
            raise RuntimeError("killed")
        done.append(patient_id)
        return whole(patient_id)

    try:
        with clock.frozen_at(clock.now() + timedelta(days=31)):
            with monkeypatch.context() as patched, pytest.raises(RuntimeError):
                patched.setattr(tasks, "destroy_batch", cut)
                destroy_spaces()
            assert "core_patient_key" not in rows_of(owner, dominique)
            sign_in_citizen(browser, person_id=herself.id, patient_id=dominique)  # type: ignore[arg-type]
            assert "La destruction a commencé" in browser.get("/espace", follow_redirects=True).text
            destroy_spaces()
            assert browser.get("/espace").location.startswith("/connexion")
        assert as_owner(owner, "SELECT count(*) FROM core_later") == [0]
    finally:
        with owner.begin() as connection:
            connection.execute(sa.text("DROP TABLE core_later"))

    assert set(rows_of(owner, dominique)) == {"core_journal", "identity_person"} == set(SPARED)
    assert not [name for name in files if store().exists(name)]
    assert where_found(owner, str(dominique), str(herself.id)) <= set(NAMED_BY_ID)
    assert where_found(owner, "Dominique", "Petit", matricule, "1941-09-03") == set()
    with transaction(role=DatabaseRole.BATCH):
        assert list(proofs.verify()) == []


def test_only_a_space_being_destroyed_loses_its_rows_and_the_application_takes_none_away(
    people: Seeded, dominique: UUID
) -> None:
    statement = "SELECT ens_destroy_rows(%(patient)s, '{}', 10)"
    with pytest.raises(sa.exc.DBAPIError, match="not being destroyed"), transaction(role=DatabaseRole.BATCH):
        run(statement, {"patient": dominique})
    with pytest.raises(sa.exc.DBAPIError, match="permission denied"), transaction(patient_id=dominique):
        run(statement, {"patient": dominique})


def test_closing_turns_everybody_out_and_opening_again_brings_the_record_back_but_lets_nobody_in(
    browser: FlaskClient, people: Seeded, dominique: UUID, herself: Actor, owner: sa.Engine
) -> None:
    fill(browser, people, dominique, herself)
    page = browser.get("/espace/fermeture").text
    assert "Télécharger la copie" in page and "conservé dix ans" in page
    early = submit(browser, "/espace/destruction", {"understood": "yes"}, page="/espace/fermeture")
    assert early.status_code == 409
    assert submit(browser, "/espace/fermeture").location == "/espace/ouverture"
    with transaction(patient_id=dominique):
        rights = {one.state for one in professionals.list_agreements(dominique)}
        assert rights == {"ended"}
    closed = browser.get("/espace/ouverture").text
    assert "jusqu’au" in closed and "/espace/destruction" in closed
    assert submit(browser, "/espace/destruction").status_code == 422
    assert submit(browser, "/espace/destruction", {"understood": "yes"}).location == "/espace/ouverture"
    assert "Tout sera détruit à partir du" in browser.get("/espace/ouverture").text
    assert submit(browser, "/espace/destruction/annulation", page="/espace/ouverture").status_code == 303
    with clock.frozen_at(clock.now() + timedelta(days=31)):
        destroy_spaces()
    assert submit(browser, "/espace/ouverture", {"decision": "ouvrir"}).status_code == 303
    assert "Radio : genou" in browser.get(DOCUMENTS).text
    with transaction(patient_id=dominique):
        assert identity.get_patient(dominique).destroys_on is None
        assert {one.state for one in professionals.list_agreements(dominique)} == {"ended"}


@pytest.mark.parametrize(("acr", "path"), [("eidas1", "/espace/fermeture"), ("eidas2", "/espace/destruction")])
def test_a_grave_act_asks_who_does_it_to_prove_anew_who_they_are(
    app: Flask, people: Seeded, dominique: UUID, herself: Actor, acr: str, path: str
) -> None:
    client = app.test_client()
    if path == "/espace/destruction":
        close(dominique, herself)
    sign_in_citizen(client, person_id=people.persons["dominique"], patient_id=dominique, acr=acr)
    page = client.get(path).text
    assert "Confirmer mon identité" in page and "csrf_token" not in page.split("<main")[1].split("</main")[0]
    token = {"csrf_token": read_csrf_token(client, "/espace/agir-pour"), "understood": "yes"}
    assert client.post(path, data=token).location.startswith("/connexion?suite=")
    with transaction():
        assert identity.get_patient(dominique).space_state == ("closed" if path == "/espace/destruction" else "open")


def test_what_was_closed_is_kept_ten_years_then_destroyed_and_who_acts_for_a_child_stays_known(
    app: Flask, people: Seeded, owner: sa.Engine
) -> None:
    camille, person = people.patients["camille"], people.persons["camille"]
    by = Actor(ActorKind.PATIENT, person, "Camille Durand")
    close(camille, by)
    with pytest.raises(Conflict), transaction(patient_id=camille):
        spaces.close_space(patient_id=camille, by=by)
    years = timedelta(days=3653)
    with clock.frozen_at(clock.now() + years - timedelta(days=3)):
        destroy_spaces()
        with transaction():
            assert identity.get_patient(camille).space_state == "closed"
    with owner.begin() as connection:
        connection.execute(sa.text("UPDATE identity_representation SET valid_until = '2099-01-01'"))
    with clock.frozen_at(clock.now() + years):
        destroy_spaces()
        with transaction():
            left = identity.get_patient(camille)
            assert (left.space_state, left.family_name) == ("destroyed", "Durand")
            assert identity.find_ins(camille) is not None
    with owner.begin() as connection:
        connection.execute(sa.text("UPDATE identity_representation SET state = 'ended'"))
    with clock.frozen_at(clock.now() + years + timedelta(days=31)):
        destroy_spaces()
        with transaction():
            gone = identity.get_patient(camille)
            assert (gone.family_name, gone.destroys_on, identity.find_ins(camille)) == ("", None, None)
