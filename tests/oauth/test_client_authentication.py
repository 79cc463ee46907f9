"""private_key_jwt (RFC 7523): each claim that may be wrong, each key that is not the client's."""

from typing import Any

import pytest
from flask import Flask
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from oauth import service
from oauth.rules.clients import Profile
from platform_core import clock as platform_clock
from platform_core.clock import FrozenClock
from platform_core.crypto import base64url
from platform_core.database import transaction
from platform_core.errors import Conflict, Invalid
from tests.oauth.partner import CALLBACK, FAPI, TESTER, Partner, sandbox_client


def ask(partner: Partner, **form: Any) -> tuple[int, str]:
    answer = partner.post("/oauth/token", {"grant_type": "client_credentials", **form})
    return answer.status_code, answer.json.get("error", "")


def seconds(offset: int) -> int:
    return int(platform_clock.now().timestamp()) + offset


@pytest.mark.requirement(
    "A7.1",
    FAPI + "ensure-client-assertion-with-no-sub-fails",
    FAPI + "ensure-client-assertion-with-wrong-aud-fails",
)
@pytest.mark.parametrize(
    "claims",
    [
        {"sub": None},
        {"sub": "inconnu"},
        {"sub": 42},
        {"iss": None},
        {"iss": "autre"},
        {"aud": None},
        {"aud": "https://autre.exemple.fr"},
        {"aud": []},
        {"jti": None},
        {"jti": ""},
        {"jti": 7},
        {"exp": None},
        {"exp": "demain"},
        {"exp": 1e30},
    ],
    ids=str,
)
def test_a_wrong_claim_is_refused(partner: Partner, claims: dict[str, Any]) -> None:
    assert ask(partner, client_assertion=partner.assertion(**claims)) == (401, "invalid_client")


@pytest.mark.requirement(
    "authlib-8",
    "A7.1",
    "A7.2",
    FAPI + "ensure-client-assertion-with-exp-is-5-minutes-in-past-fails",
    FAPI + "par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted",
    FAPI + "par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails",
)
@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"exp": -5}, 200),
        ({"exp": -11}, 401),
        ({"exp": -300}, 401),
        ({"exp": 300}, 200),
        ({"exp": 320}, 401),
        ({"exp": 3600}, 401),
        ({"iat": 8}, 200),
        ({"iat": 60}, 401),
        ({"nbf": 8}, 200),
        ({"nbf": 60}, 401),
    ],
    ids=str,
)
def test_times_have_ten_seconds_of_tolerance_and_five_minutes_of_life(
    partner: Partner, clock: FrozenClock, claims: dict[str, int], status: int
) -> None:
    moved = {name: seconds(offset) for name, offset in claims.items()}
    assert ask(partner, client_assertion=partner.assertion(**moved))[0] == status
    pushed = partner.post("/oauth/par", {**partner.request(), "client_assertion": partner.assertion(**moved)})
    assert pushed.status_code == (201 if status == 200 else 401)


@pytest.mark.requirement(
    "A7.4",
    "A15",
    FAPI + "par-test-array-as-audience-fails",
    FAPI + "par-test-token-endpoint-url-as-audience-fails",
    FAPI + "par-test-par-endpoint-url-as-audience-fails",
)
def test_the_audience_of_a_fapi2_client_is_the_issuer_as_one_string(partner: Partner, smart: Partner) -> None:
    endpoint = f"{partner.issuer}/oauth/token"
    assert ask(partner, client_assertion=partner.assertion(aud=endpoint))[0] == 401
    assert ask(partner, client_assertion=partner.assertion(aud=[partner.issuer]))[0] == 401
    for aud in (endpoint, [partner.issuer], f"{partner.issuer}/oauth/par"):
        form = {**partner.request(), "client_assertion": partner.assertion(aud=aud)}
        assert partner.post("/oauth/par", form).json["error"] == "invalid_client"
    assert ask(smart, client_assertion=smart.assertion(aud=endpoint))[0] == 200
    assert ask(smart, client_assertion=smart.assertion(aud=[smart.issuer, "x"]))[0] == 200


