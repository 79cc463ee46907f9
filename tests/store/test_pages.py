"""The pages: what they show to whom, what they refuse, what the public reads."""

from uuid import UUID

import pytest
from flask.testing import FlaskClient

from platform_core.database import transaction
from store.service import listings
from tests.signing_in import sign_in_agent
from tests.store.conftest import People, bring_to


def as_agent(client: FlaskClient, agent_id: UUID | None) -> FlaskClient:
    assert agent_id is not None
    sign_in_agent(client, agent_id=agent_id)
    return client


@pytest.mark.parametrize("path", ["/editeur/applications", "/editeur/applications/nouvelle", "/instruction/dossiers"])
def test_a_page_of_an_area_asks_to_sign_in(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.location.split("?")[0]) == (
        303,
        "/connexion/editeur" if path.startswith("/editeur") else "/connexion/instruction",
    )


def test_a_publisher_does_not_enter_the_reviewers_area_nor_the_reverse(client: FlaskClient, people: People) -> None:
    application_id, submission_id = bring_to("submitted", people)
    as_agent(client, people.alice.id)
    assert client.get(f"/instruction/dossiers/{submission_id}").status_code == 403
    as_agent(client, people.ines.id)
    assert client.get(f"/editeur/applications/{application_id}").status_code == 403


def test_the_catalogue_page_says_what_a_patient_must_know(client: FlaskClient, people: People) -> None:
    bring_to("listed", people)
    page = client.get("/catalogue/balance").text
    for text in (
        "Balance+ SAS",
        "ENS-",
        "Pour tracer la courbe de votre poids.",
        "1 fois par jour au plus",
        "Nuage Clair",
        "HDS-0042",
        "dpo@balance-plus.exemple.fr",
        "Une personne qui ouvre votre compte",
        "CNIL",
    ):
        assert text in page


def test_a_suspended_application_leaves_the_list_but_its_page_says_so(client: FlaskClient, people: People) -> None:
    bring_to("suspended", people)
    assert "Balance+" not in client.get("/catalogue").text
    assert "Référencement suspendu" in client.get("/catalogue/balance").text


def test_a_withdrawn_application_is_no_longer_in_the_catalogue(client: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("listed", people)
    with transaction():
        listings.withdraw_listing(application_id=application_id, motive="Fin.", by=people.omar)
    assert client.get("/catalogue/balance").status_code == 404


def test_the_catalogue_for_programs_says_the_same(client: FlaskClient, people: People) -> None:
    bring_to("listed", people)
    page = client.get("/api/v1/catalogue?q=pesee&data=storetest.weight").get_json()
    assert (page["total"], page["applications"][0]["slug"]) == (1, "balance")
    entry = client.get("/api/v1/catalogue/balance").get_json()
    assert entry["items"] == [
        {
            "category": "storetest.weight",
            "access": "read",
            "why": "Pour tracer la courbe de votre poids.",
            "required": True,
            "history_days": 365,
            "periodicity": {"max": 1, "per": "day"},
        }
    ]
    assert (entry["purposes"], entry["longest_days"]) == (["prevention"], 366)


def test_the_catalogue_for_programs_refuses_what_it_does_not_know(client: FlaskClient) -> None:
    missing = client.get("/api/v1/catalogue/absente")
    assert (missing.status_code, missing.get_json()["code"]) == (404, "not-found")
    assert client.get("/api/v1/catalogue?page=0").status_code == 422
