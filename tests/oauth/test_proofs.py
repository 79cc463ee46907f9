"""DPoP (RFC 9449): each negative of the conformance list, at the token endpoint and at a resource."""

import time
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from werkzeug.test import TestResponse

from oauth.errors import InvalidProof
from oauth.rules.proofs import read_proof
from platform_core import clock as platform_clock
from platform_core.clock import FrozenClock
from tests.oauth.partner import FAPI, Partner

TOKEN, CONSENT = "/oauth/token", "/api/v1/consent"
PRIVATE = ECKey.generate_key("P-256")

WRONG: dict[str, dict[str, Any]] = {
    "alg none": {"header": {"alg": "none"}},
    "alg missing": {"header": {"alg": None}},
    "typ missing": {"header": {"typ": None}},
    "typ wrong": {"header": {"typ": "JWT"}},
    "jwk missing": {"header": {"jwk": None}},
    "jwk not an object": {"header": {"jwk": "x"}},
    "private jwk": {"key": PRIVATE, "header": {"jwk": PRIVATE.as_dict(private=True)}},
    "symmetric jwk": {"header": {"jwk": OctKey.generate_key(256).as_dict(private=True)}},
    "bad signature": {"header": {"jwk": ECKey.generate_key("P-256").as_dict(private=False)}},
    "crit": {"header": {"crit": ["x"], "x": 1}},
    "jti missing": {"jti": None},
    "jti empty": {"jti": ""},
    "jti not text": {"jti": 1},
    "jti long": {"jti": "x" * 300},
    "iat missing": {"iat": None},
    "iat not a number": {"iat": "hier"},
    "iat true": {"iat": True},
    "iat an hour ahead": {"iat": int(time.time()) + 3600},
    "iat an hour ago": {"iat": int(time.time()) - 3600},
    "htm missing": {"htm": None},
    "htm wrong": {"htm": "PUT"},
    "htm in lower case": {"htm": "post"},
    "htu missing": {"htu": None},
    "htu of another path": {"htu": "http://127.0.0.1/oauth/par"},
    "htu of another host": {"htu": "https://evil.exemple.fr/oauth/token"},
    "htu not a URL": {"htu": "http://["},
}


@pytest.fixture
def asked(partner: Partner) -> Any:
    """Ask for the app's own token with these proofs: (status, error)."""

    def ask(*proofs: str) -> tuple[int, str]:
        answer = partner.post(TOKEN, {"grant_type": "client_credentials"}, proofs=list(proofs))
        return answer.status_code, answer.json.get("error", "")

    return ask


@pytest.mark.requirement("A6.1", "A6.2", "A6.3", "A6.4", FAPI + "dpop-negative-tests")
@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_a_wrong_proof_gets_no_token_and_a_right_one_then_does(
    partner: Partner, asked: Any, changes: dict[str, Any]
) -> None:
    assert asked(partner.proof("POST", TOKEN, **changes)) == (400, "invalid_dpop_proof")
    assert asked(partner.proof("POST", TOKEN)) == (200, "")


@pytest.mark.requirement("A6.2")
@pytest.mark.parametrize(
    ("key", "alg", "status"),
    [
        (RSAKey.generate_key(2048), "RS256", 400),
        (RSAKey.generate_key(2048), "PS256", 200),
        (OKPKey.generate_key("Ed25519"), "EdDSA", 200),
        (OKPKey.generate_key("Ed25519"), "Ed25519", 200),
        (ECKey.generate_key("P-384"), "ES384", 400),
    ],
    ids=["RS256", "PS256", "EdDSA", "Ed25519", "ES384"],
)
def test_the_algorithms_of_a_proof(partner: Partner, asked: Any, key: Any, alg: str, status: int) -> None:
    assert asked(partner.proof("POST", TOKEN, key=key, header={"alg": alg}))[0] == status


@pytest.mark.requirement("A6.1", FAPI + "ensure-holder-of-key-required")
def test_exactly_one_proof_is_expected(partner: Partner, asked: Any) -> None:
    assert asked() == (400, "invalid_dpop_proof")
    assert asked(partner.proof("POST", TOKEN), partner.proof("POST", TOKEN)) == (400, "invalid_dpop_proof")
    both = f"{partner.proof('POST', TOKEN)}, {partner.proof('POST', TOKEN)}"
    for text in (both, "x", "x.y.z", ".."):
        assert asked(text) == (400, "invalid_dpop_proof")