@pytest.mark.requirement("A7.2", "SM336")
def test_an_assertion_serves_once_at_any_endpoint(partner: Partner) -> None:
    assertion = partner.assertion()
    assert ask(partner, client_assertion=assertion)[0] == 200
    assert ask(partner, client_assertion=assertion) == (401, "invalid_client")
    again = partner.post("/oauth/introspect", {"token": "x", "client_assertion": assertion})
    assert again.json["error"] == "invalid_client"


def test_a_refused_request_still_uses_its_assertion_up(partner: Partner) -> None:
    assertion = partner.assertion()
    assert partner.post("/oauth/token", {"grant_type": "x", "client_assertion": assertion}).status_code == 400
    refused = ask(partner, client_assertion=assertion, scope="inconnu")
    assert refused == (400, "invalid_scope")
    assert ask(partner, client_assertion=assertion) == (401, "invalid_client")


@pytest.mark.requirement("A7.1", FAPI + "ensure-signed-client-assertion-with-RS256-fails")
@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (ECKey.generate_key("P-256"), "ES256"),
        (RSAKey.generate_key(2048), "RS256"),
        (RSAKey.generate_key(2048), "PS256"),
        (OctKey.generate_key(256), "HS256"),
    ],
    ids=["another key", "RS256", "PS256 of another key", "HS256"],
)
def test_only_the_clients_key_and_algorithms_sign(partner: Partner, key: Any, alg: str) -> None:
    assert ask(partner, client_assertion=partner.assertion(key=key, alg=alg)) == (401, "invalid_client")


def test_an_unsigned_or_broken_assertion_is_refused(partner: Partner) -> None:
    head, claims, signature = partner.assertion().split(".")
    unsigned = "eyJhbGciOiJub25lIn0"
    for text in (f"{unsigned}.{claims}.", f"{unsigned}.{claims}.{signature}", f"{head}.{claims}.AAAA", "x.y.z", "x"):
        assert ask(partner, client_assertion=text) == (401, "invalid_client")


@pytest.mark.requirement(
    "A7.1",
    FAPI + "ensure-client-assertion-in-token-endpoint",
    FAPI + "ensure-client-id-in-token-endpoint",
)
def test_no_assertion_no_client(partner: Partner, other: Partner) -> None:
    absent = ask(partner, client_assertion=None, client_assertion_type=None, client_id=partner.client.client_id)
    assert absent[1] == "invalid_client"
    assert ask(partner, client_id=other.client.client_id) == (401, "invalid_client")
    assert ask(partner, client_assertion_type="autre")[1] == "invalid_client"


def test_a_secret_is_worth_nothing(partner: Partner) -> None:
    form = {"grant_type": "client_credentials", "client_id": partner.client.client_id, "client_secret": "x"}
    assert partner.http.post("/oauth/token", data=form).json["error"] == "invalid_client"
    basic = partner.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=("x", "y"))
    assert basic.json["error"] == "invalid_client"


@pytest.mark.parametrize("curve_or_size", ["Ed25519", 2048])
def test_the_other_algorithms_of_fapi2_are_read(app: Flask, curve_or_size: Any) -> None:
    key = OKPKey.generate_key("Ed25519") if curve_or_size == "Ed25519" else RSAKey.generate_key(curve_or_size)
    partner = Partner(app, sandbox_client())
    with transaction():
        service.rotate_key(client_pk=partner.client.pk, jwk=key.as_dict(private=False), by=TESTER)
    for alg in ("EdDSA", "Ed25519") if curve_or_size == "Ed25519" else ("PS256",):
        assert ask(partner, client_assertion=partner.assertion(key=key, alg=alg))[0] == 200


def test_a_replaced_key_counts_for_another_week(partner: Partner, clock: FrozenClock) -> None:
    successor = ECKey.generate_key("P-256")
    with transaction():
        service.rotate_key(client_pk=partner.client.pk, jwk=successor.as_dict(private=False), by=TESTER)
    assert ask(partner)[0] == 200
    assert ask(partner, client_assertion=partner.assertion(key=successor))[0] == 200
    clock.move(days=7, seconds=1)
    assert ask(partner)[0] == 401
    assert ask(partner, client_assertion=partner.assertion(key=successor))[0] == 200


