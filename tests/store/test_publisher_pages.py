"""The publisher's pages: what they show to whom, what they keep, what they refuse."""

import re
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from platform_core.database import transaction
from store.pages import forms
from store.queries.submissions import get_own_submission
from store.rules import grid
from store.rules.dossier import item_version, section_version
from store.rules.procedure import PROCEDURE
from store.service import dossiers, listings, reviews
from store.workflow import SubmissionState
from tests.signing_in import sign_in_agent, submit
from tests.store.conftest import ORIENTATION, People, answer_criteria, bring_to, complete_dossier, fill, weight_item

HOSTER = ["hoster", "country", "hds_certificate", "hds_valid_until"]


@pytest.fixture
def alice(client: FlaskClient, people: People) -> FlaskClient:
    assert people.alice.id is not None
    sign_in_agent(client, agent_id=people.alice.id)
    return client


def dossier_of(application_id: UUID, people: People) -> dict[str, Any]:
    with transaction():
        return dict(get_own_submission(application_id, by=people.alice).dossier)


def state_of(application_id: UUID, people: People) -> SubmissionState:
    with transaction():
        return get_own_submission(application_id, by=people.alice).state


def version_of(application_id: UUID, people: People, section: str, fields: list[str] | None = None) -> str:
    content = dossier_of(application_id, people)
    return section_version(content, section, fields or [*content.get(section, {})])


def hub(application_id: UUID, path: str = "") -> str:
    return f"/editeur/applications/{application_id}{path}"


def hosting(**fields: str) -> dict[str, str]:
    """The step « Hébergeur », as it is posted."""
    return {**{name: complete_dossier()["hosting"][name] for name in HOSTER}, **fields}


def send_back(application_id: UUID, people: People, flagged: list[str], motive: str = "Précisez.") -> None:
    with transaction():
        submission_id = get_own_submission(application_id, by=people.alice).id
        reviews.request_complements(submission_id=submission_id, motive=motive, flagged=flagged, by=people.ines)


def test_a_publisher_creates_an_application_and_lands_on_its_dossier(alice: FlaskClient) -> None:
    answer = submit(alice, "/editeur/applications/nouvelle", {"name": "Sommeil Zen"})
    assert answer.status_code == 303
    page = alice.get(answer.location).text
    assert "Sommeil Zen" in page and "Pas commencé" in page and "Brouillon" in page and "Sans objet" in page
    assert "Sommeil Zen" in alice.get("/editeur/applications").text


def test_an_application_without_a_name_is_refused_beside_its_field(alice: FlaskClient) -> None:
    answer = submit(alice, "/editeur/applications/nouvelle", {"name": " "})
    assert answer.status_code == 422
    assert 'id="name-error"' in answer.text


def test_a_form_without_its_token_changes_nothing(alice: FlaskClient) -> None:
    assert alice.post("/editeur/applications/nouvelle", data={"name": "Sommeil Zen"}).status_code == 400
    assert "Sommeil Zen" not in alice.get("/editeur/applications").text


@pytest.mark.parametrize(
    ("answers", "said", "creates"),
    [
        ({"domain": "soins", "exchange": "true", "hosting_country": "france"}, "Oui, avec échange", True),
        ({"domain": "wellbeing", "exchange": "false", "hosting_country": "eea"}, "Oui, sans échange", True),
        ({"domain": "wellbeing", "exchange": "true", "hosting_country": "france"}, "Pas d’échange de données", False),
        ({"domain": "other", "exchange": "false", "hosting_country": "france"}, "Pas de référencement", False),
        ({"domain": "soins", "exchange": "true", "hosting_country": "outside"}, "Pas de référencement", False),
    ],
)
def test_the_page_of_eligibility_says_who_may_apply(
    alice: FlaskClient, answers: dict[str, str], said: str, creates: bool
) -> None:
    page = submit(alice, "/editeur/applications/eligibilite", answers)
    assert page.status_code == 200 and said in page.text
    assert ("Créer l’application" in page.text) is creates


