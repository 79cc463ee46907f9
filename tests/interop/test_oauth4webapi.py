"""oauth4webapi (npm): every message of the protocol one by one, and the flow of a public client in a browser."""

from collections.abc import Callable

from tests.interop.conftest import Script, Settings, assert_used


def test_a_fapi2_client_finds_its_way_from_the_resource(
    new_client: Callable[..., Settings], run_script: Script
) -> None:
    settings = new_client()
    verdict = run_script("oauth4webapi.mjs", "fapi2", settings)
    assert_used(verdict, settings, "dpop")
    assert 60 <= verdict["lifetime"] <= 600


def test_a_public_client_rotates_its_refresh_token(
    new_client: Callable[..., Settings], run_script: Script, visit: Callable[[str], str]
) -> None:
    settings = new_client("--profile", "smart", "--public")
    verdict = run_script("oauth4webapi.mjs", "public", settings, visit)
    tokens, rotated = verdict["tokens"], verdict["rotated"]
    assert (tokens["token_type"], verdict["search"]) == ("bearer", 200)
    assert verdict["claims"]["fhirUser"].startswith(f"{settings['issuer']}/fhir/")
    assert rotated["refresh_token"] != tokens["refresh_token"]
    assert rotated["patient"] == tokens["patient"]
    assert (verdict["reused"], verdict["family"]) == ("invalid_grant", "invalid_grant")
