"""Signing out at an app's request, and telling the apps of a sign-in that it is over."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from werkzeug.test import TestResponse

from consent.workflow import Answer
from identity_core.sessions import SignIn, Slot
from oauth import service
from oauth.tasks import tell_logout
from platform_core import clock, outbound
from platform_core.database import transaction
from platform_core.errors import Invalid, Unavailable
from tests.oauth.partner import TESTER, Partner, answer_as, open_in, query_of, signed
from tests.signing_in import remember, submit

GOODBYE, TOLD = "https://balance.exemple.fr/au-revoir", "https://balance.exemple.fr/deconnexion"
RP = "oidcc-rp-initiated-logout"
PERSON = uuid4()
MODULES = ["oidcc-backchannel-rp-initiated-logout", "oidcc-backchannel-logout-discovery-endpoint-verification"]


@pytest.fixture
def partner(partner: Partner) -> Partner:
    """With an address to go on to, and one where it is told."""
    with transaction():
        service.register_logout(
            client_pk=partner.client.pk,
            post_logout_redirect_uris=[GOODBYE],
            backchannel_logout_uri=TOLD,
            by=TESTER,
        )
    return partner


@pytest.fixture
def browser(client: FlaskClient, patient: UUID) -> FlaskClient:
    """Signed in as a citizen and as an agent."""
    remember(client, Slot.CITIZEN, SignIn(PERSON, "Camille", "eidas2", clock.now(), "", patient, session_id=uuid4()))
    remember(client, Slot.AGENT, SignIn(uuid4(), "Alice", "eidas1", clock.now()))
    return client


@pytest.fixture
def id_token(browser: FlaskClient, partner: Partner, patient: UUID) -> str:
    """What the partner was given during that sign-in, by that person."""
    path = answer_as(patient, open_in(browser, partner), Answer.GRANT, person_id=PERSON)
    return str(partner.exchange(query_of(browser.get(path).headers["Location"])["code"]).json["id_token"])


def leave(browser: FlaskClient, **parameters: str) -> TestResponse:
    return browser.get("/oauth/end_session", query_string=parameters)


def slots(browser: FlaskClient) -> set[str]:
    with browser.session_transaction() as session:
        return {name for name in session if name.startswith("sign_in.")}


def claims_of(partner: Partner, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    keys = KeySet.import_key_set(partner.http.get("/oauth/jwks").json)
    decoded = jwt.decode(token, keys, algorithms=["ES256", "RS256"])
    return decoded.header, decoded.claims


@pytest.mark.requirement("A16.logout", RP)
def test_a_sure_hint_signs_the_citizen_out_and_goes_back(browser: FlaskClient, id_token: str) -> None:
    answer = leave(browser, id_token_hint=id_token, post_logout_redirect_uri=GOODBYE, state="à bientôt")
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{GOODBYE}?state=%C3%A0+bient%C3%B4t"
    assert slots(browser) == {"sign_in.agent"}


@pytest.mark.requirement("A16.logout", f"{RP}-no-state", f"{RP}-no-post-logout-redirect-uri")
@pytest.mark.parametrize(("uri", "sent"), [(GOODBYE, GOODBYE), ("", "/deconnexion/faite")])
def test_state_and_address_may_be_left_out(browser: FlaskClient, id_token: str, uri: str, sent: str) -> None:
    answer = leave(browser, id_token_hint=id_token, post_logout_redirect_uri=uri)
    assert answer.headers["Location"] == sent
    assert slots(browser) == {"sign_in.agent"}


def modified(token: str) -> str:
    header, payload, signature = token.split(".")
    return f"{header}.{payload}.{'A' * len(signature)}"


def unsigned(token: str) -> str:
    return signed({"alg": "none"}, {"sub": "x"}, ECKey.generate_key("P-256")).rpartition(".")[0] + "."


@pytest.mark.requirement(
    "A16.logout",
    f"{RP}-bad-id-token-hint",
    f"{RP}-modified-id-token-hint",
    f"{RP}-bad-post-logout-redirect-uri",
    f"{RP}-query-added-to-post-logout-redirect-uri",
    f"{RP}-no-id-token-hint",
    f"{RP}-no-params",
    f"{RP}-only-state",
)
@pytest.mark.parametrize(
    ("hint", "others"),
    [
        (modified, {"post_logout_redirect_uri": GOODBYE}),
        (unsigned, {"post_logout_redirect_uri": GOODBYE}),
        (lambda _: "pas un jeton", {"post_logout_redirect_uri": GOODBYE}),
        (str, {"post_logout_redirect_uri": "https://mal.exemple.fr/"}),
        (str, {"post_logout_redirect_uri": f"{GOODBYE}?foo=bar"}),
        (str, {"post_logout_redirect_uri": GOODBYE, "client_id": "un-autre"}),
        (None, {"post_logout_redirect_uri": GOODBYE}),
        (None, {"state": "x"}),
        (None, {}),
    ],
    ids=["modified", "alg none", "not a token", "unregistered", "query added", "other client", "no hint", "state", "-"],
)
def test_without_a_sure_hint_the_person_is_asked_and_nobody_redirected(
    browser: FlaskClient, id_token: str, hint: Callable[[str], str] | None, others: dict[str, str]
) -> None:
    given = {"id_token_hint": hint(id_token)} if hint else {}
    answer = leave(browser, **given, **others)
    assert (answer.status_code, "Location" in answer.headers) == (200, False)
    assert "sign_in.citizen" in slots(browser)
    confirmed = submit(browser, "/oauth/end_session/confirmer", page="/oauth/end_session")
    assert confirmed.headers["Location"] == "/deconnexion/faite"
    assert slots(browser) == {"sign_in.agent"}


@pytest.mark.requirement("A16.logout")
def test_somebody_else_is_not_signed_out_unasked(browser: FlaskClient, id_token: str, patient: UUID) -> None:
    remember(browser, Slot.CITIZEN, SignIn(uuid4(), "Autre", "eidas2", clock.now(), "", patient))
    assert leave(browser, id_token_hint=id_token, post_logout_redirect_uri=GOODBYE).status_code == 200
    assert "sign_in.citizen" in slots(browser)


def test_a_form_of_the_app_leads_to_the_same_page(browser: FlaskClient, id_token: str) -> None:
    form = {"id_token_hint": id_token, "post_logout_redirect_uri": GOODBYE}
    answer = browser.post("/oauth/end_session", data=form, follow_redirects=False)
    assert browser.get(answer.headers["Location"]).headers["Location"] == GOODBYE


def ended(owner: sa.Engine) -> list[UUID]:
    with owner.connect() as connection:
        return list(connection.scalars(sa.text("SELECT id FROM oauth_login WHERE ended_at IS NOT NULL")))


@pytest.mark.requirement("A16.logout", *MODULES)
def test_the_app_is_told_by_a_logout_token(
    browser: FlaskClient, partner: Partner, id_token: str, owner: sa.Engine
) -> None:
    _, known = claims_of(partner, id_token)
    leave(browser, id_token_hint=id_token)
    (login,) = ended(owner)
    with transaction():
        uri, token = service.prepare_logout(login) or ("", "")
    header, claims = claims_of(partner, token)
    assert (uri, header["typ"]) == (TOLD, "logout+jwt")
    assert {name: claims[name] for name in ("iss", "aud", "sub", "sid")} == {
        name: known[name] for name in ("iss", "aud", "sub", "sid")
    }
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert {"iat", "exp", "jti"} <= set(claims)
    assert "nonce" not in claims
    discovered = partner.http.get("/.well-known/openid-configuration").json
    assert discovered["end_session_endpoint"] == f"{partner.issuer}/oauth/end_session"
    assert discovered["backchannel_logout_supported"] is discovered["backchannel_logout_session_supported"] is True


@pytest.mark.requirement("A16.logout")
def test_signing_out_of_the_space_tells_it_too(
    app: Flask, browser: FlaskClient, partner: Partner, id_token: str, owner: sa.Engine
) -> None:
    submit(browser, "/deconnexion", {"area": "patient"}, page="/oauth/end_session")
    assert len(ended(owner)) == 1


@pytest.fixture
def app_site(monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    """The site of an app, on this machine: it keeps the bodies that it is posted, and fails the first time."""
    server = HTTPServer(("127.0.0.1", 0), _AppSite)
    server.bodies = []  # type: ignore[attr-defined]
    monkeypatch.setattr(outbound, "_trusted_origins", lambda: {("127.0.0.1", server.server_port)})
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class _AppSite(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        bodies = self.server.bodies  # type: ignore[attr-defined]
        bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(503 if len(bodies) == 1 else 200)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Silent."""