def test_a_question_of_eligibility_left_unanswered_is_asked_again(alice: FlaskClient) -> None:
    page = submit(alice, "/editeur/applications/eligibilite", {"domain": "soins"})
    assert page.status_code == 422
    assert 'href="#exchange"' in page.text and 'href="#hosting_country"' in page.text


def test_the_answers_of_eligibility_start_the_orientation(alice: FlaskClient, people: People) -> None:
    posted = {"name": "Sommeil Zen", "domain": "soins", "exchange": "true", "hosting_country": "eea"}
    location = submit(alice, "/editeur/applications/nouvelle", posted).location
    content = dossier_of(UUID(location.rsplit("/", 1)[-1]), people)
    assert content["orientation"] == {"domain": "soins", "exchange": True, "hosting_country": "eea"}


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/orientation/objet",
        "/hebergement/hebergeur",
        "/criteres",
        "/criteres/securite",
        "/donnees",
        "/donnees/nouvelle",
        "/soumettre",
        "/versions",
        "/accuse/1",
    ],
)
def test_another_organisations_application_is_not_found(client: FlaskClient, people: People, path: str) -> None:
    application_id, _ = bring_to("draft", people)
    assert people.bruno.id is not None
    sign_in_agent(client, agent_id=people.bruno.id)
    assert client.get(hub(application_id, path)).status_code == 404


@pytest.mark.parametrize("path", ["/inconnu", "/hebergement/inconnu", "/criteres/inconnu", "/societe/inconnu"])
def test_a_page_that_the_dossier_has_not_is_not_found(alice: FlaskClient, people: People, path: str) -> None:
    application_id, _ = bring_to("draft", people)
    assert alice.get(hub(application_id, path)).status_code == 404


