"""Prescriptions in a browser: what is left, what to ask, on a narrow screen."""

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from dmp_core.service.entries.demonstration import add_reports_for_demo
from dmp_core.service.prescriptions.demonstration import add_prescriptions_for_demo
from platform_core import clock
from platform_core.database import transaction
from tests.recalling import recall_people


@pytest.mark.browser
def test_a_person_reads_what_is_left_of_their_prescriptions(
    app: Flask, page: Page, assert_accessible: Callable[..., None]
) -> None:
    camille = recall_people().patients["camille"]
    with transaction(patient_id=camille):
        add_reports_for_demo(patient_id=camille, until=clock.now(), years=1)
        add_prescriptions_for_demo(patient_id=camille, until=clock.now())
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto("/espace/dossier/prescriptions")
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name="Camille Durand").click()
    page.wait_for_url("**/espace/dossier/prescriptions")
    expect(page.get_by_text("est de la famille de « Pénicilline »")).to_be_visible()
    assert_accessible(page)
    page.locator(".ens-card", has_text="Metformine").get_by_role("link").click()
    expect(page.get_by_text("il reste à remettre : 1 boîte")).to_be_visible()
    assert_accessible(page)
