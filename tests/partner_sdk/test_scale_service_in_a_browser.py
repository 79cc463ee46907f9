"""The pages of the example in a real browser: everybody can use them."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import scale_service
from playwright.sync_api import Page
from werkzeug.serving import make_server

from partner_sdk import PartnerClient
from tests.browser import leave

from .conftest import CALLBACK, ISSUER, FakePlatform
from .test_scale_service import CONSENT, accept_all, weight

pytestmark = pytest.mark.browser


@pytest.fixture
def address(connect: Callable[..., PartnerClient], platform: FakePlatform, tmp_path: Path) -> Iterator[str]:
    """The service on a port of this machine, in front of the small platform."""
    platform.routes["/api/v1/consent"] = lambda _: (200, CONSENT)
    platform.routes["/fhir"] = accept_all
    platform.routes["/fhir/Observation"] = lambda _: (200, {"entry": [{"resource": weight("72.40")}]})
    app = scale_service.create_app({}, state=tmp_path / "balance.json", client=connect())
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_each_page_is_accessible(
    page: Page, assert_accessible: Callable[..., None], address: str, platform: FakePlatform
) -> None:
    page.goto(address)
    assert_accessible(page)
    assert leave(page, page.get_by_role("button", name="Connecter mon espace santé"), f"{ISSUER}/*")
    answer = f"code=code-1&iss={ISSUER}&state={platform.pushed['state']}"
    page.goto(f"{address}{CALLBACK.removeprefix('https://balance.example')}?{answer}")
    assert_accessible(page)
    page.get_by_role("button", name="Importer mes mesures").click()
    assert "transmises" in page.get_by_role("status").inner_text()
    assert_accessible(page)
    page.get_by_role("button", name="Relire mes mesures").click()
    assert page.get_by_role("cell", name="72,40 kg").is_visible()
    assert_accessible(page)
