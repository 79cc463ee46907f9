"""From the request to the grant."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from partner_sdk import AuthorizationRefused, Grant, Invalid, Login, PartnerClient, PartnerError
from partner_sdk._keys import ClientKey

from .conftest import CALLBACK, CLIENT_ID, ISSUER, FakePlatform, header_of

ASKED = {"datatypes": ["measures.body-weight"], "actions": ["read"], "purpose": "prevention"}


def test_the_request_is_pushed_and_the_address_tells_nothing_of_it(ens: PartnerClient, platform: FakePlatform) -> None:
    login = ens.start_authorization(
        **ASKED,
        periodicity={"max": 1, "per": "day"},
        data_period=(date(2025, 1, 1), None),
        valid_until="2027-05-21",
    )
    assert login.url == (
        f"{ISSUER}/oauth/authorize?client_id={CLIENT_ID}&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Ar1"
    )
    pushed = platform.pushed
    assert pushed["state"] == login.state
    assert pushed["code_challenge_method"] == "S256"
    assert pushed["response_type"] == "code"
    assert json.loads(pushed["authorization_details"]) == [
        {
            "type": "urn:ens:health-data",
            **ASKED,
            "periodicity": {"max": 1, "per": "day"},
            "data_period": {"from": "2025-01-01", "to": None},
            "valid_until": "2027-05-21",
        }
    ]


def test_what_the_app_does_not_ask_is_left_to_the_listing(ens: PartnerClient, platform: FakePlatform) -> None:
    ens.start_authorization(**ASKED)
    assert json.loads(platform.pushed["authorization_details"]) == [{"type": "urn:ens:health-data", **ASKED}]


def test_one_key_proves_the_whole_grant_and_each_proof_is_new(grant: Grant, platform: FakePlatform) -> None:
    proofs = [platform.calls(path)[0].proof() for path in ("/oauth/par", "/oauth/token")]
    assert proofs[0].header["jwk"] == proofs[1].header["jwk"]
    assert proofs[0].claims["jti"] != proofs[1].claims["jti"]
    assert grant.dpop_key is not None
    assert grant.dpop_key["x"] == proofs[0].header["jwk"]["x"]


def test_two_logins_share_neither_key_nor_state_nor_verifier(ens: PartnerClient) -> None:
    one, other = ens.start_authorization(**ASKED), ens.start_authorization(**ASKED)
    assert one.dpop_key != other.dpop_key
    assert one.state != other.state
    assert one.code_verifier != other.code_verifier


@pytest.mark.parametrize("path", ["/oauth/par", "/oauth/token"])
def test_a_nonce_that_the_server_demands_is_given_at_once(
    ens: PartnerClient, platform: FakePlatform, waits: list[float], path: str
) -> None:
    platform.script[path] = [(400, {"error": "use_dpop_nonce"}, {"DPoP-Nonce": "n-1"})]
    login = ens.start_authorization(**ASKED)
    ens.finish_authorization(login, _callback(login, code="code-1"))
    first, second = platform.calls(path)
    assert "nonce" not in first.proof().claims
    assert second.proof().claims["nonce"] == "n-1"
    assert waits == []


def test_a_server_that_never_accepts_its_nonce_is_not_asked_for_ever(
    ens: PartnerClient, platform: FakePlatform
) -> None:
    demand = (400, {"error": "use_dpop_nonce"}, {"DPoP-Nonce": "n-1"})
    platform.script["/oauth/par"] = [demand, demand, demand]
    with pytest.raises(Invalid, match="use_dpop_nonce"):
        ens.start_authorization(**ASKED)
    assert len(platform.calls("/oauth/par")) == 2


def _callback(login: Login, **answer: str) -> str:
    query = {"state": login.state, "iss": ISSUER, **answer}
    return CALLBACK + "?" + "&".join(f"{name}={value}" for name, value in query.items() if value)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"error": "access_denied"}, "access_denied"),
        ({"code": "code-1", "state": "another"}, "state-mismatch"),
        ({"code": "code-1", "state": ""}, "state-mismatch"),
        ({"code": "code-1", "state": "é"}, "state-mismatch"),
        ({"code": "code-1", "iss": "https://other.example"}, "issuer-mismatch"),
        ({"code": "code-1", "iss": ""}, "issuer-mismatch"),
        ({"error": "access_denied", "iss": "https://other.example"}, "issuer-mismatch"),
        ({}, "malformed-callback"),
        ({"code": "code-1&code=code-2"}, "malformed-callback"),
    ],
)
def test_a_callback_that_is_no_authorization_is_refused_before_any_exchange(
    ens: PartnerClient, platform: FakePlatform, answer: dict[str, str], error: str
) -> None:
    login = ens.start_authorization(**ASKED)
    with pytest.raises(AuthorizationRefused) as refusal:
        ens.finish_authorization(login, _callback(login, **answer))
    assert refusal.value.error == error
    assert platform.calls("/oauth/token") == []


def test_a_login_of_another_platform_is_refused(ens: PartnerClient) -> None:
    login = ens.start_authorization(**ASKED)
    elsewhere = Login(**{**login.__dict__, "issuer": "https://other.example"})
    with pytest.raises(AuthorizationRefused, match="issuer-mismatch"):
        ens.finish_authorization(elsewhere, _callback(login, code="code-1"))


def test_a_login_survives_the_two_requests_of_a_web_app(ens: PartnerClient) -> None:
    login = Login.from_json(ens.start_authorization(**ASKED).to_json())
    grant = ens.finish_authorization(login, _callback(login, code="code-1"))
    assert (grant.grant_id, grant.patient, grant.scope) == ("g-1", "p-1", "offline_access")
    assert Grant.from_json(grant.to_json()) == grant
    assert grant.covers("measures.body-weight", "read")
    assert not grant.covers("measures.body-weight", "write")


def test_secrets_do_not_show(ens: PartnerClient) -> None:
    login = ens.start_authorization(**ASKED)
    grant = ens.finish_authorization(login, _callback(login, code="code-1"))
    shown = repr(login) + repr(grant)
    assert login.dpop_key is not None
    for secret in (login.code_verifier, login.dpop_key["d"], "access-1", "refresh-1"):
        assert secret not in shown


def test_a_code_is_not_presented_twice_when_the_answer_is_lost(ens: PartnerClient, platform: FakePlatform) -> None:
    login = ens.start_authorization(**ASKED)
    platform.script["/oauth/token"] = [(502, {})]
    with pytest.raises(PartnerError):
        ens.finish_authorization(login, _callback(login, code="code-1"))
    assert len(platform.calls("/oauth/token")) == 1


def test_a_repeated_request_carries_a_new_assertion_and_a_new_proof(ens: PartnerClient, platform: FakePlatform) -> None:
    platform.script["/oauth/par"] = [(503, {"error": "temporarily_unavailable"})]
    ens.start_authorization(**ASKED)
    first, second = platform.calls("/oauth/par")
    assert first.form["client_assertion"] != second.form["client_assertion"]
    assert first.proof().claims["jti"] != second.proof().claims["jti"]


def test_a_bearer_token_is_refused_where_a_bound_one_was_asked(ens: PartnerClient, platform: FakePlatform) -> None:
    login = ens.start_authorization(**ASKED)
    platform.script["/oauth/token"] = [(200, {"access_token": "a", "token_type": "Bearer", "expires_in": 600})]
    with pytest.raises(PartnerError, match="profile"):
        ens.finish_authorization(login, _callback(login, code="code-1"))


def test_a_public_smart_client_has_neither_assertion_nor_proof(
    connect: Callable[..., PartnerClient], platform: FakePlatform
) -> None:
    ens = connect(profile="smart", private_key=None)
    login = ens.start_authorization(**ASKED)
    grant = ens.finish_authorization(login, _callback(login, code="code-1"))
    assert grant.dpop_key is None
    assert platform.pushed["aud"] == f"{ISSUER}/fhir"
    for request in platform.calls("/oauth/par") + platform.calls("/oauth/token"):
        assert "DPoP" not in request.headers
        assert "client_assertion" not in request.form
        assert request.form["client_id"] == CLIENT_ID


def test_the_metadata_are_fetched_once(ens: PartnerClient, platform: FakePlatform) -> None:
    ens.start_authorization(**ASKED)
    ens.start_authorization(**ASKED)
    assert len(platform.calls("/.well-known/oauth-authorization-server")) == 1


def test_the_metadata_of_another_issuer_are_refused(ens: PartnerClient, platform: FakePlatform) -> None:
    platform.metadata["issuer"] = "https://other.example"
    with pytest.raises(PartnerError, match="exactly that one"):
        ens.start_authorization(**ASKED)


def test_an_address_that_is_no_platform_is_said_so(ens: PartnerClient, platform: FakePlatform) -> None:
    platform.script["/.well-known/oauth-authorization-server"] = [(200, b"<html>")]
    with pytest.raises(PartnerError, match="check the issuer"):
        ens.start_authorization(**ASKED)


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"client_id": ""}, "credentials page"),
        ({"private_key": None}, "private half"),
        ({"private_key": "nonsense"}, "JWK"),
        ({"private_key": {"kty": "oct", "k": "c2VjcmV0"}}, "JWK"),
        ({"private_key": ECKey.generate_key("P-256").as_dict(private=False)}, "public key"),
        ({"private_key": ECKey.generate_key("P-521").as_dict(private=True)}, "P-256"),
        ({"profile": "fapi1"}, "'fapi2' or 'smart'"),
    ],
)
def test_a_client_that_cannot_work_says_what_to_give(
    connect: Callable[..., PartnerClient], settings: dict[str, Any], remedy: str
) -> None:
    with pytest.raises(ValueError, match=remedy):
        connect(**settings)


@pytest.mark.parametrize("issuer", ["ens.example", "http://ens.example", ""])
def test_the_issuer_is_an_https_address(issuer: str) -> None:
    with pytest.raises(ValueError, match="https address"):
        PartnerClient(issuer, client_id="c", private_key=None, profile="smart")


def test_a_text_in_the_place_of_a_list_is_refused(ens: PartnerClient) -> None:
    with pytest.raises(TypeError, match=r"datatypes=\['measures.body-weight'\]"):
        ens.start_authorization(datatypes="measures.body-weight", actions=["read"], purpose="prevention")


@pytest.mark.parametrize("form", ["dict", "json", "pem"])
@pytest.mark.parametrize(
    ("key", "supported", "algorithm"),
    [
        (ECKey.generate_key("P-256"), ["PS256", "ES256"], "ES256"),
        (ECKey.generate_key("P-384"), ["RS384", "ES384"], "ES384"),
        (OKPKey.generate_key("Ed25519"), ["Ed25519"], "Ed25519"),
        (RSAKey.generate_key(2048), ["ES256", "PS256", "RS384"], "PS256"),
        (RSAKey.generate_key(2048), ["ES384", "RS384"], "RS384"),
        (RSAKey.generate_key(2048), None, "PS256"),
    ],
)
def test_a_key_of_any_form_signs_in_an_algorithm_the_server_reads(
    key: Any, supported: list[str] | None, algorithm: str, form: str
) -> None:
    jwk = key.as_dict(private=True)
    material = {"dict": jwk, "json": json.dumps(jwk), "pem": key.as_pem(private=True)}[form]
    assertion = ClientKey(material).assertion(client_id="c", audience="a", supported=supported)
    assert header_of(assertion)["alg"] == algorithm


def test_a_key_that_the_server_cannot_read_is_said_so() -> None:
    with pytest.raises(PartnerError, match="none fits"):
        ClientKey(ECKey.generate_key("P-384").as_dict(private=True)).assertion(
            client_id="c", audience="a", supported=["ES256"]
        )
