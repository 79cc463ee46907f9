"""Vaccinations: where a person stands in the calendar, the page, adding one by hand and taking it back."""

from datetime import date
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dmp_core.queries.entries import list_entries
from dmp_core.rules.documents.visibility import Viewer, ViewerKind
from dmp_core.rules.vaccinations.calendar import ATC, TARGETS, TYPED, VACCINES, protected
from dmp_core.rules.vaccinations.standing import Given, Standing, State, after, stand
from dmp_core.service.vaccinations import find_standing, list_vaccinations, tell_vaccinations_for_demo
from identity_core.service.seeding import Seeded
from platform_core.access import Actor, ActorKind
from platform_core.database import transaction
from tests.recalling import recall_people
from tests.signing_in import sign_in_citizen, submit

PAGE, ADD = "/espace/dossier/vaccinations", "/espace/dossier/vaccinations/ajouter"
TYPED_IN = {"vaccine": "J07CA02", "date": "2025-03-20", "product": "Repevax", "lot": "K42"}


def standing(born: date, today: date, *given: tuple[date, str]) -> dict[str, Standing]:
    found = stand(born=born, given=[Given(day, frozenset(codes.split())) for day, codes in given], today=today)
    return {one.target.code: one for one in found}


@pytest.mark.parametrize(
    ("today", "given", "state"),
    [
        (date(2026, 2, 14), (), State.UPCOMING),
        (date(2026, 2, 15), (), State.DUE),
        (date(2026, 3, 15), (), State.LATE),
        (date(2026, 2, 20), (date(2026, 2, 16),), State.DONE),
        (date(2026, 4, 15), (date(2026, 2, 16),), State.DUE),
        (date(2026, 6, 15), (date(2026, 2, 16),), State.LATE),
        (date(2026, 11, 20), (date(2026, 2, 16), date(2026, 4, 16)), State.DUE),
        (date(2026, 11, 20), (date(2026, 2, 16), date(2026, 4, 16), date(2026, 11, 16)), State.DONE),
        (date(2026, 11, 20), (date(2026, 11, 16),), State.LATE),
        (date(2026, 2, 20), (date(2026, 2, 21),), State.DUE),
    ],
)
def test_each_dose_of_an_infant_is_counted(today: date, given: tuple[date, ...], state: State) -> None:
    assert standing(date(2025, 12, 15), today, *((day, "dtp") for day in given))["dtp"].state is state


@pytest.mark.parametrize(
    ("today", "last", "state", "since"),
    [
        (date(2026, 11, 21), date(2022, 1, 1), State.DONE, date(2045, 3, 14)),
        (date(2026, 11, 21), date(2021, 3, 14), State.DONE, date(2045, 3, 14)),
        (date(2026, 11, 21), date(2015, 1, 1), State.LATE, date(2025, 3, 14)),
        (date(2025, 3, 14), date(2015, 1, 1), State.DUE, date(2025, 3, 14)),
        (date(2066, 3, 14), date(2055, 4, 1), State.LATE, date(2065, 3, 14)),
        (date(2066, 1, 1), date(2065, 4, 1), State.DONE, date(2075, 3, 14)),
    ],
)
def test_an_adult_is_looked_at_by_the_last_booster_alone(today: date, last: date, state: State, since: date) -> None:
    found = standing(date(1980, 3, 14), today, (last, "dtp"))["dtp"]
    assert (found.state, found.since, found.last) == (state, since, last)


@pytest.mark.parametrize(
    ("today", "last", "state"),
    [
        (date(2026, 8, 31), date(2025, 10, 20), State.DONE),
        (date(2026, 9, 1), date(2025, 10, 20), State.UPCOMING),
        (date(2026, 10, 15), date(2025, 10, 20), State.DUE),
        (date(2027, 1, 31), None, State.DUE),
        (date(2027, 2, 1), None, State.UPCOMING),
        (date(2026, 11, 21), date(2026, 10, 20), State.DONE),
    ],
)
def test_a_vaccine_of_the_season_comes_back_each_autumn(today: date, last: date | None, state: State) -> None:
    given = [(last, "influenza")] if last else []
    assert standing(date(1944, 1, 9), today, *given)["influenza"].state is state
    assert standing(date(1980, 3, 14), today, *given)["influenza"].state is State.NOT_CONCERNED


def test_what_is_compulsory_depends_on_the_birth() -> None:
    born_before, born_since = (standing(date(year, 1, 1), date(2026, 11, 21)) for year in (2017, 2018))
    assert (born_before["mmr"].mandatory, born_since["mmr"].mandatory) == (False, True)
    assert standing(date(1979, 12, 31), date(2026, 11, 21))["mmr"].state is State.NOT_CONCERNED
    assert standing(date(1980, 1, 1), date(2026, 11, 21))["mmr"].state is State.LATE


