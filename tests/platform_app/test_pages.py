"""The pages that belong to no room: public ones answer, homes ask who comes, errors are told in French."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from platform_core.categories import registry
from platform_core.clock import FrozenClock

PUBLIC = ["/", "/developpeurs", "/developpeurs/api", "/accessibilite", "/mentions-legales"]
HOMES = {
    "/espace": "/connexion?suite=/espace",
    "/pro": "/connexion/pro?suite=/pro",
    "/editeur": "/connexion/editeur?suite=/editeur",
    "/instruction": "/connexion/instruction?suite=/instruction",
}


@pytest.mark.parametrize("path", PUBLIC)
def test_a_public_page_answers_anybody_and_may_be_asked_about_again(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert "Démonstrateur, pas un service de l’État" in response.text
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize(("path", "sign_in"), HOMES.items())
def test_a_home_sends_whoever_is_signed_out_to_the_sign_in_of_its_area(
    client: FlaskClient, path: str, sign_in: str
) -> None:
    response = client.get(path)
    assert response.status_code == 303
    assert response.location.replace("%2F", "/") == sign_in
    assert response.headers["Cache-Control"] == "no-store"


def test_each_public_page_has_a_title_of_its_own(client: FlaskClient) -> None:
    titles = [client.get(path).text.partition("<title>")[2].partition("</title>")[0] for path in PUBLIC]
    assert len(set(titles)) == len(PUBLIC)
    assert all(title.endswith(" — Espace numérique de santé") for title in titles)


def test_security_txt_tells_where_to_write_and_until_when(client: FlaskClient, clock: FrozenClock) -> None:
    clock.instant = datetime(2026, 1, 1, tzinfo=UTC)
    fields = dict(line.split(": ", 1) for line in client.get("/.well-known/security.txt").text.splitlines())
    assert fields["Expires"] == "2026-06-30T00:00:00Z"
    assert fields["Contact"].endswith("/mentions-legales#securite")
    assert 'id="securite"' in client.get("/mentions-legales").text


def test_the_developers_page_lists_the_registered_categories(client: FlaskClient) -> None:
    page = client.get("/developpeurs").text
    assert registry.all()
    assert [one.code for one in registry.all() if f'role="rowheader">{one.code}<' not in page] == []


def test_the_interface_page_shows_each_operation_of_the_openapi_document(client: FlaskClient) -> None:
    page = client.get("/developpeurs/api").text
    for path, item in client.get("/api/v1/openapi.json").json["paths"].items():
        for method in item.keys() & {"get", "post", "put", "patch", "delete"}:
            assert f"<code>{method.upper()} {path}</code>" in page


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/rien", 404), ("PUT", "/accessibilite", 405)])
def test_an_error_page_says_what_to_do_and_its_reference(
    client: FlaskClient, method: str, path: str, status: int
) -> None:
    response = client.open(path, method=method, headers={"X-Request-Id": "reference-0001"})
    assert response.status_code == status
    assert "<code>reference-0001</code>" in response.text
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 429, 500, 503])
def test_each_error_page_gives_advice_of_its_own(app: Flask, status: int) -> None:
    with app.test_request_context("/"):
        template = app.jinja_env.get_template("error.html")
        advice = template.render(status=status, title="Titre", message="", request_id="r")
        unknown = template.render(status=599, title="Titre", message="", request_id="r")
    assert advice != unknown


@pytest.mark.browser
@pytest.mark.parametrize("path", PUBLIC)
def test_a_public_page_is_fit_for_everybody(page, assert_accessible, path: str) -> None:
    page.goto(path)
    assert_accessible(page)


@pytest.mark.browser
def test_an_error_page_is_fit_for_everybody(page, assert_accessible) -> None:
    page.goto("/rien")
    assert_accessible(page, status=404)