@pytest.mark.requirement("A6.3")
def test_a_proof_serves_once(partner: Partner, asked: Any) -> None:
    proof = partner.proof("POST", TOKEN)
    assert asked(proof) == (200, "")
    assert asked(proof) == (400, "invalid_dpop_proof")
    same_jti = partner.proof("POST", TOKEN, jti="un seul")
    assert asked(same_jti) == (200, "")
    assert asked(partner.proof("POST", TOKEN, jti="un seul", autre=1)) == (400, "invalid_dpop_proof")


@pytest.mark.requirement("A6.1")
def test_an_altered_proof_is_refused(partner: Partner, asked: Any) -> None:
    head, claims, _ = partner.proof("POST", TOKEN).split(".")
    signature = partner.proof("POST", TOKEN).split(".")[2]
    assert asked(f"{head}.{claims}.{signature}") == (400, "invalid_dpop_proof")


@pytest.mark.requirement(
    "A6.6",
    FAPI + "ensure-dpopproof-with-iat-10seconds-after-succeeds",
    FAPI + "ensure-dpopproof-with-iat-10seconds-before-succeeds",
)
@pytest.mark.parametrize(
    ("offset", "status"),
    [(-3600, 400), (-61, 400), (-59, 200), (-10, 200), (10, 200), (11, 400), (3600, 400)],
)
def test_iat_may_be_ten_seconds_ahead_and_a_minute_old(
    partner: Partner, asked: Any, clock: FrozenClock, offset: int, status: int
) -> None:
    issued = int(platform_clock.now().timestamp()) + offset
    assert asked(partner.proof("POST", TOKEN, iat=issued))[0] == status


@pytest.mark.requirement("A6.4", "A6.5", FAPI + "check-dpop-proof-nbf-exp")
def test_htu_is_compared_after_normalisation_and_extra_claims_are_ignored(partner: Partner, asked: Any) -> None:
    address = partner.issuer + TOKEN
    for htu in (address, address + "?a=b", address + "#x", address.replace("http://", "HTTP://")):
        assert asked(partner.proof("POST", TOKEN, htu=htu)) == (200, ""), htu
    assert asked(partner.proof("POST", TOKEN, nbf=1, exp=2, autre="x")) == (200, "")


@pytest.mark.requirement("A6.4")
@pytest.mark.parametrize(
    ("claimed", "same"),
    [
        ("https://ens.exemple.fr/oauth/token", True),
        ("https://ens.exemple.fr:443/oauth/token", True),
        ("HTTPS://ENS.EXEMPLE.FR/oauth/token?x=1#y", True),
        ("https://ens.exemple.fr:8443/oauth/token", False),
        ("http://ens.exemple.fr/oauth/token", False),
        ("https://ens.exemple.fr/oauth/TOKEN", False),
        ("https://ens.exemple.fr/oauth/token/", False),
        ("https://ens.exemple.fr:port/oauth/token", False),
    ],
)
def test_addresses_are_normalised_before_they_are_compared(
    app: Flask, partner: Partner, claimed: str, same: bool
) -> None:
    address = "https://ens.exemple.fr/oauth/token"
    proof = partner.proof("POST", TOKEN, htu=claimed)
    try:
        read_proof([proof], method="POST", url=address, now=platform_clock.now())
    except InvalidProof:
        assert not same
    else:
        assert same


ELSEWHERE = [
    "/oauth/par",
    "/oauth/introspect",
    "/oauth/revoke",
    "/oauth/userinfo",
    "/oauth/grants",
    "/fhir/Observation",
]


@pytest.mark.requirement("A6.1", "A6.2", "A6.3", "A6.4", "A6.5", FAPI + "dpop-negative-tests")
@pytest.mark.parametrize("endpoint", ELSEWHERE)
def test_every_endpoint_refuses_every_wrong_proof_then_takes_a_right_one(
    partner: Partner, patient: UUID, endpoint: str
) -> None:
    granted = partner.grant(patient)
    is_resource = endpoint in ELSEWHERE[3:]
    path = f"{endpoint}/{granted['grant_id']}" if endpoint == "/oauth/grants" else endpoint
    method, token = ("GET", granted["access_token"]) if is_resource else ("POST", None)

    def send(proofs: list[str]) -> TestResponse:
        if token:
            return partner.call(method, path, token, proofs=proofs)
        form = partner.request() if path == "/oauth/par" else {"token": "inconnu"}
        return partner.post(path, form, proofs=proofs)

    expected = (401, "DPoP ") if is_resource else (400, "")
    here = {"htu of another path": {"htu": partner.issuer + "/oauth/token"}}
    wrong = {**WRONG, **here, **({"ath wrong": {"ath": "A" * 43}, "ath missing": {"ath": None}} if token else {})}
    for name, changes in wrong.items():
        answer = send([partner.proof(method, path, token=token, **changes)])
        assert (answer.status_code, answer.headers.get("WWW-Authenticate", "")[:5]) == expected, name
        assert "dpop" in answer.text, name
    proof = partner.proof(method, path, token=token)
    assert send([proof, partner.proof(method, path, token=token)]).status_code == expected[0]
    assert send([proof]).status_code in {200, 201, 403}
    assert send([proof]).status_code == expected[0]