def test_a_closed_client_and_its_tokens_are_worth_nothing(partner: Partner) -> None:
    token = partner.app_token()
    with transaction():
        service.disable_client(client_pk=partner.client.pk, by=TESTER)
    assert ask(partner) == (401, "invalid_client")
    assert partner.call("GET", "/api/v1/sandbox/patients", token).status_code == 401


@pytest.mark.parametrize(
    "jwk",
    [
        ECKey.generate_key("P-256").as_dict(private=True),
        ECKey.generate_key("P-521").as_dict(private=False),
        {"kty": "RSA", "e": "AQAB", "n": base64url(bytes([255] * 128))},
        OctKey.generate_key(256).as_dict(private=True),
        {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"},
        {"kty": "inconnu"},
        {},
    ],
    ids=["private", "P-521", "RSA 1024", "symmetric", "off the curve", "unknown type", "empty"],
)
def test_an_unfit_key_is_not_registered(app: Flask, jwk: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused, transaction():
        service.issue_sandbox_client(name="x", profile=Profile.FAPI2, redirect_uris=[CALLBACK], jwk=jwk, by=TESTER)
    assert refused.value.code == "invalid_client_metadata"


def test_a_key_is_registered_once(partner: Partner) -> None:
    with pytest.raises(Conflict) as refused, transaction():
        service.rotate_key(client_pk=partner.client.pk, jwk=dict(partner.client.keys[0]), by=TESTER)
    assert refused.value.code == "key-known"


@pytest.mark.parametrize(
    ("uri", "public", "allowed"),
    [
        ("https://balance.exemple.fr/retour", False, True),
        ("https://balance.exemple.fr/retour?a=b", False, True),
        ("https://balance.exemple.fr/retour#x", False, False),
        ("https://*.exemple.fr/retour", False, False),
        ("https://moi:secret@balance.exemple.fr/", False, False),
        ("https:///retour", False, False),
        ("https://balance.exemple.fr:99999/", False, False),
        ("https://balance.exemple.fr/re tour", False, False),
        ("https://balance.exemple.fr\\@evil.exemple.fr/", False, False),
        ("http://balance.exemple.fr/retour", False, False),
        ("http://127.0.0.1:8001/callback", False, True),
        ("http://localhost/callback", True, True),
        ("http://127.0.0.1.exemple.fr/", True, False),
        ("fr.exemple.balance:/retour", True, True),
        ("fr.exemple.balance:/retour", False, False),
        ("balance:/retour", True, False),
        ("javascript:alert(1)", True, False),
        ("data:text/html,x", True, False),
        ("/retour", False, False),
        ("", False, False),
    ],
)
def test_the_addresses_that_may_be_registered(app: Flask, uri: str, public: bool, allowed: bool) -> None:
    private = None if public else service.generate_key(Profile.SMART)
    try:
        with transaction():
            service.issue_sandbox_client(
                name="x",
                profile=Profile.SMART,
                redirect_uris=[uri],
                jwk=service.public_half(private) if private else None,
                by=TESTER,
            )
    except Invalid as error:
        assert (error.code, allowed) == ("invalid_redirect_uri", False)
    else:
        assert allowed


@pytest.mark.requirement("A1.3")
@pytest.mark.parametrize(
    ("asked", "accepted"),
    [
        ("http://127.0.0.1:8001/retour", True),
        ("http://127.0.0.1:50123/retour", True),
        ("http://127.0.0.1/retour", False),
        ("http://127.0.0.1:50123/autre", False),
        ("http://127.0.0.1:50123/retour?x=1", False),
        ("http://127.0.0.2:8001/retour", False),
        ("http://moi@127.0.0.1:8001/retour", False),
        ("http://127.0.0.1:8001@evil.exemple.fr/retour", False),
        ("https://127.0.0.1:8001/retour", False),
    ],
)
def test_only_the_port_of_a_native_apps_loopback_address_is_free(app: Flask, asked: str, accepted: bool) -> None:
    native = Partner(app, sandbox_client(Profile.SMART, public=True, callback="http://127.0.0.1:8001/retour"))
    answer = native.push(redirect_uri=asked, authorization_details=None, scope="patient/OauthTest.rs")
    assert answer.status_code == (201 if accepted else 400)
