"""idpyoidc (PyPI), of the OpenID-certified lineage: code with PKCE and a key, refresh, userinfo, tokens looked up."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptojwt.jwk.ec import ECKey
from cryptojwt.jws.jws import JWS
from cryptojwt.key_bundle import KeyBundle
from cryptojwt.key_jar import KeyJar
from idpyoidc.client.exception import ResponseError
from idpyoidc.client.oauth2.stand_alone_client import StandAloneClient

from platform_core import clock
from platform_core.ids import opaque
from tests.interop.conftest import Settings

SCOPES = ["openid", "fhirUser", "offline_access", "launch/patient", "patient/Observation.rs"]
ALGORITHMS = {"fapi2": "ES256", "smart": "ES384"}
DPOP = {
    "function": "idpyoidc.client.oauth2.add_on.dpop.add_support",
    "kwargs": {"dpop_signing_alg_values_supported": ["ES256"], "with_dpop_header": ["client_credentials"]},
}
PKCE = {
    "function": "idpyoidc.client.oauth2.add_on.pkce.add_support",
    "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
}
SERVICES = {
    "provider_info": "idpyoidc.client.oidc.provider_info_discovery.ProviderInfoDiscovery",
    "authorization": "idpyoidc.client.oidc.authorization.Authorization",
    "accesstoken": "idpyoidc.client.oidc.access_token.AccessToken",
    "refresh_token": "idpyoidc.client.oidc.refresh_access_token.RefreshAccessToken",
    "client_credentials": "idpyoidc.client.oauth2.client_credentials.CCAccessTokenRequest",
    "userinfo": "idpyoidc.client.oidc.userinfo.UserInfo",
    "introspection": "idpyoidc.client.oauth2.introspection.Introspection",
    "token_revocation": "idpyoidc.client.oauth2.token_revocation.TokenRevocation",
}


def connect(settings: Settings, add_ons: dict[str, Any]) -> StandAloneClient:
    """A client that has read the metadata and holds its key."""
    key = ECKey(**settings["private_key"])
    key.deserialize()
    keys = KeyBundle()
    keys.append(key)
    jar = KeyJar()
    jar.add_kb("", keys)
    jar.add_kb(settings["client_id"], keys)
    client = StandAloneClient(
        client_type="oidc",
        keyjar=jar,
        services={name: {"class": path} for name, path in SERVICES.items()},
        config={
            "issuer": settings["issuer"],
            "provider_info": {"issuer": settings["issuer"]},
            "client_id": settings["client_id"],
            "redirect_uris": [settings["redirect_uri"]],
            "response_types_supported": ["code"],
            "scopes_supported": SCOPES,
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg": ALGORITHMS[settings["profile"]],
            "id_token_signed_response_alg": "RS256",
            "client_authn_methods": ["private_key_jwt"],
            "add_ons": add_ons,
        },
    )
    client.do_provider_info()
    client.do_client_registration()
    return client


def call(client: StandAloneClient, settings: Settings, service: str, state: str = "", **claims: str) -> Any:
    """One request of the client, with an assertion that lives a minute: its own ten are more than SMART allows."""
    answer = client.do_request(
        service,
        request_args=claims,
        state=state,
        authn_method="private_key_jwt",
        algorithm=ALGORITHMS[settings["profile"]],
        audience=settings["issuer"],
        lifetime=60,
    )
    assert "error" not in answer, answer.to_dict()
    return answer


def test_a_confidential_smart_client_goes_through_a_grant(
    new_client: Callable[..., Settings], visit: Callable[[str], str]
) -> None:
    settings = new_client("--profile", "smart")
    client = connect(settings, {"pkce": PKCE})
    address = client.init_authorization({"aud": f"{settings['issuer']}/fhir", "scope": SCOPES})
    answer = client.finalize_auth(dict(parse_qsl(urlsplit(visit(address)).query)))
    state = answer["state"]
    tokens = call(client, settings, "accesstoken", state, code=answer["code"], redirect_uri=settings["redirect_uri"])
    claims = tokens["__verified_id_token"]
    assert client.get_user_info(state)["sub"] == claims["sub"]
    refreshed = call(client, settings, "refresh_token", state)
    assert (refreshed["patient"], refreshed["scope"]) == (tokens["patient"], tokens["scope"])
    described = call(client, settings, "introspection", token=refreshed["access_token"])
    assert (described["active"], described["sub"]) == (True, claims["sub"])
    with pytest.raises(ResponseError):  # RFC 7009 §2.2 gives no body a meaning; an empty one surprises it
        call(client, settings, "token_revocation", token=tokens["refresh_token"])
    assert call(client, settings, "introspection", token=refreshed["access_token"])["active"] is False


def test_a_fapi2_client_binds_its_own_token_to_a_key(new_client: Callable[..., Settings]) -> None:
    """Under this profile it can ask no patient: its pushed requests wait for a 200 where RFC 9126 §2.2 says 201.

    The assertion is given, since its own names its audience in a list (FAPI 2.0 Security Profile §5.3.2.1: a string).
    """
    settings = new_client()
    client = connect(settings, {"dpop": DPOP})
    now = int(clock.now().timestamp())
    claims = {"iss": settings["client_id"], "sub": settings["client_id"], "jti": opaque(), "iat": now, "exp": now + 60}
    signed = JWS({**claims, "aud": settings["issuer"]}, alg="ES256").sign_compact(client.keyjar.get_signing_key("EC"))
    token = client.do_request(
        "client_credentials",
        request_args={"scope": "ens:app", "grant_type": "client_credentials"},
        authn_method="private_key_jwt",
        client_assertion=signed,
    )
    assert "error" not in token, token.to_dict()
    assert (token["token_type"], token["scope"]) == ("DPoP", ["ens:app"])
