"""The pages of measures: the record, the course of a kind, typing one in; what the demonstration fills."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from dmp_core.categories import KINDS
from dmp_core.queries import points
from dmp_core.service.demonstration import add_measures_for_demo
from identity_core.service.seeding import Seeded
from platform_core import clock
from platform_core.database import transaction
from tests.recalling import recall_people
from tests.signing_in import sign_in_citizen, submit

PRESSURE = {"systolic": "128", "diastolic": "82", "date": "2026-11-20", "time": "08:15"}


@pytest.fixture
def people(app: Flask) -> Seeded:
    return recall_people()


@pytest.fixture
def camille(people: Seeded) -> UUID:
    return people.patients["camille"]


@pytest.fixture
def space(client: FlaskClient, people: Seeded, camille: UUID) -> FlaskClient:
    """The browser of Camille, signed in."""
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=camille)
    return client


def fill(patient_id: UUID, years: int = 1) -> int:
    with transaction(patient_id=patient_id):
        return add_measures_for_demo(patient_id=patient_id, until=clock.now(), years=years)


def test_an_empty_record_says_so(space: FlaskClient) -> None:
    page = space.get("/espace/dossier")
    assert page.status_code == 200
    assert "Aucune mesure" in page.text


def test_the_demonstration_fills_every_kind_once(camille: UUID) -> None:
    assert fill(camille, years=10) > 2000
    assert fill(camille, years=10) == 0
    with transaction(patient_id=camille):
        latest = points.list_latest(patient_id=camille)
    assert [point.kind.name for point in latest] == list(KINDS)
    assert all(point.is_plausible for point in latest)


def test_a_typed_measure_stands_in_the_record_with_its_source(space: FlaskClient, camille: UUID) -> None:
    answer = submit(space, "/espace/mesures/blood-pressure/ajouter", PRESSURE)
    assert (answer.status_code, answer.location) == (303, "/espace/mesures/blood-pressure")
    for path in ("/espace/dossier", "/espace/mesures/blood-pressure"):
        page = space.get(path).text
        assert "128/82 mmHg" in page
        assert "Camille Durand" in page
    with transaction(patient_id=camille):
        (point,) = points.list_latest(patient_id=camille)
    assert point.effective_at.isoformat() == "2026-11-20T07:15:00+00:00"


def test_an_unusual_value_is_kept_and_marked(space: FlaskClient) -> None:
    submit(space, "/espace/mesures/body-weight/ajouter", {"value": "721,5", "date": "2026-11-20", "time": "08:15"})
    assert "Valeur inhabituelle" in space.get("/espace/mesures/body-weight").text


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("blood-pressure", {"systolic": "haute"}, "Écrivez un nombre"),
        ("blood-pressure", {"diastolic": ""}, "Écrivez un nombre"),
        ("blood-pressure", {"systolic": "-5"}, "Écrivez un nombre"),
        ("blood-pressure", {"date": "2026-02-30"}, "Indiquez le jour"),
        ("blood-pressure", {"time": ""}, "Indiquez le jour"),
        ("blood-pressure", {"date": "2999-01-01"}, "ne peut pas être dans le futur"),
        ("blood-glucose", {"value": "95"}, "Choisissez une réponse"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    space: FlaskClient, camille: UUID, kind: str, changes: dict[str, str], message: str
) -> None:
    answer = submit(space, f"/espace/mesures/{kind}/ajouter", {**PRESSURE, **changes})
    assert answer.status_code == 422
    assert message in answer.text
    with transaction(patient_id=camille):
        assert points.list_latest(patient_id=camille) == []


def test_a_glucose_is_typed_with_its_moment(space: FlaskClient) -> None:
    typed = {"value": "95", "circumstance": "53049-3", "date": "2026-11-20", "time": "08:15"}
    assert submit(space, "/espace/mesures/blood-glucose/ajouter", typed).status_code == 303


@pytest.mark.parametrize("path", ["bmi/ajouter", "shoe-size", "shoe-size/ajouter"])
def test_a_measure_that_cannot_be_typed_is_not_found(space: FlaskClient, path: str) -> None:
    assert space.get(f"/espace/mesures/{path}").status_code == 404


def test_the_pages_ask_to_sign_in(client: FlaskClient) -> None:
    for path in ("/espace/dossier", "/espace/mesures/body-weight", "/espace/mesures/body-weight/ajouter"):
        assert client.get(path).location.startswith("/connexion?suite=")


def test_a_period_bounds_what_is_shown(space: FlaskClient, camille: UUID) -> None:
    fill(camille)
    old = (clock.now() - timedelta(days=60)).astimezone(clock.PARIS)
    typed = {"value": "48765", "date": f"{old:%Y-%m-%d}", "time": "08:15"}
    submit(space, "/espace/mesures/steps/ajouter", typed)
    shown = {period: "48 765" in space.get(f"/espace/mesures/steps?periode={period}").text.replace("\u202f", " ")
             for period in ("mois", "trimestre", "annee", "tout", "siecle")}  # fmt: skip
    assert shown == {"mois": False, "trimestre": True, "annee": True, "tout": True, "siecle": True}


@pytest.mark.browser
def test_a_person_adds_a_measure_in_a_browser(
    page: Page, camille: UUID, assert_accessible: Callable[..., None]
) -> None:
    fill(camille)
    page.goto("/espace/dossier")
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name="Camille Durand").click()
    page.wait_for_url("**/espace/dossier")
    assert_accessible(page)
    page.get_by_role("link", name="Tension artérielle").first.click()
    assert_accessible(page)
    page.get_by_role("link", name="Ajouter une mesure").click()
    assert_accessible(page)
    page.get_by_label("Valeur haute").fill("187")
    page.get_by_role("button", name="Ajouter").click()
    assert_accessible(page, status=422)
    page.get_by_label("Valeur basse").fill("121")
    page.get_by_role("button", name="Ajouter").click()
    expect(page.get_by_text("La mesure est ajoutée.")).to_be_visible()
    expect(page.get_by_role("cell", name="187/121 mmHg")).to_be_visible()
    assert_accessible(page)
    page.goto("/espace")
    expect(page.get_by_text("Mes dernières mesures")).to_be_visible()
    assert_accessible(page)