RESOURCE_WRONG: dict[str, dict[str, Any]] = {
    **{name: changes for name, changes in WRONG.items() if not name.startswith("ht")},
    "htm wrong": {"htm": "POST"},
    "htu of the token endpoint": {"htu": "http://127.0.0.1/oauth/token"},
    "ath missing": {"ath": None},
    "ath wrong": {"ath": "A" * 43},
    "ath not text": {"ath": 1},
    "another key": {"key": ECKey.generate_key("P-256")},
}


@pytest.mark.requirement("A6.5", FAPI + "dpop-negative-tests")
@pytest.mark.parametrize("changes", RESOURCE_WRONG.values(), ids=RESOURCE_WRONG)
def test_a_resource_refuses_a_wrong_proof_with_a_challenge(
    partner: Partner, patient: UUID, changes: dict[str, Any]
) -> None:
    token = partner.grant(patient)["access_token"]
    wrong = partner.proof("GET", CONSENT, token=token, **changes)
    answer = partner.call("GET", CONSENT, token, proofs=[wrong])
    assert (answer.status_code, answer.json["code"]) == (401, "invalid-dpop-proof")
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith("DPoP ")
    assert 'error="invalid_dpop_proof"' in challenge
    assert 'algs="ES256' in challenge
    assert partner.call("GET", CONSENT, token).status_code == 200


@pytest.mark.requirement("A6.3", "A6.1")
def test_a_resource_takes_a_proof_once_and_one_only(partner: Partner, patient: UUID) -> None:
    token = partner.grant(patient)["access_token"]
    proof = partner.proof("GET", CONSENT, token=token)
    assert partner.call("GET", CONSENT, token, proofs=[proof]).status_code == 200
    assert partner.call("GET", CONSENT, token, proofs=[proof]).status_code == 401
    two = [partner.proof("GET", CONSENT, token=token) for _ in range(2)]
    assert partner.call("GET", CONSENT, token, proofs=two).status_code == 401
    assert partner.call("GET", CONSENT, token, proofs=[]).status_code == 401


@pytest.mark.requirement("A6.1")
def test_a_bound_token_is_not_a_bearer_token_and_the_other_way_round(
    partner: Partner, smart: Partner, patient: UUID
) -> None:
    bound = partner.grant(patient)["access_token"]
    bearer = smart.grant(patient)["access_token"]
    proof = partner.proof("GET", CONSENT, token=bound)
    stolen = partner.http.get(CONSENT, headers={"Authorization": f"Bearer {bound}", "DPoP": proof})
    assert (stolen.status_code, stolen.headers["WWW-Authenticate"][:5]) == (401, "DPoP ")
    proof = partner.proof("GET", CONSENT, token=bearer)
    assert partner.http.get(CONSENT, headers={"Authorization": f"DPoP {bearer}", "DPoP": proof}).status_code == 401


@pytest.mark.requirement("A1.14", FAPI + "access-token-type-header-case-sensitivity")
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_has_no_case(smart: Partner, patient: UUID, scheme: str) -> None:
    token = smart.grant(patient)["access_token"]
    assert smart.http.get(CONSENT, headers={"Authorization": f"{scheme} {token}"}).status_code == 200


@pytest.mark.requirement("A1.12")
@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer a b", "Basic YTpi", "Bearer inconnu", "DPoP inconnu"]
)
def test_without_a_known_token_nothing_opens(smart: Partner, patient: UUID, header: str | None) -> None:
    token = smart.grant(patient)["access_token"]
    headers = {} if header is None else {"Authorization": header}
    answer = smart.http.get(CONSENT, query_string={"access_token": token}, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (401, "invalid-token")
    assert "WWW-Authenticate" in answer.headers


def test_a_refresh_token_is_not_an_access_token(smart: Partner, patient: UUID) -> None:
    token = smart.grant(patient)["refresh_token"]
    assert smart.call("GET", CONSENT, token).status_code == 401
