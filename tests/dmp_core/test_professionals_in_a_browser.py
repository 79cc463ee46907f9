"""A treating doctor and their patient, each in a browser: fit for everybody, and on a narrow screen."""

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from dmp_core.service.demonstration import COURSES, add_measures_for_demo
from dmp_core.service.entries.demonstration import add_reports_for_demo
from dmp_core.service.professionals import openings
from dmp_core.service.professionals.demonstration import agree_for_demo
from identity_core.service.seeding import Seeded
from platform_core import clock
from platform_core.access import Actor, ActorKind
from platform_core.database import transaction
from tests.recalling import recall_people


@pytest.fixture
def people(app: Flask) -> Seeded:
    return recall_people()


def enter(page: Page, path: str, name: str) -> None:
    page.goto(path)
    if page.get_by_role("button", name="Se connecter").count():
        page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name=name).click()
    page.wait_for_url(f"**{path}")


def fill(patient_id: UUID, people: Seeded) -> None:
    """The demonstration on a small scale, and somebody who came in an emergency."""
    herself = Actor(ActorKind.PATIENT, people.persons["camille"], "Camille Durand")
    nurse = Actor(ActorKind.PROFESSIONAL, people.professionals["ide-costa"], "Lucia Costa")
    doctors = {"doctor_id": people.professionals["dr-martin"], "specialist_id": people.professionals["dr-benali"]}
    weights = {name: COURSES[name] for name in ("body-weight", "blood-pressure")}
    with transaction(patient_id=patient_id):
        agree_for_demo(patient_id=patient_id, by=herself, **doctors)
        openings.break_glass(patient_id=patient_id, motive="Patiente inconsciente, chute à vélo", by=nurse)
        add_measures_for_demo(patient_id=patient_id, until=clock.now(), years=1, courses=weights)
        add_reports_for_demo(patient_id=patient_id, until=clock.now(), years=1)


def test_a_doctor_reads_and_files_and_the_patient_sees_who_reads_and_blocks(
    people: Seeded, new_page: Callable[..., Page], assert_accessible: Callable[..., None]
) -> None:
    fill(people.patients["camille"], people)
    office = new_page()
    enter(office, "/pro", "Sophie Martin")
    office.get_by_role("link", name="Camille Durand").click()
    expect(office.get_by_text("Médecin traitant", exact=True)).to_be_visible()
    assert_accessible(office)
    office.get_by_role("link", name="Tension artérielle").first.click()
    expect(office.get_by_role("img", name="Courbe")).to_be_visible()
    office.go_back()
    office.locator("main a[href*='/documents/']").first.click()
    expect(office.get_by_role("heading", level=3).first).to_be_visible()
    assert_accessible(office)
    office.go_back()
    office.get_by_role("link", name="Déposer un document").click()
    office.get_by_role("button", name="Déposer le document").click()
    assert_accessible(office, status=422)
    office.get_by_label("Ce qu’est le document").select_option(value="11488-4")
    office.get_by_label("Titre").fill("Consultation d’annonce")
    office.get_by_label("Lieu d’exercice").select_option("Cabinet individuel")
    office.get_by_label("Ou le texte du document").fill("Résultat à annoncer.")
    office.get_by_label("Ne pas montrer ce document").check()
    office.get_by_role("button", name="Déposer le document").click()
    office.get_by_role("link", name="Tous les documents").click()
    office.get_by_role("link", name="Consultation d’annonce").click()
    expect(office.get_by_text("Résultat à annoncer.")).to_be_visible()

    home = new_page()
    enter(home, "/espace/parametres/professionnels", "Camille Durand")
    expect(home.get_by_text("Motif donné : « Patiente inconsciente, chute à vélo »")).to_be_visible()
    assert_accessible(home)
    home.get_by_role("button", name="Bloquer Sophie Martin").click()
    expect(home.get_by_text("Cette personne est bloquée")).to_be_visible()
    office.goto("/pro")
    expect(office.get_by_role("link", name="Camille Durand")).to_have_count(0)