@pytest.mark.requirement("A16.logout")
def test_an_app_that_fails_is_told_again(
    browser: FlaskClient, partner: Partner, id_token: str, owner: sa.Engine, app_site: HTTPServer
) -> None:
    address = f"http://127.0.0.1:{app_site.server_port}/deconnexion"
    with transaction():
        service.register_logout(
            client_pk=partner.client.pk, post_logout_redirect_uris=[], backchannel_logout_uri=address, by=TESTER
        )
    leave(browser, id_token_hint=id_token)
    (login,) = ended(owner)
    with pytest.raises(Unavailable):
        tell_logout(str(login))
    tell_logout(str(login))
    bodies = app_site.bodies  # type: ignore[attr-defined]
    assert [list(parse_qs(body)) for body in bodies] == [["logout_token"], ["logout_token"]]


@pytest.mark.parametrize(
    "uri", ["http://balance.exemple.fr/x", "https://balance.exemple.fr/#x", "https://a@balance.exemple.fr/", "x"]
)
def test_an_app_is_told_over_https_alone(partner: Partner, uri: str) -> None:
    with pytest.raises(Invalid), transaction():
        service.register_logout(
            client_pk=partner.client.pk, post_logout_redirect_uris=[], backchannel_logout_uri=uri, by=TESTER
        )
