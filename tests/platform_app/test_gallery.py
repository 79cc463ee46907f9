"""Every macro of the shell on one page, in an application made for it: fit for everybody, in each area."""

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import jinja2
import pytest
from flask import Flask, flash, g, render_template
from werkzeug.serving import make_server

from platform_app import pages
from platform_app.errors import init_errors
from platform_app.localisation import init_babel
from platform_app.security import init_security
from platform_app.shell import init_shell
from platform_app.wiring import HOMES
from platform_core import navigation
from platform_core.access import Actor, ActorKind
from platform_core.charts import Chart, Reading, Series, line_chart
from platform_core.config import Config
from platform_core.ids import uuid7
from platform_core.rest import init_rest

NOW = datetime(2026, 11, 21, 13, 5, tzinfo=UTC)


def _chart() -> Chart | None:
    days = [NOW - timedelta(days=5 * number) for number in range(30)]
    upper = [Reading(day, 120 + day.day % 23, f"{120 + day.day % 23} mmHg") for day in days]
    lower = [Reading(one.at, one.value - 45, "") for one in upper]
    return line_chart([Series("Systolique", upper), Series("Diastolique", lower)])


@pytest.fixture(scope="module")
def gallery_app(config: Config) -> Iterator[Flask]:
    app = Flask("platform_app")
    app.config["SECRET_KEY"] = config.secret_key
    init_babel(app)
    init_errors(app)
    init_security(app, config)
    init_rest(app)
    init_shell(app)
    app.register_blueprint(pages.blueprint)
    templates = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    app.jinja_loader = jinja2.ChoiceLoader([app.jinja_loader, templates])

    @app.route("/galerie/<area>", methods=["GET", "POST"])
    def show(area: str) -> str:
        if area != "public":
            child = uuid7() if area == "patient" else None
            actor = Actor(ActorKind.REPRESENTATIVE, uuid7(), "Camille Durand", on_behalf_of=child)
            g.present = SimpleNamespace(actor=actor, patient_name="Léa Durand", patient=None, switches=True)
        flash("Votre choix est enregistré.", "success")
        return render_template("gallery.html", area=area, now=NOW, chart=_chart(), links=lambda page: f"?page={page}")

    own_links = {(link.area, link.endpoint): link for link in HOMES}
    with mock.patch.dict(navigation._links, own_links, clear=True):
        yield app


@pytest.fixture(scope="module")
def gallery(gallery_app: Flask) -> Iterator[str]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen()
        host, port = bound.getsockname()
        server = make_server(host, port, gallery_app, threaded=True, fd=bound.fileno())
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://{host}:{port}/galerie"
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.browser
@pytest.mark.parametrize("area", ["public", "patient", "pro", "publisher", "reviewer"])
def test_every_macro_is_fit_for_everybody_in_each_area(page, gallery: str, assert_accessible, area: str) -> None:
    page.goto(f"{gallery}/{area}")
    assert_accessible(page)


@pytest.mark.browser
def test_two_answers_of_a_decision_weigh_the_same(page, gallery: str) -> None:
    page.goto(f"{gallery}/patient")
    looks = [
        page.get_by_role("button", name=name, exact=True).evaluate(
            "(one) => { const s = getComputedStyle(one), r = one.getBoundingClientRect();"
            " return [s.color, s.backgroundColor, s.borderColor, s.font, r.width, r.height, r.top] }"
        )
        for name in ("Autoriser", "Refuser")
    ]
    assert looks[0] == looks[1]


@pytest.mark.browser
def test_the_menu_stands_open_on_a_wide_screen_and_opens_by_keyboard_on_a_narrow_one(page, gallery: str) -> None:
    page.set_viewport_size({"width": 1200, "height": 800})
    page.goto(f"{gallery}/public")
    links = page.get_by_role("navigation", name="Menu principal").get_by_role("link")
    assert links.first.is_visible()
    page.set_viewport_size({"width": 320, "height": 800})
    assert not links.first.is_visible()
    page.locator("summary", has_text="Menu").press("Enter")
    assert links.first.is_visible()


@pytest.mark.browser
def test_the_first_tab_goes_to_the_link_that_skips_the_menu(page, gallery: str) -> None:
    page.goto(f"{gallery}/patient")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Aller au contenu"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "contenu"


@pytest.mark.browser
def test_every_target_is_at_least_24_pixels_high(page, gallery: str) -> None:
    page.goto(f"{gallery}/patient")
    small = page.evaluate(
        "[...document.querySelectorAll('button, input:not([type=hidden]), select, summary, nav a, li > a')]"
        ".filter(one => { const box = one.getBoundingClientRect(); return box.height && box.height < 24 })"
        ".map(one => one.outerHTML)"
    )
    assert small == []


def test_a_field_ties_its_hint_and_its_error_to_its_input(gallery_app: Flask) -> None:
    page = gallery_app.test_client().get("/galerie/public").text
    assert 'aria-describedby="poids-hint poids-error" aria-invalid="true"' in page
    assert '<label for="poids">' in page
    assert '<p class="ens-error" id="poids-error"><strong>Erreur\u00a0:</strong> Indiquez un poids.</p>' in page


def test_what_people_typed_comes_back_escaped(gallery_app: Flask) -> None:
    assert "&lt;b&gt;oui&lt;/b&gt;</textarea>" in gallery_app.test_client().get("/galerie/public").text


def test_a_form_carries_a_csrf_token_that_its_post_needs(gallery_app: Flask) -> None:
    client = gallery_app.test_client()
    token = client.get("/galerie/public").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    assert client.post("/galerie/public").status_code == 400
    assert client.post("/galerie/public", data={"csrf_token": token}).status_code == 200


def test_who_is_signed_in_and_for_whom_is_said(gallery_app: Flask) -> None:
    page = gallery_app.test_client().get("/galerie/patient").text
    assert "Camille Durand" in page
    assert "<strong>Léa Durand</strong>" in page
    assert 'action="/deconnexion"' in page