def test_a_step_is_saved_leads_to_the_next_and_leaves_the_others(alice: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("draft", people)
    assert alice.get(hub(application_id, "/hebergement")).location == hub(application_id, "/hebergement/hebergeur")
    version = version_of(application_id, people, "hosting", HOSTER)
    posted = {**hosting(hoster="Autre Nuage"), "version": version, "then": "next"}
    answer = submit(alice, hub(application_id, "/hebergement/hebergeur"), posted)
    assert (answer.status_code, answer.location) == (303, hub(application_id, "/hebergement/protection"))
    assert "Étape 2 sur 2" in alice.get(answer.location).text
    assert dossier_of(application_id, people)["hosting"] == {**complete_dossier()["hosting"], "hoster": "Autre Nuage"}


@pytest.mark.parametrize(
    ("path", "section", "then", "leads"),
    [
        ("/societe", "company", "next", "/donnees"),
        ("/societe", "company", "quit", ""),
        ("/ethique", "ethics", "next", "/criteres"),
        ("/contacts", "contacts", "next", "/fiche"),
    ],
)
def test_a_section_leads_to_the_next_or_back_to_the_hub(
    alice: FlaskClient, people: People, path: str, section: str, then: str, leads: str
) -> None:
    application_id, _ = bring_to("draft", people)
    fields = {"ethics": ["business_model", "interests", "human_help"]}.get(section, [*complete_dossier()[section]])
    posted = {**complete_dossier()[section], "version": version_of(application_id, people, section, fields)}
    answer = submit(alice, hub(application_id, path), {**posted, "then": then})
    assert (answer.status_code, answer.location) == (303, hub(application_id, leads))


def test_a_service_without_exchange_is_not_asked_for_its_data(alice: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("draft", people)
    with transaction():
        given = {**ORIENTATION, "exchange": False}
        dossiers.fill_dossier(application_id=application_id, content={"orientation": given}, by=people.alice)
    page = alice.get(hub(application_id, "/donnees")).text
    assert "ne concerne pas votre service" in page and "Ajouter une donnée" not in page
    assert "Sécurité de l’échange" not in alice.get(hub(application_id, "/criteres")).text
    posted = {**complete_dossier()["company"], "version": version_of(application_id, people, "company")}
    answer = submit(alice, hub(application_id, "/societe"), {**posted, "then": "next"})
    assert answer.location == hub(application_id, "/hebergement")


def test_a_wrong_answer_keeps_what_was_typed_and_names_the_field(alice: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("draft", people)
    posted = {"siren": "12", "legal_name": "Balance", "version": version_of(application_id, people, "company")}
    answer = submit(alice, hub(application_id, "/societe"), posted)
    assert answer.status_code == 422
    assert 'value="12"' in answer.text and 'href="#siren"' in answer.text
    assert dossier_of(application_id, people)["company"] == complete_dossier()["company"]


def in_conflict(alice: FlaskClient, application_id: UUID, people: People) -> TestResponse:
    """Two colleagues post the step « Hébergeur » they read at the same time."""
    path, version = hub(application_id, "/hebergement/hebergeur"), version_of(application_id, people, "hosting", HOSTER)
    submit(alice, path, {**hosting(hoster="Premier", country="Belgique"), "version": version})
    return submit(alice, path, {**hosting(hoster="Second", hds_certificate="HDS-0043"), "version": version})


def test_two_colleagues_on_one_page_see_both_values_and_lose_nothing(alice: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("draft", people)
    answer = in_conflict(alice, application_id, people)
    assert answer.status_code == 409
    for text in ("Premier", "Second", "Belgique", "France", "HDS-0042", "HDS-0043"):
        assert text in answer.text
    assert 'name="keep-hds_valid_until"' not in answer.text
    assert dossier_of(application_id, people)["hosting"]["hoster"] == "Premier"


def test_in_a_conflict_each_field_keeps_the_value_that_was_chosen(alice: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("draft", people)
    in_conflict(alice, application_id, people)
    path, version = hub(application_id, "/hebergement/hebergeur"), version_of(application_id, people, "hosting", HOSTER)
    typed = {**hosting(hoster="Second", hds_certificate="HDS-0043"), "version": version, "choosing": "yes"}
    chosen = {"keep-hoster": "typed", "keep-country": "saved"}
    missing = submit(alice, path, {**typed, **chosen})
    assert missing.status_code == 422 and 'href="#keep-hds_certificate"' in missing.text
    assert submit(alice, path, {**typed, **chosen, "keep-hds_certificate": "typed"}).status_code == 303
    kept = dossier_of(application_id, people)["hosting"]
    assert (kept["hoster"], kept["country"], kept["hds_certificate"]) == ("Second", "Belgique", "HDS-0043")


def test_two_colleagues_who_typed_the_same_are_in_no_conflict(alice: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("draft", people)
    path, version = hub(application_id, "/hebergement/hebergeur"), version_of(application_id, people, "hosting", HOSTER)
    posted = {**hosting(hoster="Premier"), "version": version}
    assert [submit(alice, path, posted).status_code for _ in range(2)] == [303, 303]


def test_two_colleagues_on_two_steps_of_one_section_do_not_disturb_each_other(
    alice: FlaskClient, people: People
) -> None:
    application_id, _ = bring_to("draft", people)
    other = version_of(application_id, people, "hosting", ["authentication", "encryption"])
    first = {**hosting(hoster="Premier"), "version": version_of(application_id, people, "hosting", HOSTER)}
    assert submit(alice, hub(application_id, "/hebergement/hebergeur"), first).status_code == 303
    second = {"authentication": "passkey", "encryption": "Tout est chiffré par nos clés.", "version": other}
    assert submit(alice, hub(application_id, "/hebergement/protection"), second).status_code == 303
    kept = dossier_of(application_id, people)["hosting"]
    assert (kept["hoster"], kept["authentication"]) == ("Premier", ["passkey"])


def test_a_draft_saved_in_passing_gives_the_version_to_save_on(alice: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("draft", people)
    path, page = hub(application_id, "/brouillon/hebergement/hebergeur"), hub(application_id, "/hebergement/hebergeur")
    version = version_of(application_id, people, "hosting", HOSTER)
    saved = submit(alice, path, {**hosting(hoster="Autre"), "version": version}, page=page)
    assert saved.status_code == 200 and saved.get_json()["said"].startswith("Brouillon enregistré à ")
    assert saved.get_json()["version"] == version_of(application_id, people, "hosting", HOSTER)
    stale = submit(alice, path, {**hosting(hoster="Encore"), "version": version}, page=page)
    assert (stale.status_code, "version" in stale.get_json()) == (409, False)
    wrong = {**hosting(country="x"), "version": saved.get_json()["version"]}
    assert submit(alice, path, wrong, page=page).status_code == 422
    assert dossier_of(application_id, people)["hosting"]["hoster"] == "Autre"


def claims_posted(application_id: UUID, people: People, **changed: str) -> dict[str, str]:
    """The answers of the family « Urbanisation », as they are posted."""
    content = dossier_of(application_id, people)["criteria"]
    family = ["URB-01", "URB-02", "URB-04", "URB-06"]
    posted = {f"{one}-{part}": str(value) for one in family for part, value in content[one].items()}
    return {**posted, **changed, "version": version_of(application_id, people, "criteria", family)}


def test_the_criteria_of_a_family_are_answered_on_one_page(alice: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("draft", people)
    path = hub(application_id, "/criteres/urbanisation")
    page = alice.get(path).text
    assert "URB-01" in page and "URB-03" not in page
    assert "la réponse est" in page and "S’applique à tous les services" in page
    assert f"{hub(application_id)}/preuves/critere/URB-01" in page
    changed = {"URB-01-level": "2", "URB-01-answer": "Un contrôle détecte deux comptes liés."}
    answer = submit(alice, path, {**claims_posted(application_id, people, **changed), "then": "next"})
    assert (answer.status_code, answer.location) == (303, hub(application_id, "/criteres/interoperabilite"))
    claims = dossier_of(application_id, people)["criteria"]
    assert claims["URB-01"] == {
        "level": 2,
        "answer": "Un contrôle détecte deux comptes liés.",
        "no_evidence": "La pièce est montrée lors de la visite.",
    }
    assert claims["SEC-01"] == complete_dossier()["criteria"]["SEC-01"]


@pytest.mark.parametrize(
    ("changed", "anchor"),
    [({"URB-01-level": "7"}, "URB-01-level"), ({"URB-02-answer": "Oui."}, "URB-02-answer")],
)
def test_an_answer_that_no_criterion_allows_is_refused_beside_it(
    alice: FlaskClient, people: People, changed: dict[str, str], anchor: str
) -> None:
    application_id, _ = bring_to("draft", people)
    posted = claims_posted(application_id, people, **changed)
    answer = submit(alice, hub(application_id, "/criteres/urbanisation"), posted)
    assert answer.status_code == 422
    assert f'href="#{anchor}"' in answer.text and f'id="{anchor}-error"' in answer.text


def test_a_criterion_that_no_file_shows_stops_the_submission_until_its_publisher_says_why(
    alice: FlaskClient, people: People
) -> None:
    application_id, _ = bring_to("draft", people)
    path = hub(application_id, "/criteres/urbanisation")
    posted = claims_posted(application_id, people)
    reason = posted.pop("URB-01-no_evidence")
    assert submit(alice, path, posted).status_code == 303
    check = alice.get(hub(application_id, "/soumettre")).text
    assert (
        "URB-01 Rattachement au bon dossier : Rattachez une pièce" in check
        and "URB-02 " not in check.partition("<h1")[0]
    )
    assert (
        submit(alice, hub(application_id, "/soumettre"), {"attest": "yes"}, page=hub(application_id)).status_code == 422
    )
    assert "En cours" in alice.get(hub(application_id)).text
    again = {**claims_posted(application_id, people), "URB-01-no_evidence": reason}
    assert submit(alice, path, again).status_code == 303
    assert submit(alice, hub(application_id, "/soumettre"), {"attest": "yes"}).status_code == 303


def test_a_level_that_is_not_enough_is_kept_in_the_draft_and_stops_the_submission(
    alice: FlaskClient, people: People
) -> None:
    application_id, _ = bring_to("draft", people)
    posted = claims_posted(application_id, people, **{"URB-01-level": "0"})
    assert submit(alice, hub(application_id, "/criteres/urbanisation"), posted).status_code == 303
    page = alice.get(hub(application_id, "/soumettre")).text
    assert "URB-01 Rattachement au bon dossier : Ce niveau ne suffit pas" in page and "Soumettre le dossier" not in page


def test_an_item_of_data_is_added_changed_and_removed(alice: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("draft", people)
    base = hub(application_id, "/donnees")

    def version() -> str:
        return item_version(dossier_of(application_id, people), "storetest.weight", "write")

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
    assert submit(alice, f"{base}/nouvelle", {**item, "version": version()}).status_code == 303
    added = dossier_of(application_id, people)["data"]["items"][1]
    assert (added["periodicity"], added["required"], added["history_days"]) == ({"max": 4, "per": "week"}, False, None)
    changed = {**item, "frequency": "continuous", "version": version()}
    assert submit(alice, f"{base}/storetest.weight/write", changed).status_code == 303
    assert dossier_of(application_id, people)["data"]["items"][1]["periodicity"] == {"continuous": True}
    removal = f"{base}/storetest.weight/write/retrait"
    assert submit(alice, removal, {"version": version()}, page=base).status_code == 303
    assert len(dossier_of(application_id, people)["data"]["items"]) == 1


def test_an_item_changed_by_a_colleague_is_shown_beside_what_was_typed(alice: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("draft", people)
    path = hub(application_id, "/donnees/storetest.weight/read")
    stale = item_version(dossier_of(application_id, people), "storetest.weight", "read")
    with transaction():
        item = weight_item("read", why="Pour suivre votre poids de semaine en semaine.")
        dossiers.save_item(application_id=application_id, item=item, version=stale, by=people.alice)
    posted = {"why": "Pour comparer vos pesées entre elles.", "required": "true", "frequency": "once", "version": stale}
    answer = submit(alice, path, posted)
    assert answer.status_code == 409
    assert "Pour suivre votre poids de semaine en semaine." in answer.text
    assert "Pour comparer vos pesées entre elles." in answer.text
    renewed = item_version(dossier_of(application_id, people), "storetest.weight", "read")
    assert submit(alice, path, {**posted, "version": renewed}).status_code == 303


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
    alice: FlaskClient, people: People, change: dict[str, str], field: str
) -> None:
    application_id, _ = bring_to("draft", people)
    item = {
        "category": "storetest.weight",
        "access": "write",
        "why": "Pour ranger votre poids dans votre dossier.",
        "required": "true",
        "frequency": "recurring",
        "most": "4",
        "per": "day",
        "version": item_version(dossier_of(application_id, people), "storetest.weight", "write"),
    }
    answer = submit(alice, hub(application_id, "/donnees/nouvelle"), {**item, **change})
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text and f'id="{field}-error"' in answer.text


def test_an_incomplete_dossier_says_what_it_lacks_and_offers_no_submission(alice: FlaskClient) -> None:
    created = submit(alice, "/editeur/applications/nouvelle", {"name": "Sommeil Zen"})
    page = alice.get(f"{created.location}/soumettre")
    assert "Hébergeur" in page.text and "Soumettre le dossier" not in page.text


def test_submitting_asks_for_the_attestation_first_then_gives_a_receipt(alice: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("draft", people)
    path = hub(application_id, "/soumettre")
    assert "pas de pièce" in alice.get(path).text
    assert submit(alice, path).status_code == 422
    assert state_of(application_id, people) is SubmissionState.DRAFT
    answer = submit(alice, path, {"attest": "yes"})
    assert (answer.status_code, answer.location) == (303, hub(application_id, "/accuse/1"))
    receipt = alice.get(answer.location).text
    assert f"sous {PROCEDURE['delays_days']['evaluation']} jours" in receipt and "Alice" in receipt
    assert alice.get(hub(application_id, "/accuse/2")).status_code == 404
    assert state_of(application_id, people) is SubmissionState.SUBMITTED


def test_a_submitted_section_is_read_not_edited(alice: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("submitted", people)
    for path, shown in (("/hebergement", "Nuage Clair"), ("/criteres", "Niveau 1")):
        page = alice.get(hub(application_id, path)).text
        assert shown in page and "Enregistrer et continuer" not in page


def test_only_the_parts_sent_back_can_be_corrected(alice: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("in_evaluation", people)
    send_back(application_id, people, ["hosting", "SEC-01"], "Précisez l’hébergement.")
    page = alice.get(hub(application_id)).text
    assert "Précisez l’hébergement." in page and page.count("À corriger") >= 3 and "Validé" in page
    assert "Enregistrer et continuer" not in alice.get(hub(application_id, "/vie-privee")).text
    answers = alice.get(hub(application_id, "/criteres/securite")).text
    assert 'name="SEC-01-level"' in answers and 'name="SEC-02-level"' not in answers
    posted = {**hosting(hoster="Autre"), "version": version_of(application_id, people, "hosting", HOSTER)}
    assert submit(alice, hub(application_id, "/hebergement/hebergeur"), posted).status_code == 303
    form = hub(application_id, "/hebergement/hebergeur")
    refused = submit(alice, hub(application_id, "/societe"), {"legal_name": "Autre SAS"}, page=form)
    assert refused.status_code == 409
    assert dossier_of(application_id, people)["company"]["legal_name"] == "Balance+ SAS"


def test_what_changed_between_two_versions_is_told_in_words(alice: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("in_evaluation", people)
    assert "Premier envoi." in alice.get(hub(application_id, "/versions")).text
    send_back(application_id, people, ["hosting", "data", "SEC-01"])
    content = dossier_of(application_id, people)
    items = [weight_item("read", history_days=30), weight_item("write", history_days=None)]
    claim = {
        **content["criteria"]["SEC-01"],
        "level": 2,
        "answer": "Le nouvel hébergeur n’est soumis à aucune loi étrangère.",
    }
    with transaction():
        dossiers.fill_dossier(
            application_id=application_id,
            content={
                "hosting": {**content["hosting"], "hoster": "Autre Nuage", "certifications": ["ISO 27001, n° 7"]},
                "data": {**content["data"], "items": items},
            },
            by=people.alice,
        )
        dossiers.save_section(
            application_id=application_id,
            section="criteria",
            values={"SEC-01": claim},
            version=section_version(content, "criteria", ["SEC-01"]),
            fields=["SEC-01"],
            by=people.alice,
        )
    assert "depuis le dernier envoi" in alice.get(hub(application_id, "/versions")).text
    assert submit(alice, hub(application_id, "/soumettre"), {"attest": "yes"}).location.endswith("/accuse/2")
    page = re.sub(r"\s", " ", alice.get(hub(application_id, "/versions")).text)
    for said in (
        "« Hébergeur » a changé de « Nuage Clair » en « Autre Nuage »",
        "« Autres certifications de sécurité » a été ajouté",
        "a changé de « 1 an au plus » en « 30 jours au plus »",
        "« Ajouter : storetest.weight » a été ajouté",
        "« SEC-01, Niveau atteint » a changé de « 1 (Toutes les données",
    ):
        assert said in page
    first, second = (alice.get(hub(application_id, f"/versions/1/{number}")).text for number in (1, 2))
    assert "Nuage Clair" in first and "Autre Nuage" not in first and "Autre Nuage" in second
    assert alice.get(hub(application_id, "/versions/1/3")).status_code == 404


def test_a_new_grid_asks_only_for_what_changed_and_says_so(alice: FlaskClient, people: People) -> None:
    claims = answer_criteria(grid.load("2026.1"), ORIENTATION)
    with transaction():
        application_id = dossiers.create_application(name="Balance+", grid_version="2026.1", by=people.alice)
        fill(application_id, people.alice, complete_dossier(criteria=claims))
        dossiers.submit(application_id=application_id, by=people.alice)
        submission_id = get_own_submission(application_id, by=people.alice).id
        reviews.take_in_charge(submission_id=submission_id, by=people.ines)
        reviews.declare_inadmissible(submission_id=submission_id, motive="Adresse fausse.", by=people.ines)
    page = hub(application_id)
    assert submit(alice, hub(application_id, "/reouverture"), {"kind": "first"}, page=page).status_code == 303
    families = alice.get(hub(application_id, "/criteres")).text
    assert "La grille a changé" in families and "3 nouveaux ou modifiés" in families
    answers = alice.get(hub(application_id, "/criteres/securite")).text
    assert "Modifié" in answers and "Nouveau" in answers and "Le test d’intrusion devient obligatoire." in answers
    missing = alice.get(hub(application_id, "/soumettre")).text
    for criterion, asked in (("SEC-06", True), ("RGP-15", True), ("SEC-01", False), ("ETH-01", False)):
        assert (re.search(f"{criterion} [^:]* : Ce champ manque", missing) is not None) is asked


def test_a_refusal_shows_its_motive_and_the_ways_of_appeal_and_can_be_tried_again(
    alice: FlaskClient, people: People
) -> None:
    application_id, submission_id = bring_to("submitted", people)
    with transaction():
        reviews.take_in_charge(submission_id=submission_id, by=people.ines)
        reviews.declare_inadmissible(submission_id=submission_id, motive="Hébergement hors d’Europe.", by=people.ines)
    page = alice.get(hub(application_id)).text
    assert "Hébergement hors d’Europe." in page and "voies de recours" in page
    submit(alice, hub(application_id, "/reouverture"), page=hub(application_id, "/suivi"))
    assert state_of(application_id, people) is SubmissionState.DRAFT


def test_the_motive_shown_is_that_of_the_complements_even_after_a_suspension(
    alice: FlaskClient, people: People
) -> None:
    application_id, _ = bring_to("listed", people)
    with transaction():
        dossiers.open_submission(application_id=application_id, by=people.alice)
        dossiers.submit(application_id=application_id, by=people.alice)
        submission_id = get_own_submission(application_id, by=people.alice).id
        reviews.take_in_charge(submission_id=submission_id, by=people.ines)
        reviews.declare_admissible(submission_id=submission_id, by=people.ines)
        reviews.start_evaluation(submission_id=submission_id, by=people.ines)
    send_back(application_id, people, ["privacy"], "Précisez les risques.")
    with transaction():
        listings.suspend_listing(application_id=application_id, motive="Fuite de données.", by=people.omar)
    page = alice.get(hub(application_id)).text
    notice = page[page.index("L’instruction attend") : page.index("Le référencement est suspendu")]
    assert "Précisez les risques." in notice and "Fuite de données." not in notice


def test_the_list_puts_first_what_waits_for_the_publisher(alice: FlaskClient, people: People) -> None:
    bring_to("submitted", people, "Attend")
    bring_to("draft", people, "Zèle")
    page = alice.get("/editeur/applications").text
    assert page.index("À vous d’agir") < page.index("Zèle") < page.index("En attente ou à jour") < page.index("Attend<")


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
