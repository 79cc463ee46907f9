"""Server-side sessions: what the cookie is worth, for how long, and what the guards of pages make of it."""

from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask, session
from flask.testing import FlaskClient

from identity_core import queries
from identity_core.models import BrowserSession
from identity_core.rules import Role
from identity_core.service import organisations, representations
from identity_core.service.seeding import Seeded
from identity_core.sessions import Slot, browser_key, forget_sign_in
from identity_core.tasks import sweep_sessions
from platform_core.access import SYSTEM
from platform_core.clock import FrozenClock
from platform_core.crypto import hash_token
from platform_core.database import transaction
from tests.signing_in import sign_in_agent, sign_in_citizen, sign_in_professional, submit


@pytest.fixture
def camille(client: FlaskClient, people: Seeded) -> FlaskClient:
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=people.patients["camille"])
    return client


def cookie(client: FlaskClient) -> str:
    found = client.get_cookie("ens", domain="127.0.0.1") or client.get_cookie("ens")
    assert found is not None
    return found.value


def rows() -> list[BrowserSession]:
    with transaction() as database:
        return list(database.scalars(sa.select(BrowserSession)))


def test_only_the_hash_of_the_cookie_is_stored(camille: FlaskClient) -> None:
    (row,) = rows()
    assert row.token_hash == hash_token(cookie(camille))
    assert cookie(camille) not in str(row.data)
    assert len(cookie(camille)) >= 43


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client: FlaskClient) -> None:
    header = client.get("/connexion").headers["Set-Cookie"]
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    assert "Expires" not in header


@pytest.mark.parametrize("path", ["/health/live", "/oauth/jwks", "/fhir/metadata", "/"])
def test_a_request_that_needs_no_session_makes_none(client: FlaskClient, path: str) -> None:
    assert "Set-Cookie" not in client.get(path).headers
    assert rows() == []


def test_an_unknown_cookie_is_nobody(client: FlaskClient, people: Seeded) -> None:
    client.set_cookie("ens", "made-up")
    assert client.get("/espace").status_code == 303


def test_signing_out_kills_the_cookie(camille: FlaskClient) -> None:
    before = cookie(camille)
    submit(camille, "/deconnexion", {"area": "patient"}, page="/espace/notifications")
    camille.set_cookie("ens", before)
    assert camille.get("/espace").status_code == 303


def test_signing_in_changes_the_cookie_and_keeps_the_browser_key(app: Flask, client: FlaskClient) -> None:
    with client.session_transaction() as stored:
        stored["browser_key"] = "key"
    before = cookie(client)
    with client.session_transaction() as stored:
        stored.rotate()  # type: ignore[attr-defined]
    assert cookie(client) != before
    with client.session_transaction() as stored:
        assert stored["browser_key"] == "key"
    client.set_cookie("ens", before)
    with client.session_transaction() as stored:
        assert "browser_key" not in stored


def test_a_session_idle_for_thirty_minutes_is_over(client: FlaskClient, people: Seeded, clock: FrozenClock) -> None:
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=people.patients["camille"])
    clock.move(minutes=29)
    assert client.get("/espace").status_code == 200
    clock.move(minutes=29)
    assert client.get("/espace").status_code == 200
    clock.move(minutes=31)
    assert client.get("/espace").status_code == 303


def test_a_session_in_constant_use_is_over_after_twelve_hours(
    client: FlaskClient, people: Seeded, clock: FrozenClock
) -> None:
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=people.patients["camille"])
    for _ in range(47):
        clock.move(minutes=15)
        assert client.get("/espace/notifications").status_code == 200
    clock.move(minutes=15)
    assert client.get("/espace/notifications").status_code == 303


def test_two_requests_of_one_browser_do_not_undo_each_other(app: Flask, client: FlaskClient) -> None:
    with client.session_transaction() as stored:
        stored.update(kept="1", dropped="1")
    value = cookie(client)
    interface = app.session_interface
    with app.test_request_context("/", headers={"Cookie": f"ens={value}"}):
        slow = session._get_current_object()  # type: ignore[attr-defined]
        assert slow["kept"] == "1"
        with client.session_transaction() as quick:
            quick["added"] = "1"
            del quick["dropped"]
        slow["slow"] = "1"
        interface.save_session(app, slow, app.response_class())
    with client.session_transaction() as stored:
        assert dict(stored) == {"kept": "1", "added": "1", "slow": "1"}


