"""The endpoints of OAuth by form, and registration: no fault, errors of RFC 6749, no secret told again, no row left."""

import json
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from schemathesis import GenerationMode

from oauth.rules.clients import Profile
from tests.fuzz.calling import MODES, SHORT, Cases, cases_of, sent
from tests.fuzz.verdicts import check_refusal_in_oauth, check_silence
from tests.fuzz.world import World
from tests.oauth import test_registration
from tests.oauth.conftest import patient
from tests.oauth.partner import WEIGHT, Partner, sandbox_client

__all__ = ["patient"]

pytestmark = pytest.mark.hypothesis
WORD = {"type": "string", "maxLength": 40}
GRANTS = ["authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code"]


def one_of(*known: Any) -> dict[str, Any]:
    return {"anyOf": [{"enum": list(known)}, WORD]}


def described(partner: Partner, secrets: list[str], registered: dict[str, Any]) -> dict[str, Any]:
    """The forms of the endpoints, by path; `secrets` are a live refresh token and an access token."""
    asked = {name: one_of(value, "") for name, value in partner.request().items() if value is not None}
    token = {"token": one_of(*secrets), "token_type_hint": one_of("access_token", "refresh_token")}
    forms = {
        "par": {**asked, "request": WORD, "request_uri": WORD, "grant_management_action": one_of("merge", "replace")},
        "token": {
            "grant_type": one_of(*GRANTS),
            **{name: one_of(*secrets) for name in ("code", "refresh_token", "device_code", "client_secret")},
            "scope": one_of("ens:app", "openid offline_access", "patient/*.rs", ""),
            "code_verifier": one_of(partner.verifier),
            "redirect_uri": asked["redirect_uri"],
            "resource": WORD,
        },
        "introspect": token,
        "revoke": token,
        "device_authorization": {"scope": one_of("patient/*.rs"), "authorization_details": WORD},
    }
    paths = {
        f"/oauth/{name}": _posted({"type": "object", "properties": fields}, "application/x-www-form-urlencoded")
        for name, fields in forms.items()
    }
    properties = {name: {"anyOf": [{"enum": [value]}, {}]} for name, value in registered.items()}
    registration = {"type": "object", "properties": properties, "required": ["redirect_uris"]}
    paths["/oauth/register"] = _posted(registration, "application/json")
    return {"openapi": "3.1.0", "info": {"title": "OAuth", "version": "1"}, "paths": paths}


def _posted(schema: dict[str, Any], media_type: str) -> dict[str, Any]:
    body = {"required": True, "content": {media_type: {"schema": schema}}}
    return {"post": {"requestBody": body, "responses": {"200": {"description": "Served"}}}}


@pytest.fixture
def partner(world: World) -> Partner:
    return Partner(world.app, sandbox_client(Profile.SMART))


@pytest.fixture
def secrets(partner: Partner, patient: Any) -> list[str]:
    """What a partner holds and tells nobody but the endpoints."""
    granted = partner.grant(patient, authorization_details=_details())
    return [granted["refresh_token"], granted["access_token"]]


def _details() -> str:
    return json.dumps([{**WEIGHT, "datatypes": ["measures.body-weight"]}])


@pytest.fixture
def cases(world: World, partner: Partner, secrets: list[str]) -> Cases:
    return cases_of(described(partner, secrets, test_registration.metadata()), world.app)


@pytest.mark.parametrize("mode", MODES, ids=str)
@given(data=st.data())
@SHORT
def test_whatever_is_sent_is_answered_in_the_words_of_the_rfc(
    world: World,
    partner: Partner,
    secrets: list[str],
    cases: Cases,
    mode: GenerationMode,
    data: st.DataObject,
) -> None:
    case = data.draw(cases[mode])
    assertion = partner.assertion()
    if isinstance(case.body, dict) and data.draw(st.integers(0, 4)):
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        case.body = {**case.body, "client_assertion_type": kind, "client_assertion": assertion}
    opening = test_registration.opening(world.application_id) if case.path == "/oauth/register" else ""
    headers = {"Authorization": f"Bearer {opening}"} if opening else {}
    before = world.ledger.read()
    answer = sent(case, world.environment(), **headers)
    event(f"{case.path} {answer.status}")
    assert answer.status < 500, answer
    if answer.status >= 400:
        check_refusal_in_oauth(answer)
        check_silence(answer, [*secrets, assertion, opening])
        after = world.ledger.read()
        assert {name for name, (rows, _) in after.items() if rows > before[name][0]} == set()
