"""response_mode=form_post (OAuth 2.0 Form Post Response Mode 1.0): the answer travels in a form, not in an address."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Page, Route, expect
from werkzeug.test import TestResponse

from consent.workflow import Answer
from oauth.rules.clients import Profile
from tests.oauth.partner import CALLBACK, Partner, answer_as, open_in, query_of, sandbox_client


@pytest.fixture
def visitor(app: Flask) -> Iterator[FlaskClient]:
    with app.test_client() as visitor:
        yield visitor


def posted(page: TestResponse) -> tuple[str, dict[str, str]]:
    """Where the form of a page goes, and what it holds."""
    form = re.search(r'<form id="form-post" action="([^"]*)" method="post">(.*?)</form>', page.text, re.DOTALL)
    assert form
    fields = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form[2])
    assert '<button class="ens-button ens-button-primary" type="submit">' in form[2]
    return unescape(form[1]), {name: unescape(value) for name, value in fields}


@pytest.mark.requirement("A5.1")
@pytest.mark.parametrize(
    ("decision", "names"), [(Answer.GRANT, {"code", "state", "iss"}), (Answer.REFUSE, {"error", "state", "iss"})]
)
def test_the_answer_is_a_form_that_only_this_app_may_get(
    visitor: FlaskClient, partner: Partner, patient: UUID, decision: Answer, names: set[str]
) -> None:
    page = visitor.get(answer_as(patient, open_in(visitor, partner, response_mode="form_post"), decision))
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    action, fields = posted(page)
    assert (action, set(fields)) == (CALLBACK, names)
    assert (fields["state"], fields["iss"]) == ("état-42", partner.issuer)
    policy = page.headers["Content-Security-Policy"].split("; ")
    assert "form-action https://balance.exemple.fr https:" in policy
    assert {"default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "csrf_token" not in page.text
    if decision is Answer.GRANT:
        assert partner.exchange(fields["code"]).status_code == 200


def test_the_policy_of_other_pages_lets_no_form_go_to_the_app(
    visitor: FlaskClient, partner: Partner, patient: UUID
) -> None:
    visitor.get(answer_as(patient, open_in(visitor, partner, response_mode="form_post"), Answer.GRANT))
    assert "balance.exemple.fr" not in visitor.get("/").headers["Content-Security-Policy"]


@pytest.mark.requirement("A1.4")
def test_an_error_of_the_request_is_told_in_the_mode_that_it_names(public: Partner) -> None:
    wrong = {"response_mode": "form_post", "response_type": "token", "state": '"><script>'}
    parameters = {name: value for name, value in public.request(**wrong).items() if value is not None}
    action, fields = posted(public.http.get("/oauth/authorize", query_string=parameters))
    assert (action, fields["error"], fields["state"]) == (CALLBACK, "unsupported_response_type", '"><script>')
    parameters["redirect_uri"] = "https://evil.exemple.fr/"
    assert "evil" not in public.http.get("/oauth/authorize", query_string=parameters).text


@pytest.mark.parametrize("mode", ["fragment", "query.jwt", "web_message", "x"])
def test_an_unknown_mode_is_told_in_the_query(public: Partner, mode: str) -> None:
    parameters = {name: value for name, value in public.request(response_mode=mode).items() if value is not None}
    answer = public.http.get("/oauth/authorize", query_string=parameters)
    assert answer.status_code == 303
    assert query_of(answer.headers["Location"])["error"] == "invalid_request"


def test_a_native_apps_own_scheme_takes_no_form(app: Flask) -> None:
    native = Partner(app, sandbox_client(Profile.SMART, public=True, callback="fr.exemple.balance:/retour"))
    asked: dict[str, Any] = {"authorization_details": None, "scope": "patient/OauthTest.rs"}
    assert native.push(**asked, response_mode="form_post").json["error"] == "invalid_request"
    assert native.push(**asked, response_mode="query").status_code == 201


@pytest.mark.browser
@pytest.mark.parametrize("scripted", [True, False], ids=["by itself", "by its button"])
def test_the_form_leaves_for_the_app(
    page: Page, public: Partner, assert_accessible: Callable[..., None], scripted: bool
) -> None:
    arrived: list[str] = []

    def answer(route: Route) -> None:
        arrived.append(f"{route.request.method} {route.request.post_data}")
        route.fulfill(content_type="text/html", body="<!doctype html><title>Balance+</title><h1>Bienvenue</h1>")

    page.route("https://balance.exemple.fr/**", answer)
    if not scripted:
        page.route("**/form_post.js*", lambda route: route.fulfill(content_type="text/javascript", body=""))
    wrong = public.request(response_mode="form_post", response_type="token", authorization_details=None)
    page.goto("/oauth/authorize?" + urlencode({name: value for name, value in wrong.items() if value}))
    if not scripted:
        assert_accessible(page)
        page.get_by_role("button", name="Continuer vers l’application").click()
    expect(page.get_by_role("heading", name="Bienvenue")).to_be_visible()
    (told,) = arrived
    assert told.startswith("POST error=unsupported_response_type")
