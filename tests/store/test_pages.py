"""The pages: what they show to whom, what they refuse, what the public reads."""

from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from platform_core.database import transaction
from store.pages import forms
from store.queries.submissions import get_own_submission
from store.rules import grid
from store.rules.dossier import section_version
from store.service import dossiers, listings, reviews
from store.workflow import SubmissionState
from tests.signing_in import sign_in_agent, submit
from tests.store.conftest import People, bring_to, complete_dossier


def as_agent(client: FlaskClient, agent_id: UUID | None) -> FlaskClient:
    assert agent_id is not None
    sign_in_agent(client, agent_id=agent_id)
    return client


def state_of(application_id: UUID, people: People) -> SubmissionState:
    with transaction():
        return get_own_submission(application_id, by=people.alice).state


def dossier_of(application_id: UUID, people: People) -> dict:
    with transaction():
        return dict(get_own_submission(application_id, by=people.alice).dossier)


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


def test_a_publisher_creates_an_application_and_lands_on_its_dossier(client: FlaskClient, people: People) -> None:
    as_agent(client, people.alice.id)
    answer = submit(client, "/editeur/applications/nouvelle", {"name": "Sommeil Zen"})
    assert answer.status_code == 303
    hub = client.get(answer.location).text
    assert "Sommeil Zen" in hub and "Pas commencé" in hub and "Brouillon" in hub
    assert "Sommeil Zen" in client.get("/editeur/applications").text


def test_an_application_without_a_name_is_refused_beside_its_field(client: FlaskClient, people: People) -> None:
    as_agent(client, people.alice.id)
    answer = submit(client, "/editeur/applications/nouvelle", {"name": " "})
    assert answer.status_code == 422
    assert 'id="name-error"' in answer.text


def test_a_form_without_its_token_changes_nothing(client: FlaskClient, people: People) -> None:
    as_agent(client, people.alice.id)
    assert client.post("/editeur/applications/nouvelle", data={"name": "Sommeil Zen"}).status_code == 400
    assert "Sommeil Zen" not in client.get("/editeur/applications").text


