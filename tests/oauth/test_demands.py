"""How the person must have signed in: prompt, max_age, acr_values (OpenID Connect Core §3.1.2.1)."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from consent.workflow import Answer
from identity_core.sessions import Present, SignIn, Slot, find_proof_url
from platform_core import clock as real_clock
from platform_core.access import Actor, ActorKind
from platform_core.clock import FrozenClock
from tests.oauth.partner import Partner, answer_as, query_of
from tests.oauth.test_logout import claims_of
from tests.signing_in import remember, submit

PERSON = uuid4()


def sign_in(browser: FlaskClient, patient: UUID, acr: str = "eidas2", person: UUID = PERSON) -> None:
    remember(browser, Slot.CITIZEN, SignIn(person, "Camille", acr, real_clock.now(), "", patient))


def open_request(browser: FlaskClient, partner: Partner, **changes: Any) -> str:
    """Where the browser is sent first."""
    uri = partner.push(**changes).json["request_uri"]
    query = {"client_id": partner.client.client_id, "request_uri": uri}
    return browser.get("/oauth/authorize", query_string=query).headers["Location"]


def path_back(address: str) -> str:
    assert urlsplit(address).path == "/connexion"
    return query_of(address)["suite"]


@pytest.mark.requirement("A16", "oidcc-prompt-login", "oidcc-max-age-1", "oidcc-max-age-10000")
@pytest.mark.parametrize(
    ("changes", "again"),
    [
        ({}, False),
        ({"prompt": "consent"}, False),
        ({"prompt": "login"}, True),
        ({"prompt": "select_account"}, True),
        ({"max_age": "1"}, True),
        ({"max_age": "0"}, True),
        ({"max_age": "10000"}, False),
        ({"login_hint": "camille", "display": "page", "ui_locales": "se", "claims": '{"id_token":{}}'}, False),
    ],
)
def test_a_person_signs_in_again_when_the_app_demands_it(
    client: FlaskClient, partner: Partner, patient: UUID, clock: FrozenClock, changes: dict[str, str], again: bool
) -> None:
    sign_in(client, patient)
    clock.move(seconds=60)
    address = open_request(client, partner, **changes)
    assert address.startswith("/connexion?" if again else "/consentement/")
    if again:
        assert "de-nouveau=oui" in address
        assert path_back(client.get(path_back(address)).headers["Location"]) == path_back(address)
        clock.move(seconds=30)
        sign_in(client, patient)
        clock.move(seconds=30)
        assert client.get(path_back(address)).headers["Location"].startswith("/consentement/")


@pytest.mark.requirement("A16")
@pytest.mark.parametrize(
    ("held", "asked", "again"),
    [
        ("eidas2", "eidas3", True),
        ("eidas3", "eidas3", False),
        ("eidas2", "eidas1 eidas3", False),
        ("eidas2", "1 2", False),
    ],
)
def test_a_stronger_level_is_asked_of_the_provider(
    client: FlaskClient, partner: Partner, patient: UUID, held: str, asked: str, again: bool
) -> None:
    sign_in(client, patient, held)
    address = open_request(client, partner, acr_values=asked)
    assert address.startswith("/connexion?" if again else "/consentement/")
    if again:
        assert query_of(address)["niveau"] == "eidas3"
        sign_in(client, patient, "eidas3")
        assert client.get(path_back(address)).headers["Location"].startswith("/consentement/")


@pytest.mark.requirement("RFC9470", "A16")
def test_a_level_that_the_person_cannot_reach_is_told_instead_of_asked_again_and_again(
    client: FlaskClient, partner: Partner, patient: UUID, clock: FrozenClock
) -> None:
    back = path_back(open_request(client, partner, acr_values="eidas3"))
    clock.move(seconds=30)
    sign_in(client, patient, "eidas2")
    told = query_of(client.get(back).headers["Location"])
    assert (told["error"], told["state"]) == ("unmet_authentication_requirements", "état-42")
    assert client.get(back).status_code == 400


def hint_about(partner: Partner, browser: FlaskClient, patient: UUID) -> str:
    """The id_token that the app was given of PERSON."""
    sign_in(browser, patient)
    request_id = UUID(open_request(browser, partner).rsplit("/", 1)[1])
    resumed = browser.get(answer_as(patient, request_id, Answer.GRANT, person_id=PERSON)).headers["Location"]
    return str(partner.exchange(query_of(resumed)["code"]).json["id_token"])


@pytest.mark.requirement("A16")
def test_a_hint_names_the_only_person_who_may_answer(
    app: Flask, client: FlaskClient, partner: Partner, patient: UUID, clock: FrozenClock
) -> None:
    hint = {"id_token_hint": hint_about(partner, client, patient)}
    assert open_request(client, partner, **hint).startswith("/consentement/")
    assert query_of(open_request(client, partner, prompt="none", **hint))["error"] == "consent_required"
    stranger = app.test_client()
    sign_in(stranger, patient, person=uuid4())
    assert query_of(open_request(stranger, partner, prompt="none", **hint))["error"] == "login_required"
    address = open_request(stranger, partner, **hint)
    assert query_of(address)["de-nouveau"] == "oui"
    clock.move(seconds=30)
    sign_in(stranger, patient, person=uuid4())
    assert query_of(stranger.get(path_back(address)).headers["Location"])["error"] == "login_required"


@pytest.mark.requirement("A16")
def test_a_decision_of_somebody_else_than_the_hinted_person_gives_no_code(
    client: FlaskClient, partner: Partner, patient: UUID
) -> None:
    hint = hint_about(partner, client, patient)
    request_id = UUID(open_request(client, partner, id_token_hint=hint).rsplit("/", 1)[1])
    resumed = client.get(answer_as(patient, request_id, Answer.GRANT, person_id=uuid4()))
    assert query_of(resumed.headers["Location"])["error"] == "login_required"


@pytest.mark.requirement("A16")
def test_a_hint_that_is_not_an_id_token_of_the_client_is_refused(
    client: FlaskClient, partner: Partner, other: Partner, patient: UUID
) -> None:
    hint = hint_about(partner, client, patient)
    for wrong, app in ((hint, other), (f"{hint[:-4]}AAAA", partner), ("indice", partner)):
        assert app.push(id_token_hint=wrong).json["error"] == "invalid_request"


@pytest.mark.requirement("A16", "oidcc-prompt-none-not-logged-in")
@pytest.mark.parametrize(("signed_in", "error"), [(False, "login_required"), (True, "consent_required")])
def test_nothing_is_granted_in_silence(
    client: FlaskClient, partner: Partner, patient: UUID, signed_in: bool, error: str
) -> None:
    if signed_in:
        sign_in(client, patient)
    told = query_of(open_request(client, partner, prompt="none"))
    assert (told["error"], told["state"], told["iss"]) == (error, "état-42", partner.issuer)


@pytest.mark.requirement("A16")
@pytest.mark.parametrize("changes", [{"prompt": "none login"}, {"max_age": "-1"}, {"max_age": "bientôt"}])
def test_a_demand_without_sense_is_refused(partner: Partner, changes: dict[str, str]) -> None:
    assert partner.push(**changes).json["error"] == "invalid_request"


@pytest.mark.requirement("A16")
def test_the_id_token_tells_when_and_how_the_person_proved_who_they_are(
    client: FlaskClient, partner: Partner, patient: UUID
) -> None:
    proven = real_clock.now().replace(microsecond=0) - timedelta(hours=3)
    remember(
        client,
        Slot.CITIZEN,
        SignIn(PERSON, "C", "eidas2", real_clock.now(), "", patient, proven_at=proven, amr="pwd otp"),
    )
    request_id = UUID(open_request(client, partner, max_age="20000").rsplit("/", 1)[1])
    code = query_of(client.get(answer_as(patient, request_id, Answer.GRANT)).headers["Location"])["code"]
    _, claims = claims_of(partner, partner.exchange(code).json["id_token"])
    assert (claims["auth_time"], claims["acr"], claims["nonce"]) == (int(proven.timestamp()), "eidas2", "nonce-42")
    assert claims["amr"] == ["pwd", "otp"]


@pytest.mark.parametrize(
    ("acr", "seconds", "again"),
    [("eidas3", 299, False), ("eidas3", 301, True), ("eidas2", 0, True)],
)
def test_an_act_may_ask_for_a_fresh_and_stronger_proof(
    app: Flask, patient: UUID, clock: FrozenClock, acr: str, seconds: int, again: bool
) -> None:
    with app.test_request_context():
        proven = SignIn(PERSON, "Camille", acr, real_clock.now(), "", patient)
        g.present = Present(proven, Actor(ActorKind.PATIENT, PERSON, "Camille"))
        clock.move(seconds=seconds)
        url = find_proof_url("/consentement/x/confirmation", acr="eidas3", within=timedelta(minutes=5))
    expected = {"suite": "/consentement/x/confirmation", "niveau": "eidas3", "de-nouveau": "oui"}
    assert (query_of(url) if url else None) == (expected if again else None)


@pytest.mark.parametrize(
    ("asked", "sent"), [("eidas3", "eidas3"), ("eidas1", "eidas2"), ("x", "eidas2"), ("", "eidas2")]
)
def test_the_provider_is_asked_for_what_the_page_needs_and_never_less(
    client: FlaskClient, live_server: str, asked: str, sent: str
) -> None:
    page = f"/connexion?suite=/espace&niveau={asked}&de-nouveau=oui"
    given = query_of(submit(client, page).headers["Location"])
    assert (given["acr_values"], given["prompt"], given["max_age"]) == (sent, "login", "0")
