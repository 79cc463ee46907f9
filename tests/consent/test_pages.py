"""The patient's pages without a browser: who may see and do what, what is refused, what never happens by a GET."""

import re
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent import queries
from consent.service import lifecycle, requests
from consent.workflow import RequestStatus, Status
from identity_core.service.seeding import Seeded
from platform_core.access import Actor, ActorKind
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from tests.consent.builders import PRESSURE, WEIGHT, permission
from tests.consent.calls import state_of
from tests.signing_in import read_csrf_token, sign_in_citizen, submit

Ask = Callable[..., UUID]
Grant = Callable[..., UUID]


@pytest.fixture
def camilles(client: FlaskClient, people: Seeded, camille: UUID) -> Iterator[FlaskClient]:
    """Camille's browser, on her own record."""
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=camille)
    with client.session_transaction() as session:
        session["browser_key"] = "browser"
    yield client


def choose(client: FlaskClient, request_id: UUID, **fields: object) -> TestResponse:
    path = f"/consentement/{request_id}"
    given = {"decision": "grant", "items": [f"{WEIGHT}:read"], "frequency": "1-day", "history": "asked", **fields}
    return client.post(path, data={**given, "csrf_token": read_csrf_token(client, path)})


def grant(client: FlaskClient, request_id: UUID) -> TestResponse:
    choose(client, request_id)
    return submit(client, f"/consentement/{request_id}/confirmation")


def status_of(request_id: UUID) -> RequestStatus:
    with transaction():
        return requests.get_request(request_id=request_id, browser_key="browser").status


