"""The pages of a course: goal, reference, groups, spreadsheet; and those of the devices that measure."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from dmp_core.fhir.goals import write_goal
from dmp_core.queries import goals
from dmp_core.queries.devices import list_kept
from dmp_core.queries.professionals import get_choices
from dmp_core.rules.devices import traits_of
from dmp_core.rules.goals import Bounds, Goal
from dmp_core.service.demonstration import add_measures_for_demo
from dmp_core.service.professionals import agreements
from identity_core.service.seeding import Seeded
from platform_core import clock
from platform_core.access import Actor, ActorKind
from platform_core.database import run, transaction
from tests.dmp_core.conftest import App, Fhir, Guard
from tests.dmp_core.test_bundles import pair
from tests.recalling import recall_people
from tests.signing_in import sign_in_citizen, sign_in_professional, submit

GOAL = "/espace/mesures/body-weight/objectif"
WEIGHT = {"value": "72,5", "date": "2026-11-20", "time": "08:15"}


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


def text_of(space: FlaskClient, path: str) -> str:
    page = space.get(path)
    assert page.status_code == 200
    return page.text.replace("\u202f", " ").replace("\u00a0", " ")


def test_a_goal_begins_on_the_day_of_paris() -> None:
    late = datetime(2026, 6, 1, 22, 30, tzinfo=UTC)
    goal = Goal("pain", (Bounds(high=Decimal(3)),), None, "Camille Durand", False, late)
    assert write_goal(goal, "x")["startDate"] == "2026-06-02"


@pytest.mark.parametrize("number", ["1e-99999", "1e99999", "nan", "0.00000000001"])
def test_a_number_that_nobody_types_is_refused(space: FlaskClient, number: str) -> None:
    assert submit(space, "/espace/mesures/pain/objectif", {"low": number}).status_code == 422
    assert submit(space, "/espace/mesures/pain/ajouter", {**WEIGHT, "value": number}).status_code == 422


def test_a_goal_is_set_told_on_the_course_and_taken_away(space: FlaskClient, camille: UUID) -> None:
    submit(space, "/espace/mesures/body-weight/ajouter", WEIGHT)
    answer = submit(space, GOAL, {"low": "68", "high": "73,5", "until": "2999-01-01"})
    assert (answer.status_code, answer.location) == (303, "/espace/mesures/body-weight")
    page = text_of(space, "/espace/mesures/body-weight")
    assert "Objectif : de 68 à 73,5 kg." in page
    assert "Fixé par Camille Durand" in page
    assert "Dans l’objectif : 1 sur 1 mesure." in page
    assert "ens-chart-band" in page
    with transaction(patient_id=camille):
        (goal,) = goals.list_goals(patient_id=camille, on=clock.today())
        assert goals.find_goal(patient_id=camille, kind="body-weight", on=goal.until + timedelta(days=1)) is None
    assert goal.parts == (Bounds(Decimal(68), Decimal("73.5")),)
    with transaction(patient_id=uuid4()):
        assert run("SELECT * FROM dmp_measure_goal", {}) == [], "a goal is under row-level security"
    assert submit(space, GOAL, {"act": "supprimer"}).status_code == 303
    assert "Fixé par" not in text_of(space, "/espace/mesures/body-weight")


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({}, "Donnez au moins une limite."),
        ({"low": "beaucoup"}, "Écrivez un nombre"),
        ({"low": "80", "high": "70"}, "qui ne soit pas sous l’autre"),
        ({"high": "7000"}, "vraisemblable"),
        ({"high": "70", "until": "2020-01-01"}, "La date est passée."),
    ],
    ids=["nothing", "no number", "crossed", "beyond", "past"],
)
def test_a_goal_that_cannot_be_is_refused_and_what_was_typed_stays(
    space: FlaskClient, typed: dict[str, str], message: str
) -> None:
    answer = submit(space, GOAL, typed)
    assert answer.status_code == 422
    assert message in answer.text
    assert all(f'value="{text}"' in answer.text for text in typed.values())


def test_a_pressure_is_compared_with_the_reference_of_an_adult_only(people: Seeded, client: FlaskClient) -> None:
    pressure = {"systolic": "128", "diastolic": "82", "date": "2026-11-20", "time": "08:15"}
    seen, own = {}, people.patients["camille"]
    for name in ("camille", "lea"):
        acting_for = people.patients[name] if name == "lea" else None
        sign_in_citizen(client, person_id=people.persons["camille"], patient_id=own, acting_for=acting_for)
        assert submit(client, "/espace/mesures/blood-pressure/ajouter", pressure).status_code == 303
        seen[name] = text_of(client, "/espace/mesures/blood-pressure")
    assert "haute au plus 134 mmHg, basse au plus 84 mmHg" in seen["camille"]
    assert "Repère" not in seen["lea"]
    assert "128/82 mmHg" in seen["lea"]


def test_a_spreadsheet_holds_every_value_and_marks_the_unusual(space: FlaskClient, camille: UUID) -> None:
    for value in ("72,5", "721,5"):
        submit(space, "/espace/mesures/body-weight/ajouter", {**WEIGHT, "value": value})
    answer = space.get("/espace/mesures/body-weight/valeurs.csv?periode=tout")
    assert answer.content_type == "text/csv; charset=utf-8"
    head, *rows = csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig")), delimiter=";")
    assert head == ["Date", "Valeur", "Unité", "Source", "Appareil", "Remarque"]
    assert [(row[0], row[1], row[5]) for row in rows] == [
        ("2026-11-20 08:15:00", "72,5", ""),
        ("2026-11-20 08:15:00", "721,5", "Valeur inhabituelle"),
    ]


def test_many_values_are_grouped_and_paged(space: FlaskClient, camille: UUID) -> None:
    with transaction(patient_id=camille):
        add_measures_for_demo(patient_id=camille, until=clock.now(), years=10)
    page = text_of(space, "/espace/mesures/body-weight?periode=tout")
    assert "Au plus bas" in page
    assert "Page 1 sur 3" in page
    assert "Page 2 sur 3" in text_of(space, "/espace/mesures/body-weight?periode=tout&page=2")
    assert "Page 1 sur 11" in text_of(space, "/espace/mesures/body-weight?periode=tout&par=mesure")
    assert page.count('class="ens-chart-mark"') < 250


@pytest.mark.parametrize(
    ("code", "system", "value", "unit", "shown"),
    [
        ("29463-7", "http://loinc.org", 160, "[lb_av]", "72,6 kg"),
        ("29463-7", "http://loinc.org", 72500, "g", "72,5 kg"),
        ("8310-5", "http://loinc.org", 98.6, "[degF]", "37,0 °C"),
        ("29463-7", "http://loinc.org", 721.5, "kg", "Valeur inhabituelle"),
    ],
)
def test_another_unit_is_converted_and_an_unusual_value_stays(
    space: FlaskClient, camille: UUID, guard: Guard, app: Flask,
    code: str, system: str, value: float, unit: str, shown: str,
) -> None:  # fmt: skip
    guard.app = App(camille)
    Fhir(app, guard).add(code=code, system=system, value=value, unit=unit)
    kind = "body-weight" if code == "29463-7" else "temperature"
    assert shown in text_of(space, f"/espace/mesures/{kind}?periode=tout")


def test_a_device_says_no_more_of_its_serial_number_than_its_end() -> None:
    said = {
        "type": {"coding": [{"code": "65573"}]},
        "serialNumber": "SN-1234567890",
        "manufacturer": "Balances de France",
    }
    sort = {"specialization": [{"systemType": {"coding": [{"code": "528399"}]}}]}
    assert traits_of({**said, **sort}).name == "Balance"
    assert traits_of(said).serial_end == "7890"
    assert traits_of({"serialNumber": "12345678"}).serial_end == ""
    assert traits_of({"deviceName": [{"name": "Ma balance", "type": "user-friendly-name"}]}).name == "Ma balance"


def test_devices_are_listed_named_and_put_aside(space: FlaskClient, camille: UUID, guard: Guard, app: Flask) -> None:
    guard.app = App(camille)
    answer = Fhir(app, guard).post("", pair(guard.app))
    assert answer.status_code == 200, answer.text
    with transaction(patient_id=camille):
        (device,) = list_kept(patient_id=camille)
    page = text_of(space, "/espace/mesures/appareils")
    assert device.name in page
    assert "1 mesure" in page
    assert "Balance+" in page
    path = f"/espace/mesures/appareils/{device.id}"
    assert submit(space, path, {"act": "nommer", "label": "x" * 61}).status_code == 422
    assert submit(space, path, {"act": "nommer", "label": "La balance du bas"}).status_code == 303
    assert submit(space, path, {"act": "ranger"}).status_code == 303
    assert "Mis de côté depuis" in text_of(space, path)
    assert "Balance+ (La balance du bas)" in text_of(space, "/espace/mesures/body-weight?periode=tout")
    assert submit(space, path, {"act": "reprendre"}).status_code == 303
    assert "Utilisé" in text_of(space, path)
    assert space.get(f"/espace/mesures/appareils/{uuid4()}").status_code == 404
    assert "derniers appareils" not in page
    with transaction(patient_id=camille):
        many = (
            "INSERT INTO dmp_device (patient_id, id, identifier_system, identifier_value, version, created_at,"
            " updated_at, meta, body) SELECT %(patient)s, gen_random_uuid(), 's', n::text, 1, now(), now(), '{}', '{}'"
            " FROM generate_series(1, 120) AS n"
        )
        run(f"{many} RETURNING id", {"patient": camille})
    page = text_of(space, "/espace/mesures/appareils")
    assert "Seuls les 100 derniers appareils utilisés" in page and device.name in page


def test_a_professional_who_writes_measures_sets_a_goal_that_the_patient_may_change(
    app: Flask, people: Seeded, camille: UUID
) -> None:
    by, martin = (
        Actor(ActorKind.PATIENT, people.persons["camille"], "Camille Durand"),
        people.professionals["dr-martin"],
    )
    with transaction(patient_id=camille):
        agreements.declare_treating_doctor(patient_id=camille, professional_id=martin, by=by)
    office, course = app.test_client(), f"/pro/patients/{camille}/mesures/blood-pressure"
    sign_in_professional(office, professional_id=martin)
    assert "Fixer un objectif" in text_of(office, course)
    assert submit(office, f"{course}/objectif", {}).status_code == 422
    aim = {"high": "130", "high2": "80", "until": "2999-12-31"}
    assert submit(office, f"{course}/objectif", aim).location == course
    assert "Objectif : haute au plus 130 mmHg, basse au plus 80 mmHg." in text_of(office, course)
    assert 'value="130"' in text_of(office, f"{course}/objectif")
    with transaction(patient_id=camille):
        goal = goals.find_goal(patient_id=camille, kind="blood-pressure", on=clock.today())
        lines = run("SELECT access, outcome, categories FROM core_journal WHERE resource = 'Goal' ORDER BY access", {})
        assert goal is not None and goal.by_professional
        agreements.choose_access(patient_id=camille, choices=replace(get_choices(camille), writing=False), by=by)
    said = [tuple(one) for one in lines]
    assert said == [(access, "served", ["measures.blood-pressure"]) for access in ("read", "write")]
    assert office.get(f"{course}/objectif").status_code == 403


@pytest.mark.browser
def test_a_person_follows_a_goal_in_a_browser(
    page: Page, people: Seeded, camille: UUID, assert_accessible: Callable[..., None]
) -> None:
    with transaction(patient_id=camille):
        add_measures_for_demo(patient_id=camille, until=clock.now(), years=2)
    page.goto("/espace/mesures/body-weight/objectif")
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name="Camille Durand").click()
    page.get_by_label("Au plus, en kg").fill("77")
    page.get_by_role("button", name="Enregistrer l’objectif").click()
    expect(page.get_by_text("L’objectif est enregistré")).to_be_visible()
    page.get_by_role("link", name="Tout", exact=True).click()
    expect(page.locator(".ens-chart-edge")).to_have_count(1)
    page.get_by_role("link", name="Par mois").click()
    expect(page.get_by_role("columnheader", name="En moyenne")).to_be_visible()
    assert_accessible(page)
