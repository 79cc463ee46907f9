"""SMART App Launch 2.2 from a client's side: a test proves the numbered requirements that its marker names."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import KeySet
from werkzeug.test import TestResponse

from consent.service import lifecycle
from consent.workflow import Answer
from oauth.rules.clients import Profile
from partner_sdk._json import dumps
from partner_sdk._models import Measure
from partner_sdk._observations import to_batch, to_observation
from platform_core import clock as clock_module
from platform_core.access import SYSTEM
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from tests.oauth.partner import Partner, answer_as, query_of, sandbox_client

OBSERVATIONS = "openid fhirUser offline_access launch/patient patient/Observation.rs"
WEIGHTS = "/fhir/Observation?code=29463-7"


def launch(partner: Partner, **changes: Any) -> dict[str, Any]:
    """The parameters of a request by scopes."""
    asked = {"scope": OBSERVATIONS, "authorization_details": None, "aud": f"{partner.issuer}/fhir"}
    return {name: value for name, value in partner.request(**{**asked, **changes}).items() if value is not None}


def connect(partner: Partner, patient: UUID, **changes: Any) -> dict[str, Any]:
    """The token response of a standalone launch that goes through a browser."""
    answer = partner.exchange(query_of(decide(partner, patient, **changes))["code"])
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def decide(partner: Partner, patient: UUID, decision: Answer = Answer.GRANT, **changes: Any) -> str:
    """Where the browser is sent once the patient has answered."""
    browser = partner.app.test_client()
    stored = browser.get("/oauth/authorize", query_string=launch(partner, **changes))
    question = browser.get(stored.headers["Location"]).headers["Location"]
    resumed = browser.get(answer_as(patient, UUID(question.rsplit("/", 1)[1]), decision))
    assert resumed.status_code == 303
    return resumed.headers["Location"]


@pytest.fixture
def configuration(client: FlaskClient) -> dict[str, Any]:
    return dict(client.get("/fhir/.well-known/smart-configuration").json)


@pytest.mark.requirement("SM30", "SM228", "SM372", "SM373", "SM374", "SM376", "SM377", "SM380")
@pytest.mark.parametrize("accept", [None, "application/fhir+xml", "text/html"])
def test_the_configuration_is_json_at_the_fhir_base(client: FlaskClient, accept: str | None) -> None:
    headers = {"Accept": accept} if accept else {}
    answer = client.get("/fhir/.well-known/smart-configuration", headers=headers)
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert {"authorization_endpoint", "token_endpoint", "capabilities"} <= set(answer.json)


@pytest.mark.requirement("SM378", "SM381", "SM382", "SM383", "SM385", "SM390", "SM391", "SM392", "SM99", "SM269")
def test_its_addresses_are_absolute(configuration: dict[str, Any]) -> None:
    addresses = {name: value for name, value in configuration.items() if name.endswith(("_endpoint", "_uri", "issuer"))}
    named = {"issuer", "jwks_uri", "authorization_endpoint", "token_endpoint", "management_endpoint"}
    assert {*named, "introspection_endpoint", "revocation_endpoint"} <= set(addresses)
    assert all(value.startswith(configuration["issuer"]) for value in addresses.values())


@pytest.mark.requirement(
    "SM14", "SM15", "SM285", "SM286", "SM287", "SM288", "SM289", "SM384", "SM386", "SM389", "SM393", "SM394"
)
def test_its_lists_say_what_is_supported(configuration: dict[str, Any]) -> None:
    assert configuration["code_challenge_methods_supported"] == ["S256"]
    assert {"authorization_code", "client_credentials"} <= set(configuration["grant_types_supported"])
    assert configuration["response_types_supported"] == ["code"]
    assert "private_key_jwt" in configuration["token_endpoint_auth_methods_supported"]
    assert {"RS384", "ES384"} <= set(configuration["token_endpoint_auth_signing_alg_values_supported"])
    assert {"openid", "fhirUser", "launch/patient", "offline_access"} <= set(configuration["scopes_supported"])


@pytest.mark.requirement("SM126", "SM346", "SM348")
def test_its_capabilities_are_those_of_patient_access_for_standalone_apps(configuration: dict[str, Any]) -> None:
    needed = {"launch-standalone", "client-public", "context-standalone-patient", "permission-patient"}
    assert needed <= set(configuration["capabilities"])
    assert set(configuration["capabilities"]) == needed | {
        "client-confidential-asymmetric",
        "sso-openid-connect",
        "permission-offline",
        "permission-user",
        "permission-v2",
        "permission-v1",
        "authorize-post",
    }


@pytest.mark.requirement("SM18", "SM24", "SM316", "oidcc-ensure-registered-redirect-uri")
def test_an_address_is_registered_before_it_is_used(public: Partner) -> None:
    assert public.client.client_id
    refused = public.http.get("/oauth/authorize", query_string=launch(public, redirect_uri="https://attaque.fr/"))
    assert (refused.status_code, refused.headers.get("Location")) == (400, None)


@pytest.mark.requirement("SM27", "SM53", "SM55", "SM56", "SM57", "SM58", "SM59")
def test_a_grant_sends_the_browser_back_with_a_short_lived_code_and_the_state(
    public: Partner, patient: UUID, clock: FrozenClock
) -> None:
    address = decide(public, patient, state="  a/b?c=d&é ")
    assert address.startswith(public.client.redirect_uris[0] + "?")
    answer = query_of(address)
    assert (answer["state"], set(answer)) == ("  a/b?c=d&é ", {"code", "state", "iss"})
    clock.move(seconds=61)
    assert public.exchange(answer["code"]).json["error"] == "invalid_grant"


@pytest.mark.requirement("SM27", "SM54")
def test_a_denial_sends_the_browser_back_with_an_error(public: Partner, patient: UUID) -> None:
    answer = query_of(decide(public, patient, Answer.REFUSE))
    assert (answer["error"], "code" in answer) == ("access_denied", False)


@pytest.mark.requirement("SM31")
@pytest.mark.parametrize("verifier", [None, "A" * 43])
def test_the_verifier_is_asked_of_every_client(
    public: Partner, smart: Partner, patient: UUID, verifier: str | None
) -> None:
    for partner in (public, smart):
        code = query_of(decide(partner, patient))["code"]
        assert partner.exchange(code, code_verifier=verifier).status_code == 400


@pytest.mark.requirement("SM49", "SM354", "oidcc-ensure-post-request-succeeds")
def test_the_request_may_come_by_post(public: Partner, patient: UUID) -> None:
    browser = public.app.test_client()
    stored = browser.post("/oauth/authorize", data=launch(public))
    question = browser.get(stored.headers["Location"]).headers["Location"]
    path = answer_as(patient, UUID(question.rsplit("/", 1)[1]), Answer.GRANT)
    assert "code" in query_of(browser.get(path).headers["Location"])


@pytest.mark.requirement(
    *("SM73", "SM74", "SM75", "SM76", "SM78", "SM81", "SM82", "SM84", "SM85", "SM86", "SM87", "SM88", "SM89"),
    *("SM91", "SM134", "SM353", "SM355", "SM365"),
)
def test_the_token_response_of_a_public_client(public: Partner, patient: UUID) -> None:
    answer = public.exchange(query_of(decide(public, patient))["code"])
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    body = answer.json
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 600)
    assert 20 < len(body["access_token"]) < 200
    assert body["access_token"].isascii() and body["access_token"].isprintable()
    assert {"offline_access", "launch/patient"} <= set(body["scope"].split())
    assert body["refresh_token"] and body["authorization_details"]


@pytest.mark.requirement("SM73", "SM251", "SM252")
def test_a_denial_of_the_token_endpoint_is_json_too(public: Partner) -> None:
    answer = public.exchange("inventé")
    assert (answer.status_code, answer.mimetype) == (400, "application/json")
    assert answer.json["error"] == "invalid_grant"
    assert answer.json["error_description"]


@pytest.mark.requirement(
    *("SM136", "SM149", "SM164", "SM165", "SM167", "SM168", "SM169", "SM170", "SM363", "SM367"),
)
@pytest.mark.parametrize("scope", ["launch/patient patient/Observation.rs", "patient/Observation.rs"])
def test_the_patient_comes_with_the_token(smart: Partner, patient: UUID, scope: str) -> None:
    body = connect(smart, patient, scope=scope)
    assert isinstance(body["patient"], str)
    assert smart.call("GET", f"{WEIGHTS}&patient={body['patient']}", body["access_token"]).status_code == 200
    refused = smart.call("GET", f"{WEIGHTS}&patient={patient}", body["access_token"])
    assert refused.json["issue"][0]["details"]["coding"][0]["code"] == "patient-mismatch"


@pytest.mark.requirement("SM197", "SM198", "SM200", "SM203", "SM205", "SM207", "SM209", "SM210", "SM214", "SM80")
@pytest.mark.requirement(
    "SM358", "oidcc-server", "oidcc-idtoken-rs256", "oidcc-idtoken-signature", "oidcc-userinfo-get"
)
def test_an_id_token_says_who_signed_in(smart: Partner, patient: UUID) -> None:
    body = connect(smart, patient)
    published = smart.http.get("/oauth/jwks").json
    assert all({"kty", "kid", "alg"} <= set(key) and "x5c" not in key for key in published["keys"])
    token = jwt.decode(body["id_token"], KeySet.import_key_set(published), algorithms=["RS256"])
    assert token.claims["fhirUser"].startswith(f"{smart.issuer}/fhir/")
    kind, identifier = token.claims["fhirUser"].rsplit("/", 2)[1:]
    assert kind in {"Patient", "RelatedPerson"}
    assert UUID(identifier)
    told = smart.call("GET", "/oauth/userinfo", body["access_token"]).json
    assert told == {"sub": token.claims["sub"], "fhirUser": token.claims["fhirUser"]}


@pytest.mark.requirement("SM79", "SM145", "SM259", "SM260")
def test_the_scope_granted_may_be_less_than_the_one_asked(smart: Partner, patient: UUID) -> None:
    body = connect(smart, patient, scope="launch/patient patient/Observation.cruds")
    granted = body["scope"].split()
    assert "patient/Observation.cruds" not in granted
    assert all(scope == "launch/patient" or scope.startswith("patient/Observation.") for scope in granted)


@pytest.mark.requirement("SM144", "SM370")
def test_a_wildcard_reaches_every_type_that_is_served(smart: Partner, patient: UUID) -> None:
    of_all = connect(smart, patient, scope="patient/*.rs")
    of_one = connect(smart, patient, scope="patient/Observation.rs")
    every, one = (
        {code for detail in body["authorization_details"] for code in detail["datatypes"]} for body in (of_all, of_one)
    )
    assert {"measures.body-weight", "oauthtest.weight"} <= every
    assert one < every
    assert "measures.body-weight" in one


@pytest.mark.requirement("SM370")
def test_a_granular_scope_reaches_what_its_query_says(smart: Partner, patient: UUID) -> None:
    one = connect(smart, patient, scope="patient/Observation.rs?code=http://loinc.org|29463-7")
    (detail,) = one["authorization_details"]
    assert (detail["datatypes"], detail["actions"]) == (["measures.body-weight"], ["read"])
    assert smart.call("GET", WEIGHTS, one["access_token"]).status_code == 200
    refused = smart.call("GET", "/fhir/Observation?code=8867-4", one["access_token"])
    assert (refused.status_code, refused.json["issue"][0]["details"]["coding"][0]["code"]) == (
        403,
        "consent-not-given",
    )


@pytest.mark.requirement("SM128", "SM369")
@pytest.mark.parametrize(("older", "newer"), [("read", "rs"), ("write", "cud"), ("*", "cruds")])
def test_scopes_of_version_1_mean_those_of_version_2(smart: Partner, patient: UUID, older: str, newer: str) -> None:
    first = connect(smart, patient, scope=f"patient/Observation.{older}")["authorization_details"]
    second = connect(smart, patient, scope=f"patient/Observation.{newer}")["authorization_details"]
    assert first == second


@pytest.mark.requirement("SM129")
@pytest.mark.parametrize("verbs", ["", "sr", "x", "rsx", "rr"])
def test_interactions_out_of_order_or_unknown_are_refused(public: Partner, verbs: str) -> None:
    answer = public.http.get("/oauth/authorize", query_string=launch(public, scope=f"patient/Observation.{verbs}"))
    assert query_of(answer.headers["Location"])["error"] == "invalid_scope"


@pytest.mark.requirement("SM96")
@pytest.mark.parametrize("aud", [None, "https://autre.exemple.fr/fhir", "the issuer"])
def test_the_audience_is_this_fhir_base(public: Partner, aud: str | None) -> None:
    given = public.issuer if aud == "the issuer" else aud
    answer = public.http.get("/oauth/authorize", query_string=launch(public, aud=given))
    assert query_of(answer.headers["Location"])["error"] == "invalid_request"


@pytest.mark.requirement("SM77", "SM94", "SM265")
def test_an_expired_token_is_not_accepted(smart: Partner, patient: UUID, clock: FrozenClock) -> None:
    body = connect(smart, patient)
    clock.move(seconds=599)
    assert smart.call("GET", WEIGHTS, body["access_token"]).status_code == 200
    clock.move(seconds=2)
    assert smart.call("GET", WEIGHTS, body["access_token"]).status_code == 401


@pytest.mark.requirement("SM95", "SM138", "SM243", "SM244", "SM247", "SM266")
def test_a_call_beyond_the_scope_fails_at_once(smart: Partner, patient: UUID) -> None:
    token = connect(smart, patient, scope="patient/Observation.rs")["access_token"]
    assert smart.call("POST", "/fhir/Observation", token, json={"resourceType": "Observation"}).status_code >= 400
    assert smart.call("GET", "/fhir/DocumentReference", token).status_code in {403, 404}
    assert smart.call("GET", "/fhir/Practitioner", token).status_code == 404
    assert smart.http.get(WEIGHTS).status_code == 401


@pytest.mark.requirement("SM119")
def test_the_patients_pause_stands_above_the_scopes(smart: Partner, patient: UUID) -> None:
    body = connect(smart, patient)
    with transaction(patient_id=patient):
        lifecycle.pause_consent(patient_id=patient, grant_id=UUID(body["grant_id"]), by=SYSTEM)
    assert smart.call("GET", WEIGHTS, body["access_token"]).status_code == 403


@pytest.mark.requirement("SM130")
def test_each_entry_of_a_batch_is_checked(smart: Partner, patient: UUID) -> None:
    body = connect(smart, patient, scope="patient/Observation.c?code=http://loinc.org|29463-7")
    kept, wrong = measure(body, "body-weight", 72, "kg"), {**measure(body, "body-weight", 72, "kg"), "status": None}
    codes = [entry["response"]["status"][:3] for entry in send(smart, body, [kept, wrong]).json["entry"]]
    assert codes == ["201", "422"]
    assert send(smart, body, [kept, measure(body, "heart-rate", 64, "/min")]).status_code == 403


def send(partner: Partner, grant: dict[str, Any], resources: list[dict[str, Any]]) -> TestResponse:
    """Write a batch of resources."""
    content = {"data": dumps(to_batch(resources)), "content_type": "application/fhir+json"}
    return partner.call("POST", "/fhir", grant["access_token"], **content)


def measure(grant: dict[str, Any], kind: str, value: int, unit: str) -> dict[str, Any]:
    taken = Measure(kind=kind, value=value, unit=unit, at=clock_module.now() - timedelta(hours=1))
    return dict(to_observation(taken, patient=grant["patient"]))


@pytest.mark.requirement("SM101", "SM109", "SM110", "SM111", "SM112", "SM113", "SM114", "SM116", "SM118", "SM365")
@pytest.mark.requirement("oidcc-refresh-token", "oidcc-ensure-request-with-valid-pkce-succeeds")
def test_a_refresh_gives_the_same_again(public: Partner, patient: UUID, clock: FrozenClock) -> None:
    body = connect(public, patient)
    clock.move(days=20)
    again = public.refresh(body["refresh_token"]).json
    assert again["access_token"] != body["access_token"]
    assert again["refresh_token"] != body["refresh_token"]
    for name in ("token_type", "expires_in", "scope", "patient"):
        assert again[name] == body[name]
    assert public.call("GET", WEIGHTS, again["access_token"]).status_code == 200


@pytest.mark.requirement("SM102", "SM103", "SM104", "SM115")
def test_a_refresh_may_ask_less_and_never_more(smart: Partner, public: Partner, patient: UUID) -> None:
    body = connect(smart, patient)
    less = next(scope for scope in body["scope"].split() if scope.startswith("patient/"))
    assert smart.refresh(body["refresh_token"], scope=less).json["scope"] == less
    assert smart.refresh(body["refresh_token"], scope="patient/*.cruds").json["error"] == "invalid_scope"
    assert public.refresh(body["refresh_token"]).json["error"] == "invalid_grant"


@pytest.mark.requirement(
    "SM271", "SM272", "SM273", "SM274", "SM275", "SM276", "SM277", "SM278", "SM279", "SM280", "SM281"
)
def test_introspection_says_what_the_token_response_said(smart: Partner, patient: UUID, clock: FrozenClock) -> None:
    body = connect(smart, patient)
    token = jwt.decode(
        body["id_token"], KeySet.import_key_set(smart.http.get("/oauth/jwks").json), algorithms=["RS256"]
    )
    said = smart.post("/oauth/introspect", {"token": body["access_token"]}).json
    assert said["active"] is True
    assert (said["scope"], said["client_id"]) == (body["scope"], smart.client.client_id)
    assert said["exp"] == int(clock_module.now().timestamp()) + body["expires_in"]
    assert said["patient"] == body["patient"]
    assert (said["iss"], said["sub"]) == (token.claims["iss"], token.claims["sub"])
    assert said["fhirUser"] == token.claims["fhirUser"]
    clock.move(seconds=601)
    assert smart.post("/oauth/introspect", {"token": body["access_token"]}).json == {"active": False}
    anonymous = smart.http.post("/oauth/introspect", data={"token": body["access_token"]})
    assert anonymous.json["error"] == "invalid_client"


@pytest.mark.requirement(
    *("SM240", "SM241", "SM248", "SM249", "SM250", "SM253", "SM254", "SM255", "SM256", "SM258", "SM261", "SM310"),
    *("SM335", "SM357"),
)
def test_an_app_is_given_what_was_allowed_beforehand(smart: Partner) -> None:
    answer = smart.post("/oauth/token", {"grant_type": "client_credentials", "scope": "ens:app"})
    assert answer.status_code == 200
    assert set(answer.json) == {"access_token", "token_type", "expires_in", "scope"}
    assert (answer.json["token_type"], answer.json["scope"]) == ("Bearer", "ens:app")
    assert answer.json["expires_in"] <= 600
    refused = smart.post("/oauth/token", {"grant_type": "client_credentials", "scope": "system/Observation.rs"})
    assert (refused.status_code, refused.json["error"]) == (400, "invalid_scope")
    assert smart.call("GET", WEIGHTS, answer.json["access_token"]).status_code == 401


@pytest.mark.requirement("SM311", "SM326", "SM337", "SM340")
def test_an_assertion_is_its_clients_own(smart: Partner, patient: UUID) -> None:
    form = {"grant_type": "client_credentials", "scope": "ens:app"}
    stranger = Partner(smart.app, sandbox_client(Profile.SMART))
    for assertion in (
        smart.assertion(iss=stranger.client.client_id),
        smart.assertion(iss="inconnu", sub="inconnu"),
        smart.assertion(key=stranger.credentials.key),
    ):
        refused = smart.post("/oauth/token", {**form, "client_assertion": assertion})
        assert (refused.status_code, refused.json["error"]) == (401, "invalid_client")
    assert smart.post("/oauth/token", form).status_code == 200
