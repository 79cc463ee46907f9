"""The pages: what they show to whom, what they refuse, what the public reads."""

from uuid import UUID

import pytest
from flask.testing import FlaskClient

from platform_core.database import transaction
from store.queries.submissions import get_submission
from store.service import listings, rehearsal
from store.workflow import SubmissionState
from tests.signing_in import sign_in_agent, submit
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


def test_reviewer_and_decider_carry_a_dossier_to_the_catalogue(client: FlaskClient, people: People) -> None:
    application_id, submission_id = bring_to("submitted", people)
    path = f"/instruction/dossiers/{submission_id}"
    as_agent(client, people.ines.id)
    assert "Balance+" in client.get("/instruction/dossiers?etat=submitted").text
    for slug in ("prise-en-charge", "recevable", "evaluation"):
        assert submit(client, f"{path}/{slug}").status_code == 303
    page = client.get(path).text
    assert "0 avis sur" in page and "Accepter le dossier" not in page
    answer = submit(client, f"{path}/criteres/SEC-01", {"verdict": "conforming", "version": "0"})
    assert answer.status_code == 303
    with transaction():
        rehearsal.find_all_conforming(submission_id=submission_id, by=people.ines)
    assert submit(client, f"{path}/proposer", {"motive": "Conforme."}).status_code == 422
    assert submit(client, f"{path}/proposer", {"motive": "Conforme.", "opinion": "favourable"}).status_code == 303
    assert submit(client, f"{path}/accepter", {"motive": "Oui."}).status_code == 403
    with transaction():
        rehearsal.advance(submission_id=submission_id, to=SubmissionState.OPINION_GIVEN, cast=people.cast)
    as_agent(client, people.omar.id)
    assert submit(client, f"{path}/accepter", {"motive": ""}).status_code == 422
    assert submit(client, f"{path}/accepter", {"motive": "Le dossier est conforme."}).status_code == 303
    assert submit(client, f"{path}/contresigner").status_code == 409
    with transaction():
        rehearsal.sign(submission_id, people.cast)
    assert submit(client, f"{path}/contresigner").status_code == 303
    assert submit(client, f"{path}/inscrire").status_code == 409
    with transaction():
        rehearsal.show_behaviours(submission_id)
    assert "Inscrire au catalogue" in client.get(path).text
    assert submit(client, f"{path}/inscrire").status_code == 303
    assert client.get("/catalogue/balance").status_code == 200
    as_agent(client, people.alice.id)
    assert "ENS-" in client.get(f"/editeur/applications/{application_id}").text


def test_complements_name_the_parts_to_complete(client: FlaskClient, people: People) -> None:
    _, submission_id = bring_to("in_evaluation", people)
    path = f"/instruction/dossiers/{submission_id}"
    as_agent(client, people.ines.id)
    refused = submit(client, f"{path}/complements", {"motive": "Où sont les serveurs ?"})
    assert refused.status_code == 422 and "Où sont les serveurs ?" in refused.text
    asked = {"motive": "Où sont les serveurs ?", "flagged": ["hosting", "privacy"]}
    assert submit(client, f"{path}/complements", asked).status_code == 303
    with transaction():
        assert list(get_submission(submission_id).flagged) == ["hosting", "privacy"]


def test_a_decision_against_the_opinion_ticks_that_it_is(client: FlaskClient, people: People) -> None:
    _, submission_id = bring_to("opinion_given", people)
    path = f"/instruction/dossiers/{submission_id}/refuser"
    as_agent(client, people.omar.id)
    page = client.get(path).text
    assert "Favorable" in page and "Je décide autrement que la commission" in page
    assert submit(client, path, {"motive": "Faillite."}).status_code == 409
    assert submit(client, path, {"motive": "Faillite.", "against": "1"}).status_code == 303


def test_two_deciders_the_second_is_told_what_happened(client: FlaskClient, people: People) -> None:
    _, submission_id = bring_to("opinion_given", people)
    path = f"/instruction/dossiers/{submission_id}"
    as_agent(client, people.omar.id)
    assert submit(client, f"{path}/refuser", {"motive": "Non.", "against": "1"}).status_code == 303
    as_agent(client, people.zoe.id)
    answer = submit(client, f"{path}/accepter", {"motive": "Mon long motif."})
    assert answer.status_code == 409
    assert "Mon long motif." in answer.text and "quelqu’un est passé avant vous" in answer.text


def test_two_reviewers_on_one_criterion_see_both_verdicts(client: FlaskClient, people: People) -> None:
    _, submission_id = bring_to("in_evaluation", people)
    path = f"/instruction/dossiers/{submission_id}/criteres/SEC-01"
    as_agent(client, people.ines.id)
    submit(client, path, {"verdict": "to_clarify", "comment": "Quelle date ?", "version": "0"})
    as_agent(client, people.noe.id)
    answer = submit(client, path, {"verdict": "not_conforming", "comment": "Expiré.", "version": "0"})
    assert answer.status_code == 409
    assert "Quelle date ?" in answer.text and "Expiré." in answer.text and 'name="version" value="1"' in answer.text


@pytest.mark.parametrize(
    "data", [{}, {"verdict": "splendid", "version": "0"}, {"verdict": "conforming", "version": "x"}]
)
def test_a_verdict_that_is_none_is_refused(client: FlaskClient, people: People, data: dict[str, str]) -> None:
    _, submission_id = bring_to("in_evaluation", people)
    as_agent(client, people.ines.id)
    assert submit(client, f"/instruction/dossiers/{submission_id}/criteres/SEC-01", data).status_code == 422


@pytest.mark.parametrize("slug", ["inconnu", "draft", "EXPIRE"])
def test_an_unknown_act_is_not_found(client: FlaskClient, people: People, slug: str) -> None:
    _, submission_id = bring_to("submitted", people)
    as_agent(client, people.ines.id)
    assert client.get(f"/instruction/dossiers/{submission_id}/{slug}").status_code == 404


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
