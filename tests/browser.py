"""A real headless Chromium, and the check that each page seen in it is fit for everybody."""

import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, Request, Response, sync_playwright

from platform_app.chromium import find_chromium

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
]


# Of the rules that hold, axe need not describe each element.
_OPTIONS = {"resultTypes": ["violations"]}


class Watch:
    """What went wrong while a page loaded its present document."""

    def __init__(self, page: Page) -> None:
        self.status = 0
        self.faults: list[str] = []
        self._page = page
        page.on("response", self._on_response)
        page.on("console", lambda said: said.type == "error" and self.faults.append(f"console: {said.text}"))
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("requestfailed", self._on_failure)

    def _on_failure(self, request: Request) -> None:
        """A page that is left while it loads gives up what it asked for: no fault of the page after it."""
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"failed: {request.url} ({request.failure})")

    def _on_response(self, response: Response) -> None:
        request = response.request
        if request.is_navigation_request() and request.frame == self._page.main_frame:
            self.status, self.faults[:] = response.status, []
        elif response.status >= 400:
            self.faults.append(f"{response.status}: {response.url}")
        address = urlsplit(response.url)
        # The browser's own reader of PDF comes from within it.
        if address.scheme != "chrome-extension" and address.hostname not in ("127.0.0.1", "localhost"):
            self.faults.append(f"elsewhere: {response.url}")


_watches: dict[Page, Watch] = {}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium, the machine's own."""
    path = find_chromium()
    if path is None:
        pytest.fail("No Chromium on this machine: `make test` installs it.", pytrace=False)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def new_page(browser: Browser, live_server: str) -> Iterator[Callable[..., Page]]:
    """Opens a page with cookies of its own: one for each person of a story. Its options are those of the context."""
    contexts = []

    def open_page(**options: Any) -> Page:
        context = browser.new_context(
            base_url=live_server, locale="fr-FR", timezone_id="Europe/Paris", reduced_motion="reduce", **options
        )
        context.set_default_timeout(float(os.environ.get("ENS_TEST_BROWSER_TIMEOUT", "15000")))
        contexts.append(context)
        page = context.new_page()
        _watches[page] = Watch(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    _watches.clear()


@pytest.fixture
def page(new_page: Callable[[], Page]) -> Page:
    """A page of the browser on the live application."""
    return new_page()


@pytest.fixture
def assert_accessible() -> Callable[..., None]:
    """`assert_accessible(page, status=200)`: the page loaded whole, axe finds nothing, 320 px are enough.

    Axe runs under the Content-Security-Policy that the application sent.
    """

    def check(page: Page, *, status: int = 200) -> None:
        page.wait_for_load_state("load")
        watch = _watches[page]
        allowed = [f"console: Failed to load resource: the server responded with a status of {status}"]
        faults = [fault for fault in watch.faults if status == 200 or not fault.startswith(tuple(allowed))]
        assert (watch.status, faults) == (status, []), page.url
        found = Axe().run(page, options=_OPTIONS).response["violations"]
        summary = [f"{one['id']}: {one['help']} {[node['html'] for node in one['nodes']]}" for one in found]
        assert summary == [], page.url
        _assert_narrow(page)

    return check


def leave(page: Page, link: Locator, site: str) -> str:
    """Press what leads to a site that nothing serves here; the address that the browser asked of it.

    It asks past any route, as it follows a redirection; its page of errors must be there before it goes elsewhere.
    """
    before = page.url
    with page.expect_request(f"{site}*") as asked:
        link.click()
    for _ in range(200):
        if page.url != before:
            break
        page.wait_for_timeout(50)
    return asked.value.url


def _assert_narrow(page: Page) -> None:
    size = page.viewport_size
    page.set_viewport_size({"width": 320, "height": 800})
    width = page.evaluate("document.documentElement.scrollWidth")
    if size:
        page.set_viewport_size(size)
    assert width <= 320, f"{page.url} needs {width} px: it scrolls sideways at 320 px"
