"""A scale asks, Camille types its code and decides in a real browser, the scale reads her answer; axe at zero."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.oauth.partner import Partner
from tests.oauth.test_devices import poll, start
from tests.oauth.test_in_a_browser import balance, seeded_people
from tests.oauth.test_production import ASKED

__all__ = ["balance", "seeded_people"]

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("seeded_people")]


@pytest.mark.requirement("A13")
def test_camille_connects_her_scale(page: Page, balance: Partner, assert_accessible: Callable[..., None]) -> None:
    device = start(balance, authorization_details=json.dumps([ASKED]))
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto("/appareil")
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name="Camille Durand").click()
    page.get_by_label("Code affiché par l’appareil").fill("bbbb bbbb")
    page.get_by_role("button", name="Continuer").click()
    expect(page.get_by_role("alert")).to_contain_text("Ce code n’est pas le bon")
    assert_accessible(page, status=422)
    page.get_by_label("Code affiché par l’appareil").fill(device["user_code"].lower())
    page.get_by_role("button", name="Continuer").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Balance+")
    assert_accessible(page)
    page.get_by_role("button", name="C’est mon appareil").click()
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Autoriser").click()
    page.get_by_role("button", name="Confirmer").click()
    expect(page.get_by_text("Vous pouvez revenir à votre appareil")).to_be_visible()
    assert_accessible(page)
    tokens = poll(balance, device["device_code"]).json
    assert tokens["patient"]