class TestQuestion:
    def test_signed_out_it_sends_to_the_sign_in_and_back(self, client: FlaskClient, ask: Ask) -> None:
        request_id = ask()
        answer = client.get(f"/consentement/{request_id}")
        assert (answer.status_code, answer.location) == (303, f"/connexion?suite=%2Fconsentement%2F{request_id}")
        assert client.post(f"/consentement/{request_id}").status_code in {400, 401}

    def test_nothing_is_checked_and_no_code_is_shown(self, camilles: FlaskClient, ask: Ask) -> None:
        page = camilles.get(f"/consentement/{ask()}").text
        assert "checked" not in page.split("<main")[1]
        assert "Balance+" in page.split("<h1>")[1].split("</h1>")[0]

    def test_a_choice_changed_in_another_window_is_shown_again(self, camilles: FlaskClient, ask: Ask) -> None:
        request_id = ask()
        choose(camilles, request_id)
        confirmation = f"/consentement/{request_id}/confirmation"
        shown = re.search(r'name="choice" value="(\w+)"', camilles.get(confirmation).text)
        choose(camilles, request_id, frequency="on_demand")
        late = submit(camilles, confirmation, {"choice": shown[1]})
        assert (late.status_code, late.location) == (303, confirmation)
        assert status_of(request_id) is RequestStatus.REQUESTED

    def test_confirming_a_choice_that_another_window_put_off_grants_nothing(
        self, camilles: FlaskClient, ask: Ask, camille: UUID
    ) -> None:
        """Without a kept choice everything asked would be granted, sensitive data without a proof of identity too."""
        request_id = ask()
        choose(camilles, request_id)
        confirmation = f"/consentement/{request_id}/confirmation"
        page = camilles.get(confirmation).text
        fields = dict(re.findall(r'name="(choice|csrf_token)" value="([^"]+)"', page))
        submit(camilles, f"/consentement/{request_id}", {"decision": "postpone"})
        late = camilles.post(confirmation, data=fields)
        assert (late.status_code, late.location) == (303, f"/consentement/{request_id}")
        with transaction(patient_id=camille):
            assert queries.list_states(camille) == []

    def test_granting_takes_a_choice_then_a_confirmation(self, camilles: FlaskClient, ask: Ask, camille: UUID) -> None:
        request_id = ask()
        chosen = choose(camilles, request_id)
        assert (chosen.status_code, chosen.location) == (303, f"/consentement/{request_id}/confirmation")
        with transaction(patient_id=camille):
            assert queries.list_states(camille) == []
        confirmed = submit(camilles, f"/consentement/{request_id}/confirmation")
        assert (confirmed.status_code, confirmed.location) == (303, f"/consentement/{request_id}/resultat")
        with transaction(patient_id=camille):
            (state,) = queries.list_states(camille)
        assert [(item.category, item.access) for item in state.items] == [(WEIGHT, "read")]
        outcome = camilles.get(confirmed.location).text
        assert 'href="/oauth/authorize/resume/x"' in outcome

    @pytest.mark.parametrize(
        ("decision", "status"), [("refuse", RequestStatus.REFUSED), ("postpone", RequestStatus.POSTPONED)]
    )
    def test_refusing_and_postponing_give_nothing(
        self, camilles: FlaskClient, ask: Ask, camille: UUID, decision: str, status: RequestStatus
    ) -> None:
        request_id = ask()
        answer = submit(camilles, f"/consentement/{request_id}", {"decision": decision})
        assert answer.status_code == 303
        assert status_of(request_id) is status
        assert "Rien n’a été partagé" in camilles.get(answer.location).text

    @pytest.mark.parametrize(
        "fields",
        [
            {"items": []},
            {"items": ["measures.heart-rate:read"]},
            {"frequency": "always"},
            {"history": "ever"},
            {"until": "2040-01-01"},
            {"until": "demain"},
        ],
    )
    def test_a_wrong_answer_shows_the_screen_again_with_what_is_wrong(
        self, camilles: FlaskClient, ask: Ask, fields: dict[str, object]
    ) -> None:
        request_id = ask()
        answer = choose(camilles, request_id, **fields)
        assert answer.status_code == 422
        assert "ens-error-summary" in answer.text
        assert status_of(request_id) is RequestStatus.REQUESTED

    @pytest.mark.parametrize("page", ["", "/confirmation"])
    def test_a_form_without_its_token_is_refused(self, camilles: FlaskClient, ask: Ask, page: str) -> None:
        request_id = ask()
        choose(camilles, request_id)
        assert camilles.post(f"/consentement/{request_id}{page}", data={"decision": "refuse"}).status_code == 400
        assert status_of(request_id) is RequestStatus.REQUESTED

    @pytest.mark.parametrize("page", ["", "/confirmation"])
    def test_a_replayed_answer_is_a_conflict(self, camilles: FlaskClient, ask: Ask, page: str) -> None:
        request_id = ask()
        token = read_csrf_token(camilles, f"/consentement/{request_id}")
        grant(camilles, request_id)
        again = camilles.post(f"/consentement/{request_id}{page}", data={"decision": "refuse", "csrf_token": token})
        assert again.status_code == 409
        assert "déjà reçu une réponse" in again.text
        assert status_of(request_id) is RequestStatus.GRANTED

    def test_reading_pages_changes_nothing(self, camilles: FlaskClient, ask: Ask) -> None:
        request_id = ask()
        choose(camilles, request_id)
        for page in ("", "/confirmation", "/resultat"):
            camilles.get(f"/consentement/{request_id}{page}", query_string={"decision": "grant"})
        assert status_of(request_id) is RequestStatus.REQUESTED

    def test_another_browser_does_not_see_it(self, camilles: FlaskClient, ask: Ask) -> None:
        request_id = ask(browser_key="another")
        for page in ("", "/confirmation", "/resultat"):
            assert camilles.get(f"/consentement/{request_id}{page}").status_code == 404

    def test_an_expired_request_says_so_and_leads_back(
        self, clock: FrozenClock, ask: Ask, client: FlaskClient, people: Seeded, camille: UUID
    ) -> None:
        request_id = ask()
        clock.move(minutes=31)
        sign_in_citizen(client, person_id=people.persons["camille"], patient_id=camille)
        with client.session_transaction() as session:
            session["browser_key"] = "browser"
        answer = client.get(f"/consentement/{request_id}", follow_redirects=True)
        assert "n’est plus ouverte" in answer.text and "/oauth/authorize/resume/x" in answer.text

    def test_a_representative_sees_and_decides_for_the_person(
        self, client: FlaskClient, people: Seeded, ask: Ask
    ) -> None:
        lea = people.patients["lea"]
        sign_in_citizen(
            client, person_id=people.persons["camille"], patient_id=people.patients["camille"], acting_for=lea
        )
        with client.session_transaction() as session:
            session["browser_key"] = "browser"
        request_id = ask()
        page = client.get(f"/consentement/{request_id}").text
        assert "en tant que représentant" in page
        grant(client, request_id)
        with transaction(patient_id=lea):
            (state,) = queries.list_states(lea)
            (version,) = queries.list_versions(lea, state.grant_id)
        assert version.decider_kind == "representative"


