"""Every endpoint of the authorization server: how often it may be called, by what method, kept by no cache."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from platform_core.clock import FrozenClock

DESCRIBED = ("/.well-known/", "/fhir/.well-known/", "/oauth/jwks", "/api/v1/schemas/")


def endpoints(app: Flask) -> dict[str, object]:
    """Path → what serves it, for everything under /oauth."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/oauth/")]
    return {f"{rule.rule} {sorted(rule.methods or ())}": app.view_functions[rule.endpoint] for rule in rules}


def test_every_endpoint_declares_how_often_it_may_be_called(application: Flask) -> None:
    found = endpoints(application)
    assert len(found) >= 10
    unlimited = {name for name, view in found.items() if not hasattr(view, "__rate_limit__")}
    assert {name for name in unlimited if not name.startswith(DESCRIBED)} == set()


@pytest.mark.requirement("A3.6")
@pytest.mark.parametrize("path", ["/oauth/authorize", "/oauth/authorize/resume/01900000-0000-7000-8000-000000000000"])
def test_an_address_that_calls_too_often_is_told_when_to_come_back(
    client: FlaskClient, clock: FrozenClock, path: str
) -> None:
    statuses = [client.get(path).status_code for _ in range(61)]
    assert 429 not in statuses[:60]
    refused = client.get(path)
    assert (statuses[60], refused.status_code) == (429, 429)
    assert 0 < int(refused.headers["Retry-After"]) <= 60


@pytest.mark.requirement("A3.6", "A1.13", "SM86", "SM87")
@pytest.mark.parametrize("path", ["/oauth/par", "/oauth/token", "/oauth/introspect", "/oauth/revoke"])
def test_an_endpoint_of_programs_answers_in_its_protocol_and_is_kept_by_no_cache(
    client: FlaskClient, path: str
) -> None:
    refused = client.post(path, data={})
    assert refused.status_code in {400, 401}
    assert refused.mimetype == "application/json"
    assert set(refused.json) <= {"error", "error_description", "error_uri"}
    assert (refused.headers["Cache-Control"], refused.headers["Pragma"]) == ("no-store", "no-cache")
    wrong = client.get(path)
    assert (wrong.status_code, wrong.mimetype) == (405, "application/json")
