"""The way to a provider and back: what the answer must match, once, in the same browser."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from identity_core.errors import SignInFailed
from identity_core.gateway.ins import SimulatedInsTeleservice, Traits
from identity_core.gateway.openid import SignedIn
from identity_core.models import SignInAttempt
from identity_core.service import sign_in
from identity_core.service.seeding import Seeded
from platform_app.simulated.provider import SimulatedProvider
from platform_core.clock import FrozenClock
from platform_core.config import Config
from platform_core.database import transaction
from tests.signing_in import submit

Result = TypeVar("Result")
pytestmark = pytest.mark.usefixtures("live_server")


def send_to_provider(client: FlaskClient, path: str = "/connexion") -> dict[str, str]:
    """Start a sign-in; returns the authorization request sent to the provider."""
    answer = submit(client, path)
    assert answer.status_code == 303
    return dict(parse_qsl(urlsplit(answer.location).query))


def come_back(config: Config, asked: dict[str, str], person: str | None = "camille", kind: str = "citizen") -> str:
    """The local address to which the provider sends the browser back."""
    provider = SimulatedProvider(kind, getattr(config, f"{kind}_idp"), config.base_url)
    parts = urlsplit(provider.answer(provider.check_request(asked), person))
    return f"{parts.path}?{parts.query}"


def test_the_request_carries_state_nonce_pkce_and_the_level(client: FlaskClient, config: Config) -> None:
    asked = send_to_provider(client)
    assert asked["code_challenge_method"] == "S256"
    assert asked["acr_values"] == "eidas2"
    assert asked["redirect_uri"] == f"{config.base_url}/connexion/retour/citizen"
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3


def test_what_is_kept_of_a_sign_in_does_not_hold_its_secrets(client: FlaskClient) -> None:
    asked = send_to_provider(client)
    with transaction() as session:
        kept = session.scalars(sa.select(SignInAttempt)).one()
    assert asked["state"].encode() not in kept.state_hash
    assert len(kept.state_hash) == 32


def test_an_answer_signs_in_once(client: FlaskClient, config: Config, people: Seeded) -> None:
    back = come_back(config, send_to_provider(client))
    assert client.get(back).location == "/espace"
    assert client.get("/espace").status_code == 200
    assert client.get(back).status_code == 403


def test_an_answer_is_worth_nothing_in_another_browser(client: FlaskClient, config: Config, people: Seeded) -> None:
    back = come_back(config, send_to_provider(client))
    other = client.application.test_client()
    assert other.get(back).status_code == 403
    assert other.get("/espace").status_code == 303
    assert client.get(back).status_code == 303


def test_an_answer_older_than_ten_minutes_is_refused(
    client: FlaskClient, config: Config, people: Seeded, clock: FrozenClock
) -> None:
    asked = send_to_provider(client)
    clock.move(seconds=sign_in.LASTS.total_seconds())
    assert client.get(come_back(config, asked)).status_code == 403


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        (r"state=[^&]+", "state=made-up"),
        (r"code=[^&]+", "code=made-up"),
        (r"code=[^&]+&", ""),
        (r"iss=[^&]+", "iss=https%3A%2F%2Failleurs.example"),
        (r"retour/citizen", "retour/agent"),
    ],
)
def test_an_altered_answer_signs_nobody_in(
    client: FlaskClient, config: Config, people: Seeded, pattern: str, replacement: str
) -> None:
    back = come_back(config, send_to_provider(client))
    answer = client.get(re.sub(pattern, replacement, back))
    assert answer.status_code == 403
    assert "La connexion n’a pas abouti" in answer.text
    assert client.get("/espace").status_code == 303


def test_a_refusal_at_the_provider_keeps_where_one_wanted_to_go(client: FlaskClient, config: Config) -> None:
    asked = send_to_provider(client, "/connexion?suite=/espace/notifications")
    answer = client.get(come_back(config, asked, None))
    assert answer.status_code == 403
    assert "/connexion?suite=%2Fespace%2Fnotifications" in answer.text


def test_a_path_elsewhere_is_forgotten(client: FlaskClient, config: Config, people: Seeded) -> None:
    asked = send_to_provider(client, "/connexion?suite=//ailleurs.example")
    assert client.get(come_back(config, asked)).location == "/espace"


def test_signing_in_twice_finds_the_same_person(client: FlaskClient, config: Config, people: Seeded) -> None:
    for _ in range(2):
        client.get(come_back(config, send_to_provider(client)))
        with client.session_transaction() as session:
            stored = session["sign_in.citizen"]
        assert stored["id"] == str(people.persons["camille"])
        assert stored["patient_id"] == str(people.patients["camille"])


def test_somebody_unknown_is_enrolled_with_a_space_still_to_open(client: FlaskClient, config: Config) -> None:
    client.get(come_back(config, send_to_provider(client), "paul"))
    answer = client.get("/espace")
    assert answer.status_code == 303
    assert answer.location.startswith("/espace/ouverture?suite=")
    assert "Il ne s’ouvrira pas sans vous." in client.get(answer.location).text


def test_without_a_form_token_nobody_is_sent_away(client: FlaskClient) -> None:
    assert client.post("/connexion").status_code == 400


def test_of_parallel_answers_only_one_is_taken(app: Flask) -> None:
    with transaction():
        state = sign_in.begin_sign_in(provider="citizen", next_path="/espace", browser_key="key").state

    def take() -> bool:
        with app.app_context():
            try:
                with transaction():
                    sign_in.take_sign_in(provider="citizen", state=state, browser_key="key")
            except SignInFailed:
                return False
            return True

    assert sum(in_parallel(take, 8)) == 1


def test_parallel_first_sign_ins_enrol_one_person(app: Flask) -> None:
    traits = Traits("Blanc", "Zoé", date(1990, 2, 3), "female", "75056")
    signed_in = SignedIn("zoe", "eidas2", "token", {})

    def enrol() -> sign_in.Identified:
        with app.app_context(), transaction():
            ins = SimulatedInsTeleservice().search(traits)
            return sign_in.sign_in_citizen(signed_in=signed_in, issuer="simulated", traits=traits, ins=ins)

    assert len(set(in_parallel(enrol, 6))) == 1


def in_parallel(act: Callable[[], Result], times: int) -> list[Result]:
    """What several threads that start together get."""
    start = Barrier(times)

    def run(_: int) -> Result:
        start.wait()
        return act()

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(run, range(times)))
