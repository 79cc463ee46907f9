"""Prescriptions and results in a browser: what is left, what to ask, the course of an examination, for everybody."""

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from dmp_core.service.entries.demonstration import add_reports_for_demo
from dmp_core.service.prescriptions.demonstration import add_prescriptions_for_demo
from dmp_core.service.professionals import agreements
from platform_core import clock
from platform_core.access import Actor, ActorKind
from platform_core.database import transaction
from tests.recalling import recall_people


@pytest.mark.browser
def test_a_person_and_their_doctor_read_what_is_left_of_prescriptions(
    app: Flask, new_page: Callable[..., Page], assert_accessible: Callable[..., None]
) -> None:
    people = recall_people()
    camille = people.patients["camille"]
    herself = Actor(ActorKind.PATIENT, people.persons["camille"], "Camille Durand")
    with transaction(patient_id=camille):
        add_reports_for_demo(patient_id=camille, until=clock.now(), years=2)
        add_prescriptions_for_demo(patient_id=camille, until=clock.now())
        doctor = people.professionals["dr-martin"]
        agreements.declare_treating_doctor(patient_id=camille, professional_id=doctor, by=herself)
    page = new_page()
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto("/espace/dossier/prescriptions")
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name="Camille Durand").click()
    page.wait_for_url("**/espace/dossier/prescriptions")
    expect(page.get_by_text("notée comme allergie dans le dossier")).to_be_visible()
    assert_accessible(page)
    page.locator(".ens-card", has_text="Metformine").get_by_role("link").click()
    expect(page.get_by_text("il reste à remettre")).to_be_visible()
    assert_accessible(page)
    page.goto("/espace/dossier/resultats")
    page.get_by_role("link", name="Créatinine").click()
    expect(page.get_by_role("img", name="Courbe")).to_be_visible()
    assert_accessible(page)
    office = new_page()
    office.goto(f"/pro/patients/{camille}/prescriptions")
    if office.get_by_role("button", name="Se connecter").count():
        office.get_by_role("button", name="Se connecter").click()
    office.get_by_role("button", name="Sophie Martin").click()
    expect(office.get_by_text("contiennent la même substance")).to_be_visible()
    assert_accessible(office)