def test_a_leap_day_has_its_birthday_on_the_last_day_of_february() -> None:
    assert after(date(2024, 2, 29), 12) == date(2025, 2, 28)


def test_every_vaccine_protects_from_targets_that_are_known() -> None:
    assert {code for one in VACCINES for code in one.targets} == {one.code for one in TARGETS}
    assert len({one.code for one in VACCINES}) == len(VACCINES)


@pytest.mark.parametrize(
    ("codes", "label", "found"),
    [
        ([f"{ATC}|J07CA09"], "Un vaccin", "dtp pertussis hib hepatitis-b"),
        ([f"{ATC}|J07BB02"], "", "influenza"),
        (["urn:autre|J07BB02"], "VAXIGRIPTETRA", ""),
        ([], "Vaccin contre la grippe saisonnière", "influenza"),
        ([], "INFANRIX HEXA, poudre et suspension", "dtp pertussis hib hepatitis-b"),
        ([], "Priorix", "mmr"),
        ([], "Hépatite A", ""),
        ([], "Horror", ""),
    ],
)
def test_a_vaccine_is_known_by_its_class_or_by_its_name(codes: list[str], label: str, found: str) -> None:
    assert protected(codes, label) == frozenset(found.split())


@pytest.mark.parametrize("vaccine", sorted(TYPED))
def test_what_a_person_may_choose_is_recognised_afterwards(vaccine: str) -> None:
    assert protected([f"{ATC}|{vaccine}"], "") == TYPED[vaccine].targets


@pytest.fixture
def people(app: Flask) -> Seeded:
    return recall_people()


@pytest.fixture
def space(client: FlaskClient, people: Seeded) -> FlaskClient:
    """The browser of Camille, signed in."""
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=people.patients["camille"])
    return client


def entry_ids(patient_id: UUID) -> list[UUID]:
    viewer = Viewer(ViewerKind.PATIENT, patient_id)
    with transaction(patient_id=patient_id):
        rows = list_entries(patient_id=patient_id, viewer=viewer, categories=["vaccinations"])
    return [row.id for row in rows]


def test_a_vaccination_typed_in_counts_and_can_be_taken_back(space: FlaskClient, people: Seeded) -> None:
    camille = people.patients["camille"]
    assert "Aucune vaccination" in space.get(PAGE).text
    answer = submit(space, ADD, TYPED_IN)
    assert (answer.status_code, answer.location) == (303, PAGE)
    page = space.get(PAGE).text
    assert "rappel) : Repevax" in page and "Saisi par Camille Durand" in page and "1 dose inscrite" in page
    assert "1 vaccination inscrite" in space.get("/espace/dossier").text
    (entry_id,) = entry_ids(camille)
    removal = f"{PAGE}/{entry_id}/retirer"
    assert "Repevax" in space.get(removal).text
    assert submit(space, removal).location == PAGE
    assert entry_ids(camille) == []
    assert space.get(removal).status_code == 404


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vaccine": "J07ZZ"}, "Choisissez un vaccin"),
        ({"date": "2999-01-01"}, "entre la naissance et aujourd’hui"),
        ({"date": "1901-01-01"}, "entre la naissance et aujourd’hui"),
        ({"date": "hier"}, "entre la naissance et aujourd’hui"),
        ({"lot": "x" * 81}, "80 caractères"),
    ],
)
def test_what_is_wrong_is_said_by_field(
    space: FlaskClient, people: Seeded, changes: dict[str, str], message: str
) -> None:
    answer = submit(space, ADD, {**TYPED_IN, **changes})
    assert answer.status_code == 422
    assert message in answer.text
    assert entry_ids(people.patients["camille"]) == []


def test_the_booklet_of_the_demonstration_is_told_once_and_lacks_a_dose(people: Seeded) -> None:
    lea, born = people.patients["lea"], date(2018, 6, 21)
    mother = Actor(ActorKind.REPRESENTATIVE, people.persons["camille"], "Camille Durand", on_behalf_of=lea)
    for _ in range(2):
        with transaction(patient_id=lea):
            tell_vaccinations_for_demo(patient_id=lea, born=born, by=mother)
    with transaction(patient_id=lea):
        rows = list_vaccinations(patient_id=lea, viewer=Viewer.of(mother))
    assert len(rows) == 5
    late = [one.target.code for one in find_standing(born=born, rows=rows) if one.state is State.LATE]
    assert late == ["mmr"]
