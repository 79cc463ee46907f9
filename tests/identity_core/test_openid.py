"""What a provider signs is refused unless every check of OpenID Connect Core 1.0 §3.1.3.7 and §5.3.2 holds."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from identity_core.errors import SignInFailed
from identity_core.gateway import openid
from identity_core.gateway.openid import OpenIdProvider
from platform_app.simulated.provider import SimulatedProvider
from platform_core.clock import FrozenClock
from platform_core.config import Config, IdentityProvider
from platform_core.errors import Invalid, Malformed, Unavailable

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def simulated(config: Config) -> SimulatedProvider:
    return SimulatedProvider("citizen", config.citizen_idp, config.base_url)


@pytest.fixture
def relying(config: Config, live_server: str, clock: FrozenClock) -> OpenIdProvider:
    """A relying party that has discovered the simulated provider over HTTP."""
    provider = OpenIdProvider(config.citizen_idp)
    provider.authorization_url(kind="citizen", state="s", nonce="n", verifier="v", redirect_uri="r")
    return provider


def claims(simulated: SimulatedProvider, clock: FrozenClock) -> dict[str, Any]:
    now = int(clock.instant.timestamp())
    return {
        "iss": simulated.settings.issuer,
        "aud": simulated.settings.client_id,
        "sub": "camille",
        "iat": now,
        "exp": now + 60,
        "nonce": "nonce",
        "acr": "eidas2",
    }


def sign(simulated: SimulatedProvider, content: dict[str, Any]) -> str:
    key = simulated._key
    return jwt.encode({"alg": "ES256", "kid": key.kid}, content, key, algorithms=["ES256"])


def test_a_whole_id_token_is_accepted(
    relying: OpenIdProvider, simulated: SimulatedProvider, clock: FrozenClock
) -> None:
    content = claims(simulated, clock)
    assert relying.verify_id_token(sign(simulated, content), nonce="nonce") == content


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda c: c.update(nonce="another"), id="nonce of another sign-in"),
        pytest.param(lambda c: c.pop("nonce"), id="no nonce"),
        pytest.param(lambda c: c.update(aud="another-client"), id="audience"),
        pytest.param(lambda c: c.update(aud=["another-client"]), id="audiences"),
        pytest.param(lambda c: c.pop("aud"), id="no audience"),
        pytest.param(lambda c: c.update(azp="another-client"), id="authorized party"),
        pytest.param(lambda c: c.update(iss="https://ailleurs.example"), id="issuer"),
        pytest.param(lambda c: c.update(exp=c["iat"] - 31), id="expired"),
        pytest.param(lambda c: c.pop("exp"), id="never expires"),
        pytest.param(lambda c: c.update(iat=c["iat"] + 3600), id="from the future"),
        pytest.param(lambda c: c.update(sub=""), id="empty subject"),
        pytest.param(lambda c: c.pop("acr"), id="no level"),
    ],
)
def test_a_claim_that_does_not_hold_is_refused(
    relying: OpenIdProvider, simulated: SimulatedProvider, clock: FrozenClock, change: Change
) -> None:
    content = claims(simulated, clock)
    change(content)
    with pytest.raises(SignInFailed):
        relying.verify_id_token(sign(simulated, content), nonce="nonce")


@pytest.mark.parametrize(
    ("said", "kept"),
    [(["pwd", "otp"], "pwd otp"), (None, ""), ("pwd", ""), (["two words", 3, "x" * 65, "hwk"], "hwk")],
)
def test_the_means_of_a_sign_in_are_kept_as_the_provider_names_them(said: object, kept: str) -> None:
    assert openid._amr({"amr": said}) == kept


def test_another_key_under_the_same_name_is_refused(
    relying: OpenIdProvider, simulated: SimulatedProvider, clock: FrozenClock
) -> None:
    forged = ECKey.generate_key("P-256", {"kid": simulated._key.kid})
    header = {"alg": "ES256", "kid": forged.kid}
    token = jwt.encode(header, claims(simulated, clock), forged, algorithms=["ES256"])
    with pytest.raises(SignInFailed):
        relying.verify_id_token(token, nonce="nonce")


def test_algorithms_outside_the_list_are_refused(
    relying: OpenIdProvider, simulated: SimulatedProvider, clock: FrozenClock
) -> None:
    content, secret = claims(simulated, clock), simulated.settings.client_secret
    mac = jwt.encode({"alg": "HS256"}, content, OctKey.import_key(secret), algorithms=["HS256"])
    body = sign(simulated, content).split(".")[1]
    unsigned = f"eyJhbGciOiJub25lIn0.{body}."
    for token in (mac, unsigned, "", "a.b.c", f"{unsigned}AAAA"):
        with pytest.raises(SignInFailed):
            relying.verify_id_token(token, nonce="nonce")


def test_userinfo_about_somebody_else_or_altered_is_refused(
    relying: OpenIdProvider, simulated: SimulatedProvider, clock: FrozenClock
) -> None:
    token = sign(simulated, {**claims(simulated, clock), "given_name": "Camille"})
    assert relying.verify_userinfo(token, subject="camille")["given_name"] == "Camille"
    with pytest.raises(SignInFailed):
        relying.verify_userinfo(token, subject="dominique")
    header, body, signature = token.split(".")
    with pytest.raises(SignInFailed):
        relying.verify_userinfo(f"{header}.{body[:-2]}AA.{signature}", subject="camille")


def test_an_address_that_publishes_nothing_is_unavailable(config: Config, live_server: str) -> None:
    away = IdentityProvider(f"{live_server}/nulle-part", "ens", "secret", False)
    with pytest.raises(Unavailable):
        OpenIdProvider(away).authorization_url(kind="pro", state="s", nonce="n", verifier="v", redirect_uri="r")


@pytest.mark.parametrize(
    "change",
    [
        {"client_secret": "wrong"},
        {"client_id": "another"},
        {"code_verifier": "another"},
        {"redirect_uri": "https://ailleurs.example"},
        {"code": "made-up"},
        {"grant_type": "password"},
    ],
)
def test_the_simulated_provider_checks_the_client_the_code_and_pkce(
    simulated: SimulatedProvider, relying: OpenIdProvider, change: dict[str, str]
) -> None:
    form = redeemable(simulated, relying)
    assert "id_token" in simulated.redeem(form)
    with pytest.raises(Invalid):
        simulated.redeem({**form, **change})


def test_a_code_of_the_simulated_provider_dies_after_a_minute(
    simulated: SimulatedProvider, relying: OpenIdProvider, clock: FrozenClock
) -> None:
    form = redeemable(simulated, relying)
    clock.move(seconds=61)
    with pytest.raises(Invalid):
        simulated.redeem(form)


def redeemable(simulated: SimulatedProvider, relying: OpenIdProvider) -> dict[str, str]:
    """The token request of a sign-in that went well."""
    url = relying.authorization_url(
        kind="citizen", state="state", nonce="nonce", verifier="verifier", redirect_uri=simulated.redirect_uri
    )
    asked = simulated.check_request(dict(parse_qsl(urlsplit(url).query)))
    answer = dict(parse_qsl(urlsplit(simulated.answer(asked, "camille")).query))
    assert (answer["state"], answer["iss"]) == ("state", simulated.settings.issuer)
    return {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": simulated.redirect_uri,
        "code_verifier": "verifier",
        "client_id": simulated.settings.client_id,
        "client_secret": simulated.settings.client_secret,
    }


@pytest.mark.parametrize("missing", ["nonce", "state", "code_challenge", "redirect_uri", "client_id", "scope"])
def test_the_simulated_provider_refuses_an_incomplete_request(simulated: SimulatedProvider, missing: str) -> None:
    request = {
        "client_id": simulated.settings.client_id,
        "redirect_uri": simulated.redirect_uri,
        "response_type": "code",
        "code_challenge_method": "S256",
        "code_challenge": "c",
        "state": "s",
        "nonce": "n",
        "scope": "openid",
    }
    assert simulated.check_request(request).state == "s"
    del request[missing]
    with pytest.raises(Malformed):
        simulated.check_request(request)