class TestDashboard:
    @pytest.fixture
    def grant_id(self, applications: dict[str, UUID], camille: UUID, grant_consent: Grant) -> UUID:
        return grant_consent(
            permission(WEIGHT),
            permission(PRESSURE),
            patient_id=camille,
            app_id=applications["Balance+"],
            environment="production",
        )

    @pytest.mark.parametrize("path", ["", "/{}", "/{}/modification", "/{}/revocation", "/{}/recus/1"])
    def test_each_page_is_shown_to_its_patient_only(
        self, camilles: FlaskClient, people: Seeded, grant_id: UUID, path: str
    ) -> None:
        address = f"/espace/applications{path}".format(grant_id)
        assert "Balance+" in camilles.get(address).text
        sign_in_citizen(camilles, person_id=people.persons["dominique"], patient_id=people.patients["dominique"])
        other = camilles.get(address)
        assert other.status_code == (404 if path else 200) and "Balance+" not in other.text.split("<main")[1]

    def test_pausing_and_resuming(self, camilles: FlaskClient, camille: UUID, grant_id: UUID) -> None:
        address = f"/espace/applications/{grant_id}"
        assert submit(camilles, address, {"act": "pause"}).status_code == 303
        assert state_of(camille, grant_id).stored is Status.PAUSED
        assert submit(camilles, address, {"act": "resume"}).status_code == 303
        assert state_of(camille, grant_id).stored is Status.ACTIVE

    def test_a_window_opens_at_once(self, camilles: FlaskClient, camille: UUID, grant_id: UUID) -> None:
        submit(camilles, f"/espace/applications/{grant_id}", {"act": "synchronise"})
        assert state_of(camille, grant_id).presence_until is not None

    def test_an_unknown_act_and_a_missing_token_do_nothing(
        self, camilles: FlaskClient, camille: UUID, grant_id: UUID
    ) -> None:
        address = f"/espace/applications/{grant_id}"
        assert submit(camilles, address, {"act": "delete"}).status_code == 422
        assert camilles.post(address, data={"act": "pause"}).status_code == 400
        assert state_of(camille, grant_id).stored is Status.ACTIVE

    def test_revoking_asks_to_confirm_then_moves_the_card(
        self, camilles: FlaskClient, camille: UUID, grant_id: UUID
    ) -> None:
        address = f"/espace/applications/{grant_id}/revocation"
        camilles.get(address)
        assert state_of(camille, grant_id).stored is Status.ACTIVE
        assert submit(camilles, address).status_code == 303
        assert state_of(camille, grant_id).stored is Status.REVOKED
        assert "Balance+" in camilles.get("/espace/applications?statut=revoquees").text
        assert "Balance+" not in camilles.get("/espace/applications?statut=actives").text.split("<main")[1]
        assert camilles.get(address).status_code == 404

    def test_an_act_that_comes_too_late_is_explained(
        self, camilles: FlaskClient, camille: UUID, grant_id: UUID
    ) -> None:
        address = f"/espace/applications/{grant_id}"
        token = read_csrf_token(camilles, address)
        with transaction(patient_id=camille):
            lifecycle.end_consent(patient_id=camille, grant_id=grant_id, by=Actor(ActorKind.APPLICATION, None, "B"))
        answer = camilles.post(address, data={"act": "pause", "csrf_token": token})
        assert answer.status_code == 409 and "Rien n’a été modifié" in answer.text

    def test_narrowing_keeps_what_is_left(self, camilles: FlaskClient, camille: UUID, grant_id: UUID) -> None:
        address = f"/espace/applications/{grant_id}/modification"
        token = read_csrf_token(camilles, address)
        kept = {"items": [f"{WEIGHT}:read"], "frequency": "1-week", "history": "asked", "csrf_token": token}
        assert camilles.post(address, data=kept).status_code == 303
        (item,) = state_of(camille, grant_id).items
        assert (item.category, item.periodicity.to_json()) == (WEIGHT, {"max": 1, "per": "week"})
        assert camilles.post(address, data={**kept, "items": []}).status_code == 422

    def test_a_receipt_tells_the_version_and_its_hash(
        self, camilles: FlaskClient, camille: UUID, grant_id: UUID
    ) -> None:
        with transaction(patient_id=camille):
            (version,) = queries.list_versions(camille, grant_id)
        page = camilles.get(f"/espace/applications/{grant_id}/recus/1").text
        assert version.text_hash in page and "fr-2" in page
        assert camilles.get(f"/espace/applications/{grant_id}/recus/2").status_code == 404

    def test_home_counts_who_has_access(self, camilles: FlaskClient, grant_id: UUID) -> None:
        assert "1 application a accès" in camilles.get("/espace").text.replace("\u00a0", " ")
