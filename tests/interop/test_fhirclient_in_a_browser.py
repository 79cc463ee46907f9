"""fhirclient (npm) in a browser: the standalone launch of an app without a server, from a page of its own origin."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from identity_core.gateway import openid
from identity_core.service.seeding import seed_people
from oauth import service
from platform_app.simulated.people import load_people
from platform_core.database import transaction
from tests.interop.conftest import HERE
from tests.node import MODULES
from tests.oauth.partner import TESTER
from tests.store.conftest import People, bring_to, weight_item

FILES = {
    "/": HERE / "app.html",
    "/launch": HERE / "app.html",
    "/app.js": HERE / "app.js",
    "/fhir-client.pure.js": MODULES / "fhirclient" / "build" / "fhir-client.pure.js",
}

pytestmark = pytest.mark.browser


class _Files(BaseHTTPRequestHandler):
    """The files of the app and of the library, and nothing else."""

    def do_GET(self) -> None:
        file = FILES.get(self.path.partition("?")[0])
        self.send_response(200 if file else 404)
        self.send_header("Content-Type", "text/javascript" if file and file.suffix == ".js" else "text/html")
        self.end_headers()
        self.wfile.write(file.read_bytes() if file else b"")

    def log_message(self, format: str, *args: object) -> None:
        """Keep the output of tests for tests."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The origin of the app."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Files) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def client_id(app: Flask, people: People, site: str) -> str:
    """The public production client of a listed app of the profile smart, which may read weights."""
    item = weight_item("read", category="measures.body-weight")
    application_id, _ = bring_to("listed", people, technical={"profile": "smart"}, data={"items": [item]})
    with transaction():
        seed_people(load_people(), issuer=openid.provider("citizen").issuer_key)
        issued = service.issue_client(application_id=application_id, redirect_uris=[f"{site}/"], jwk=None, by=TESTER)
    return issued.client_id


@pytest.mark.requirement("A17", "SM16", "SM17", "SM48", "SM353", "SM355")
def test_camille_connects_an_app_that_has_no_server(page: Page, live_server: str, site: str, client_id: str) -> None:
    page.goto(f"{site}/launch?{urlencode({'iss': f'{live_server}/fhir', 'client_id': client_id})}")
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name="Camille Durand").click()
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Autoriser").click()
    page.get_by_role("button", name="Confirmer").click()
    page.get_by_role("link", name="Retourner à Balance+").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Connecté")

    outcome = page.evaluate("window.outcome")
    assert UUID(outcome["patient"])
    assert outcome["user"] == f"Patient/{outcome['patient']}"
    assert outcome["types"] == ["Bundle", "Bundle"]
    assert outcome["rotated"] is True
    assert outcome["challenge"] == ["S256"]
    assert "offline_access" in outcome["scope"].split()
