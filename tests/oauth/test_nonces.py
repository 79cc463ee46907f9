"""Nonces of DPoP proofs (RFC 9449 §8 and §9), where the settings ask for them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import UUID

import pytest
from flask import Flask

from oauth import service
from oauth.rules.clients import Profile
from partner_sdk import PartnerClient
from platform_core import config
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from tests.oauth.partner import CALLBACK, TESTER, Partner

TOKEN, CONSENT = "/oauth/token", "/api/v1/consent"
OWN = {"grant_type": "client_credentials"}


@pytest.fixture
def asking(app: Flask) -> Iterator[Callable[[str], None]]:
    """Make the settings ask for nonces: `off`, `token` or `everywhere`."""
    before = config.current()
    yield lambda where: config.configure(replace(before, dpop_nonce=where))
    config.configure(before)


@pytest.mark.requirement("A6.6")
def test_the_token_endpoint_gives_the_nonce_that_it_asks_for(partner: Partner, asking: Callable[[str], None]) -> None:
    asking("token")
    refused = partner.post(TOKEN, OWN)
    assert (refused.status_code, refused.json["error"]) == (400, "use_dpop_nonce")
    nonce = refused.headers["DPoP-Nonce"]
    served = partner.post(TOKEN, OWN, proofs=[partner.proof("POST", TOKEN, nonce=nonce)])
    assert served.status_code == 200
    assert served.headers["DPoP-Nonce"] == nonce
    assert partner.call("GET", "/api/v1/sandbox/patients", served.json["access_token"]).status_code == 200


@pytest.mark.parametrize("nonce", ["", "inventé", "A" * 24, 42, None, ["x"]])
def test_a_nonce_that_is_not_ours_is_worth_none(partner: Partner, asking: Callable[[str], None], nonce: object) -> None:
    asking("token")
    refused = partner.post(TOKEN, OWN, proofs=[partner.proof("POST", TOKEN, nonce=nonce)])
    assert refused.json["error"] == "use_dpop_nonce"


def test_a_refused_proof_may_be_made_again_with_its_nonce_and_costs_no_code(
    partner: Partner, patient: UUID, asking: Callable[[str], None]
) -> None:
    code = partner.code(patient)
    asking("token")
    refused = partner.exchange(code)
    assert refused.json["error"] == "use_dpop_nonce"
    proof = partner.proof("POST", TOKEN, nonce=refused.headers["DPoP-Nonce"])
    assert partner.exchange(code, proofs=[proof]).status_code == 200


@pytest.mark.parametrize(("minutes", "error"), [(20, None), (31, "use_dpop_nonce")])
def test_a_nonce_outlives_a_token_and_not_the_half_hour(
    partner: Partner, clock: FrozenClock, asking: Callable[[str], None], minutes: int, error: str | None
) -> None:
    asking("token")
    nonce = partner.push().headers["DPoP-Nonce"]
    clock.move(minutes=minutes)
    answer = partner.post(TOKEN, OWN, proofs=[partner.proof("POST", TOKEN, nonce=nonce)])
    assert answer.json.get("error") == error
    assert answer.headers["DPoP-Nonce"] != nonce


@pytest.mark.parametrize("path", [CONSENT, "/fhir/Observation"])
def test_resources_ask_too_when_everyone_is_to(
    partner: Partner, patient: UUID, asking: Callable[[str], None], path: str
) -> None:
    token = partner.grant(patient)["access_token"]
    asking("token")
    assert partner.call("GET", path, token).status_code in {200, 403}
    asking("everywhere")
    refused = partner.call("GET", path, token)
    assert refused.status_code == 401
    assert 'error="use_dpop_nonce"' in refused.headers["WWW-Authenticate"]
    proof = partner.proof("GET", path, token=token, nonce=refused.headers["DPoP-Nonce"])
    assert partner.call("GET", path, token, proofs=[proof]).status_code in {200, 403}


def test_nothing_is_said_of_nonces_when_they_are_off(partner: Partner) -> None:
    answer = partner.post(TOKEN, OWN, proofs=[partner.proof("POST", TOKEN, nonce="d’avant")])
    assert answer.status_code == 200
    assert "DPoP-Nonce" not in answer.headers


def test_the_sdk_learns_nonces_by_itself(app: Flask, live_server: str, asking: Callable[[str], None]) -> None:
    asking("everywhere")
    private = service.generate_key(Profile.FAPI2)
    with transaction():
        client = service.issue_sandbox_client(
            name="Balance+",
            profile=Profile.FAPI2,
            redirect_uris=[CALLBACK],
            jwk=service.public_half(private),
            by=TESTER,
        )
    with PartnerClient(
        live_server, client_id=client.client_id, private_key=private, redirect_uri=CALLBACK, profile="fapi2"
    ) as sdk:
        assert sdk.sandbox.patients() == []
