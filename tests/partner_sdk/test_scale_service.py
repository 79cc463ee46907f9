"""The example service, page by page, against the small platform."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import scale_service
import words
from flask.testing import FlaskClient
from synchronisation import what_to_ask

from partner_sdk import PartnerClient

from .conftest import ISSUER, Answer, FakePlatform, Request, outcome

CONSENT = {
    "grant_id": "g-1",
    "status": "active",
    "purpose": "prevention",
    "valid_until": "2027-05-21",
    "items": [
        {
            "category": "measures.body-weight",
            "access": "write",
            "data_period": None,
            "periodicity": {"max": 1, "per": "day"},
            "used": 1,
            "remaining": 0,
            "next_window_at": "2026-11-21T23:00:00Z",
        },
    ],
}


class Browser:
    """A person in front of the service."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client

    def read(self) -> str:
        return self._client.get("/").get_data(as_text=True)

    def press(self, path: str) -> str:
        """Press a button of the home page and read the page it leads to."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.read())
        assert token is not None
        answer = self._client.post(path, data={"csrf_token": token[1]})
        assert answer.status_code == 303, answer.status_code
        return self.read() if answer.location == "/" else answer.location

    def come_back(self, **answer: str) -> str:
        """Come back from the platform."""
        arrived = self._client.get("/callback", query_string={"iss": ISSUER, **answer})
        assert arrived.status_code == 303
        return self.read()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state" / "balance.json"


@pytest.fixture
def browser(connect: Callable[..., PartnerClient], platform: FakePlatform, state: Path) -> Browser:
    platform.routes["/api/v1/consent"] = lambda _: (200, CONSENT)
    platform.routes["/fhir"] = accept_all
    platform.routes["/fhir/Observation"] = lambda _: (200, {"resourceType": "Bundle", "entry": []})
    platform.routes["/oauth/grants/g-1"] = lambda _: (204, b"")
    app = scale_service.create_app({}, state=state, client=connect())
    return Browser(app.test_client())


def accept_all(request: Request) -> Answer:
    entries = [
        {"response": {"status": "201 Created", "location": f"{entry['resource']['resourceType']}/x{n}/_history/1"}}
        for n, entry in enumerate(request.json["entry"])
    ]
    return 200, {"entry": entries}


@pytest.fixture
def connected(browser: Browser, platform: FakePlatform) -> Browser:
    address = browser.press("/connexion")
    assert address.startswith(f"{ISSUER}/oauth/authorize?")
    page = browser.come_back(code="code-1", state=platform.pushed["state"])
    assert "Votre espace santé est connecté" in page
    return browser


def test_a_visitor_is_told_what_for_before_connecting(browser: Browser) -> None:
    page = browser.read()
    assert "Connecter mon espace santé" in page
    assert "Importer mes mesures" not in page


def test_the_consent_is_shown_in_words(connected: Browser) -> None:
    page = connected.read()
    assert "En cours" in page
    assert "21/05/2027" in page
    assert "1 par jour" in page
    assert "1 faite, 0 restante ; prochaine le 22 novembre 2026 à 0 h 00" in page


def test_measures_are_sent_once_and_what_is_ignored_is_said(connected: Browser, platform: FakePlatform) -> None:
    page = connected.press("/import")
    assert "Mesures transmises à votre espace santé : 27." in page
    assert "objectif, et non mesure" in page
    page = connected.press("/import")
    assert "Aucune nouvelle mesure à transmettre." in page
    assert "laissées de côté : 27." in page


def test_only_the_kinds_granted_are_sent(browser: Browser, platform: FakePlatform) -> None:
    browser.press("/connexion")
    state = platform.pushed["state"]
    detail = {"datatypes": ["measures.temperature"], "actions": ["read", "write"]}
    platform.pushed["authorization_details"] = json.dumps([detail])
    browser.come_back(code="code-1", state=state)
    assert "Mesures transmises à votre espace santé : 1." in browser.press("/import")
    (batch,) = [call.json for call in platform.calls("/fhir")]
    assert [entry["resource"]["code"]["coding"][0]["code"] for entry in batch["entry"]] == ["8310-5"]


def test_the_service_asks_no_more_than_its_listing_allows() -> None:
    ceiling = [{"datatypes": ["measures.body-weight", "messages"], "actions": ["read"], "purpose": "suivi"}]
    asked = what_to_ask(ceiling)
    assert (asked["datatypes"], asked["actions"], asked["purpose"]) == (["measures.body-weight"], ["read"], "suivi")
    assert len(what_to_ask([])["datatypes"]) == len(words.KINDS)


def test_what_is_read_back_is_shown(connected: Browser, platform: FakePlatform) -> None:
    assert "encore aucune" in connected.press("/relecture")
    platform.routes["/fhir/Observation"] = lambda _: (200, {"entry": [{"resource": weight("72.40")}]})
    assert "72,40 kg" in connected.press("/relecture")


def weight(value: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": "o-1",
        "effectiveDateTime": "2026-11-21T08:30:00+01:00",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "valueQuantity": {"value": value, "code": "kg"},
    }


@pytest.mark.parametrize(
    ("answer", "said", "still_connected"),
    [
        ((403, outcome("consent-paused")), "en pause dans votre espace santé", True),
        (
            (429, outcome("consent-frequency-exceeded"), {"Retry-After": "Sat, 21 Nov 2026 23:00:00 GMT"}),
            "à partir du 22 novembre 2026 à 0 h 00",
            True,
        ),
        ((429, outcome("consent-frequency-exceeded")), "jusqu’à la fin de l’autorisation", True),
        ((403, outcome("consent-not-given")), "pas autorisé Balance+ à faire cela", True),
        ((403, outcome("application-suspended")), "suspendue du catalogue", True),
        ((500, b""), "ne répond pas", True),
        (
            (401, b"", {"WWW-Authenticate": 'DPoP error="invalid_token", error_description="consent-ended"'}),
            "n’existe plus",
            False,
        ),
    ],
)
def test_a_refusal_is_told_in_words(
    connected: Browser, platform: FakePlatform, answer: Answer, said: str, still_connected: bool
) -> None:
    platform.script["/fhir"] = [answer]
    page = connected.press("/import")
    assert said in page
    assert ("Importer mes mesures" in page) is still_connected


def test_a_refusal_of_the_patient_is_told(browser: Browser, platform: FakePlatform) -> None:
    browser.press("/connexion")
    page = browser.come_back(error="access_denied", state=platform.pushed["state"])
    assert "Vous n’avez pas donné votre accord" in page
    assert "Connecter mon espace santé" in page


def test_a_callback_of_nobody_changes_nothing(browser: Browser) -> None:
    assert "Recommencez ici" in browser.come_back(code="code-1", state="forged")


def test_a_revocation_seen_on_the_page_forgets_the_grant(connected: Browser, platform: FakePlatform) -> None:
    ended = {"WWW-Authenticate": 'DPoP error="invalid_token", error_description="consent-ended"'}
    platform.script["/api/v1/consent"] = [(401, b"", ended)]
    page = connected.read()
    assert "n’existe plus" in page
    assert "Connecter mon espace santé" in page


def test_disconnecting_ends_the_grant(connected: Browser, platform: FakePlatform) -> None:
    assert "n’a plus accès" in connected.press("/deconnexion")
    assert platform.calls("/oauth/grants/g-1")[0].method == "DELETE"
    assert "Importer mes mesures" not in connected.read()


@pytest.mark.parametrize("path", ["/connexion", "/import", "/relecture", "/deconnexion"])
@pytest.mark.parametrize("token", ["", "another", "é"])
def test_a_form_of_another_site_is_refused(connected: Browser, platform: FakePlatform, path: str, token: str) -> None:
    before = len(platform.requests)
    assert connected._client.post(path, data={"csrf_token": token}).status_code == 400
    assert len(platform.requests) == before


def test_grants_survive_a_restart_in_a_file_of_one_s_own(
    connected: Browser, state: Path, connect: Callable[..., PartnerClient]
) -> None:
    assert state.stat().st_mode & 0o077 == 0
    again = scale_service.create_app({}, state=state, client=connect()).test_client()
    cookie = connected._client.get_cookie("balance_session")
    assert cookie is not None
    again.set_cookie("balance_session", cookie.value)
    assert "Importer mes mesures" in again.get("/").get_data(as_text=True)


def test_no_secret_is_in_a_page(connected: Browser, state: Path) -> None:
    page = connected.press("/import")
    for secret in ("access-1", "refresh-1", json.loads(state.read_text())["secret_key"]):
        assert secret not in page


def test_the_page_runs_no_inline_code_and_loads_nothing_from_elsewhere(connected: Browser) -> None:
    answer = connected._client.get("/")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
    page = answer.get_data(as_text=True)
    assert re.findall(r"<script|style=|onclick|https?://", page) == []


def test_a_missing_configuration_is_said_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="ens demo client"):
        scale_service.main(["--config", str(tmp_path / "client.json")])


@pytest.mark.parametrize(
    ("periodicity", "said"),
    [
        ({"once": True}, "une seule fois"),
        ({"on_demand": True}, "à votre demande"),
        ({"continuous": True}, "en continu"),
        ({"max": 2, "per": "week"}, "2 par semaine"),
    ],
)
def test_a_periodicity_is_said_in_words(periodicity: dict[str, Any], said: str) -> None:
    assert words.periodicity(periodicity) == said