def test_another_organisations_application_is_not_found(client: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("draft", people)
    as_agent(client, people.bruno.id)
    for path in ("", "/hebergement", "/donnees", "/donnees/nouvelle", "/soumettre"):
        assert client.get(f"/editeur/applications/{application_id}{path}").status_code == 404


def test_a_section_is_saved_and_leads_to_the_next(client: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("draft", people)
    as_agent(client, people.alice.id)
    path = f"/editeur/applications/{application_id}/hebergement"
    values = {**complete_dossier()["hosting"], "hoster": "Autre Nuage"}
    version = section_version(dossier_of(application_id, people), "hosting")
    answer = submit(client, path, {**values, "version": version, "then": "next"})
    assert (answer.status_code, answer.location) == (303, f"/editeur/applications/{application_id}/vie-privee")
    assert dossier_of(application_id, people)["hosting"] == values


def test_a_wrong_answer_keeps_what_was_typed_and_names_the_field(client: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("draft", people)
    as_agent(client, people.alice.id)
    path = f"/editeur/applications/{application_id}/societe"
    version = section_version(dossier_of(application_id, people), "company")
    answer = submit(client, path, {"siren": "12", "legal_name": "Balance", "version": version})
    assert answer.status_code == 422
    assert 'value="12"' in answer.text and 'href="#siren"' in answer.text
    assert dossier_of(application_id, people)["company"] == complete_dossier()["company"]


def test_two_colleagues_on_one_section_see_both_values_and_lose_nothing(client: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("draft", people)
    as_agent(client, people.alice.id)
    path = f"/editeur/applications/{application_id}/hebergement"
    hosting, version = complete_dossier()["hosting"], section_version(complete_dossier(), "hosting")
    submit(client, path, {**hosting, "hoster": "Premier", "version": version})
    answer = submit(client, path, {**hosting, "hoster": "Second", "version": version})
    assert answer.status_code == 409
    assert "Premier" in answer.text and 'value="Second"' in answer.text
    assert dossier_of(application_id, people)["hosting"]["hoster"] == "Premier"
    renewed = section_version(dossier_of(application_id, people), "hosting")
    assert f'name="version" value="{renewed}"' in answer.text


def test_an_item_of_data_is_added_changed_and_removed(client: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("draft", people)
    as_agent(client, people.alice.id)
    base = f"/editeur/applications/{application_id}/donnees"

    def version() -> str:
        return section_version(dossier_of(application_id, people), "data")

    item = {
        "category": "storetest.weight",
        "access": "write",
        "why": "Pour ranger votre poids dans votre dossier.",
        "required": "false",
        "history_days": "",
        "frequency": "recurring",
        "most": "4",
        "per": "week",
    }
    assert submit(client, f"{base}/nouvelle", {**item, "version": version()}).status_code == 303
    added = dossier_of(application_id, people)["data"]["items"][1]
    assert (added["periodicity"], added["required"], added["history_days"]) == ({"max": 4, "per": "week"}, False, None)
    changed = {**item, "frequency": "continuous", "version": version()}
    assert submit(client, f"{base}/storetest.weight/write", changed).status_code == 303
    assert dossier_of(application_id, people)["data"]["items"][1]["periodicity"] == {"continuous": True}
    removal = f"{base}/storetest.weight/write/retrait"
    assert submit(client, removal, {"version": version()}, page=base).status_code == 303
    assert len(dossier_of(application_id, people)["data"]["items"]) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"frequency": ""}, "frequency"),
        ({"most": "500"}, "frequency"),
        ({"most": "beaucoup"}, "frequency"),
        ({"category": "storetest.bmi"}, "category"),
        ({"category": ""}, "category"),
        ({"access": ""}, "access"),
        ({"required": ""}, "required"),
        ({"why": "Parce que."}, "why"),
        ({"history_days": "-3"}, "history_days"),
    ],
)
def test_an_item_that_cannot_be_asked_is_refused_beside_its_field(
    client: FlaskClient, people: People, change: dict[str, str], field: str
) -> None:
    application_id, _ = bring_to("draft", people)
    as_agent(client, people.alice.id)
    path = f"/editeur/applications/{application_id}/donnees/nouvelle"
    item = {
        "category": "storetest.weight",
        "access": "write",
        "why": "Pour ranger votre poids dans votre dossier.",
        "required": "true",
        "frequency": "recurring",
        "most": "4",
        "per": "day",
        "version": section_version(dossier_of(application_id, people), "data"),
    }
    answer = submit(client, path, {**item, **change})
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text and f'id="{field}-error"' in answer.text


def test_an_incomplete_dossier_says_what_it_lacks_and_offers_no_submission(client: FlaskClient, people: People) -> None:
    as_agent(client, people.alice.id)
    created = submit(client, "/editeur/applications/nouvelle", {"name": "Sommeil Zen"})
    page = client.get(f"{created.location}/soumettre")
    assert "Hébergeur" in page.text and "Soumettre le dossier" not in page.text


def test_submitting_asks_for_the_attestation_first(client: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("draft", people)
    as_agent(client, people.alice.id)
    path = f"/editeur/applications/{application_id}/soumettre"
    assert submit(client, path).status_code == 422
    assert state_of(application_id, people) is SubmissionState.DRAFT
    assert submit(client, path, {"attest": "yes"}).status_code == 303
    assert state_of(application_id, people) is SubmissionState.SUBMITTED


def test_a_submitted_section_is_read_not_edited(client: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("submitted", people)
    as_agent(client, people.alice.id)
    page = client.get(f"/editeur/applications/{application_id}/hebergement")
    assert "Nuage Clair" in page.text and 'name="hoster"' not in page.text


def test_reviewer_and_decider_carry_a_dossier_to_the_catalogue(client: FlaskClient, people: People) -> None:
    application_id, submission_id = bring_to("submitted", people)
    path = f"/instruction/dossiers/{submission_id}"
    as_agent(client, people.ines.id)
    assert "Balance+" in client.get("/instruction/dossiers?etat=submitted").text
    assert submit(client, f"{path}/prise-en-charge").status_code == 303
    page = client.get(path).text
    assert "0 avis sur 13" in page and "Accepter le dossier" not in page
    for criterion in grid.load("2026.1").criteria:
        answer = submit(client, f"{path}/criteres/{criterion}", {"verdict": "conforming", "version": "0"})
        assert answer.status_code == 303
    assert submit(client, f"{path}/proposer-acceptation", {"motive": "Conforme."}).status_code == 303
    assert submit(client, f"{path}/accepter", {"motive": "Oui."}).status_code == 403
    as_agent(client, people.omar.id)
    assert submit(client, f"{path}/accepter", {"motive": ""}).status_code == 422
    assert submit(client, f"{path}/accepter", {"motive": "Le dossier est conforme."}).status_code == 303
    assert "Inscrire au catalogue" in client.get(path).text
    assert submit(client, f"{path}/inscrire").status_code == 303
    assert client.get("/catalogue/balance").status_code == 200
    as_agent(client, people.alice.id)
    assert "ENS-" in client.get(f"/editeur/applications/{application_id}").text


def test_two_deciders_the_second_is_told_what_happened(client: FlaskClient, people: People) -> None:
    _, submission_id = bring_to("proposed", people)
    path = f"/instruction/dossiers/{submission_id}"
    as_agent(client, people.omar.id)
    assert submit(client, f"{path}/refuser", {"motive": "Non."}).status_code == 303
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


def test_complements_are_asked_shown_and_answered(client: FlaskClient, people: People) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    as_agent(client, people.ines.id)
    submit(client, f"/instruction/dossiers/{submission_id}/complements", {"motive": "Précisez les risques."})
    as_agent(client, people.alice.id)
    assert "Précisez les risques." in client.get(f"/editeur/applications/{application_id}").text
    submit(client, f"/editeur/applications/{application_id}/soumettre", {"attest": "yes"})
    assert state_of(application_id, people) is SubmissionState.IN_EVALUATION


def test_a_refusal_shows_its_motive_and_the_ways_of_appeal_and_can_be_tried_again(
    client: FlaskClient, people: People
) -> None:
    application_id, submission_id = bring_to("proposed", people)
    as_agent(client, people.omar.id)
    submit(client, f"/instruction/dossiers/{submission_id}/refuser", {"motive": "Hébergement hors d’Europe."})
    as_agent(client, people.alice.id)
    hub = f"/editeur/applications/{application_id}"
    page = client.get(hub).text
    assert "Hébergement hors d’Europe." in page and "recours gracieux" in page
    submit(client, f"{hub}/reouverture", page=hub)
    assert state_of(application_id, people) is SubmissionState.DRAFT


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


@pytest.mark.parametrize(
    ("access", "days", "words"),
    [
        ("read", None, "tout l’historique"),
        ("read", 1, "1 jour au plus"),
        ("read", 31, "31 jours au plus"),
        ("read", 365, "1 an au plus"),
        ("read", 730, "2 ans au plus"),
        ("write", None, "sans objet"),
    ],
)
def test_the_depth_of_history_is_said_in_words(app: Flask, access: str, days: int | None, words: str) -> None:
    with app.test_request_context():
        assert forms.say_history({"access": access, "history_days": days}) == words


def test_the_motive_shown_is_that_of_the_complements_even_after_a_suspension(
    client: FlaskClient, people: People
) -> None:
    application_id, _ = bring_to("listed", people)
    with transaction():
        dossiers.open_submission(application_id=application_id, by=people.alice)
        dossiers.submit(application_id=application_id, by=people.alice)
        submission_id = get_own_submission(application_id, by=people.alice).id
        reviews.take_in_charge(submission_id=submission_id, by=people.ines)
        reviews.request_complements(submission_id=submission_id, motive="Précisez les risques.", by=people.ines)
    with transaction():
        listings.suspend_listing(application_id=application_id, motive="Fuite de données.", by=people.omar)
    as_agent(client, people.alice.id)
    page = client.get(f"/editeur/applications/{application_id}").text
    notice = page[page.index("L’instruction attend") : page.index("<h2>Référencement</h2>")]
    assert "Précisez les risques." in notice and "Fuite de données." not in notice