def test_lapsed_sessions_are_swept(client: FlaskClient, app: Flask, clock: FrozenClock) -> None:
    client.get("/connexion")
    sweep_sessions()
    assert len(rows()) == 1
    clock.move(minutes=31)
    sweep_sessions()
    assert rows() == []


def test_one_browser_holds_three_sign_ins_and_forgets_them_one_by_one(camille: FlaskClient, people: Seeded) -> None:
    sign_in_professional(camille, professional_id=people.professionals["dr-martin"])
    sign_in_agent(camille, agent_id=people.agents["ines"])
    assert [camille.get(path).status_code for path in ("/espace", "/pro", "/instruction")] == [200, 200, 200]
    submit(camille, "/deconnexion", {"area": "pro"}, page="/connexion")
    assert [camille.get(path).status_code for path in ("/espace", "/pro", "/instruction")] == [200, 303, 200]


@pytest.mark.parametrize(
    ("agent", "path", "status"),
    [
        ("alice", "/editeur", 200),
        ("alice", "/instruction", 403),
        ("ines", "/instruction", 200),
        ("ines", "/editeur", 403),
        ("omar", "/instruction", 200),
        ("claire", "/instruction", 200),
        ("claire", "/editeur", 403),
    ],
)
def test_an_agent_enters_where_a_role_allows(
    client: FlaskClient, people: Seeded, agent: str, path: str, status: int
) -> None:
    sign_in_agent(client, agent_id=people.agents[agent])
    assert client.get(path).status_code == status


def test_a_role_taken_back_counts_at_the_next_page(client: FlaskClient, people: Seeded) -> None:
    sign_in_agent(client, agent_id=people.agents["ines"])
    assert client.get("/instruction").status_code == 200
    with transaction():
        organisations.remove_member(
            organisation_id=people.organisations["authority"],
            agent_id=people.agents["ines"],
            role=Role.REVIEWER,
            by=SYSTEM,
        )
    assert client.get("/instruction").status_code == 403


@pytest.mark.parametrize(
    ("path", "sign_in"),
    [
        ("/espace", "/connexion"),
        ("/pro", "/connexion/pro"),
        ("/editeur", "/connexion/editeur"),
        ("/instruction", "/connexion/instruction"),
        ("/espace/notifications?page=2", "/connexion"),
    ],
)
def test_signed_out_one_is_sent_to_sign_in_and_back(client: FlaskClient, path: str, sign_in: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 303
    assert answer.location.split("?")[0] == sign_in
    assert client.get(answer.location).status_code == 200


def test_signed_out_a_form_is_refused(client: FlaskClient) -> None:
    assert submit(client, "/espace/fermeture", page="/connexion").status_code == 401


def test_a_representative_looks_at_the_record_of_the_child_only_while_it_is_so(
    client: FlaskClient, people: Seeded
) -> None:
    camille, child = people.persons["camille"], people.patients["lea"]
    sign_in_citizen(client, person_id=camille, patient_id=people.patients["camille"], acting_for=child)
    assert "Espace de Léa Durand" in client.get("/espace").text
    with transaction(patient_id=child):
        held = queries.find_acting(person_id=camille, patient_id=child)
        assert held is not None
        representations.end_representation(representation_id=held.id, by=SYSTEM)
    assert "Espace de Camille Durand" in client.get("/espace").text


def test_nobody_acts_for_a_stranger(camille: FlaskClient, people: Seeded) -> None:
    stranger: UUID = people.patients["dominique"]
    answer = submit(camille, "/espace/agir-pour", {"patient": str(stranger)})
    assert answer.status_code == 404
    assert "Espace de Camille Durand" in camille.get("/espace").text


def test_forgetting_the_last_sign_in_forgets_the_browser(app: Flask) -> None:
    with app.test_request_context("/"):
        session["sign_in.pro"] = None
        assert browser_key() == browser_key()
        forget_sign_in(Slot.PRO)
        assert dict(session) == {}
