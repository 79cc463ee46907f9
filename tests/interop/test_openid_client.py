"""openid-client (npm), a certified relying party: it checks issuer, signatures, nonce, hashes and states by itself."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.interop.conftest import Script, Settings, assert_used


def test_a_fapi2_client_pushes_proves_and_asks_rich_details(
    new_client: Callable[..., Settings], run_script: Script
) -> None:
    settings = new_client()
    verdict = run_script("openid_client.mjs", "fapi2", settings)
    assert_used(verdict, settings, "dpop")
    (detail,) = verdict["tokens"]["authorization_details"]
    assert (detail["datatypes"], detail["actions"]) == (["measures.body-weight"], ["read", "write"])
    assert detail["periodicity"] == {"max": 2, "per": "day"}
    assert verdict["before"]["authorization_details"] == verdict["tokens"]["authorization_details"]


def test_a_smart_client_with_a_key_asks_scopes(new_client: Callable[..., Settings], run_script: Script) -> None:
    settings = new_client("--profile", "smart")
    verdict = run_script("openid_client.mjs", "smart", settings)
    assert_used(verdict, settings, "bearer")
    assert "patient/Observation.rs" in verdict["tokens"]["scope"]


def test_a_refusal_is_told_as_the_standard_says(new_client: Callable[..., Settings], run_script: Script) -> None:
    verdict = run_script("openid_client.mjs", "refusal", new_client())
    assert verdict == {"name": "AuthorizationResponseError", "error": "access_denied"}


@pytest.mark.requirement("A13")
@pytest.mark.parametrize("profile", ["fapi2", "smart"])
def test_a_device_without_a_browser_is_granted_access(
    new_client: Callable[..., Settings], run_script: Script, profile: str
) -> None:
    settings = new_client("--profile", profile)
    verdict = run_script("openid_client.mjs", "device", settings)
    assert_used(verdict, settings, "dpop" if profile == "fapi2" else "bearer")
    assert verdict["started"]["verification_uri"] == f"{settings['issuer']}/appareil"


@pytest.mark.requirement("A16.logout", "oidcc-rp-initiated-logout")
@pytest.mark.parametrize("profile", ["fapi2", "smart"])
def test_a_person_who_leaves_the_app_is_sent_back_with_its_state(
    new_client: Callable[..., Settings], run_script: Script, client: FlaskClient, profile: str
) -> None:
    settings = new_client("--profile", profile)
    address = run_script("openid_client.mjs", "logout", settings)["url"]
    assert address.startswith(f"{settings['issuer']}/oauth/end_session?")
    answer = client.get(address)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{settings['redirect_uri']}?state=until-next-time"
