"""requests_oauth2client (PyPI): pushed request, DPoP, rich details, id_token checked by the library."""

import json
from collections.abc import Callable

import pytest
import requests
from jwskate import SignedJwt
from requests_oauth2client import BearerToken, DeviceAuthorizationPollingJob, DPoPToken, OAuth2Client, PrivateKeyJwt
from requests_oauth2client.exceptions import AuthorizationPending, InvalidGrant

from tests.interop.conftest import DETAILS, Settings, decide

SCOPE = "openid fhirUser offline_access"
ALGORITHMS = {"fapi2": ("ES256", "ES256"), "smart": ("ES384", "RS256")}


def connect(settings: Settings) -> OAuth2Client:
    """The client; its `testing` mode is what accepts an address without a certificate.

    It reads every address from the metadata but the devices' one.
    """
    assertion, id_token = ALGORITHMS[settings["profile"]]
    client: OAuth2Client = OAuth2Client.from_discovery_endpoint(
        issuer=settings["issuer"],
        auth=PrivateKeyJwt(settings["client_id"], settings["private_key"], alg=assertion, aud=settings["issuer"]),
        redirect_uri=settings["redirect_uri"],
        id_token_signed_response_alg=id_token,
        dpop_bound_access_tokens=settings["profile"] == "fapi2",
        device_authorization_endpoint=f"{settings['issuer']}/oauth/device_authorization",
        testing=True,
    )
    return client


def authorize(client: OAuth2Client, settings: Settings) -> BearerToken:
    details, audience = json.dumps(DETAILS), f"{settings['issuer']}/fhir"
    request = client.authorization_request(scope=SCOPE, authorization_details=details, aud=audience)
    pushed = client.pushed_authorization_request(request)
    callback = decide(settings, client.client_credentials(scope="ens:app"), {"request_uri": pushed.request_uri})
    # The library loses the key of a bound token when it checks the id_token itself: that check is made here.
    token = client.authorization_code(request.validate_callback(callback), validate=not client.dpop_bound_access_tokens)
    signed = SignedJwt(str(token.id_token))
    assert signed.verify_signature(client.authorization_server_jwks, alg=client.id_token_signed_response_alg)
    return token


@pytest.mark.parametrize("profile", ["fapi2", "smart"])
def test_a_grant_from_the_pushed_request_to_its_revocation(new_client: Callable[..., Settings], profile: str) -> None:
    settings = new_client("--profile", profile)
    client = connect(settings)
    token = authorize(client, settings)
    assert isinstance(token, DPoPToken) is (profile == "fapi2")
    assert token.authorization_details[0]["datatypes"] == ["measures.body-weight"]

    search = requests.get(f"{settings['issuer']}/fhir/Observation?code=29463-7", auth=token, timeout=10)
    assert (search.status_code, search.json()["resourceType"]) == (200, "Bundle")

    key = {"dpop_key": token.dpop_key} if isinstance(token, DPoPToken) else {}
    refreshed = client.refresh_token(token, **key)
    described = client.introspect_token(refreshed.access_token)
    assert (described["active"], described["patient"]) == (True, token.patient)
    assert client.revoke_refresh_token(token.refresh_token) is True
    assert client.introspect_token(refreshed.access_token) == {"active": False}
    with pytest.raises(InvalidGrant):
        client.refresh_token(token.refresh_token, **key)


@pytest.mark.requirement("A13")
def test_a_device_asks_again_until_the_person_has_answered(new_client: Callable[..., Settings]) -> None:
    settings = new_client("--profile", "smart")
    client = connect(settings)
    started = client.authorize_device(scope=SCOPE, authorization_details=json.dumps(DETAILS))
    assert started.verification_uri == f"{settings['issuer']}/appareil"
    with pytest.raises(AuthorizationPending):
        client.device_code(started)
    decide(settings, client.client_credentials(scope="ens:app"), {"user_code": started.user_code})
    token = DeviceAuthorizationPollingJob(client, started)()
    assert isinstance(token, BearerToken)
    search = requests.get(f"{settings['issuer']}/fhir/Observation?code=29463-7", auth=token, timeout=10)
    assert (search.status_code, search.json()["resourceType"]) == (200, "Bundle")
