"""Who enters a pilot: people of its regions, one place each, and never one more than there are."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from flask import Flask

from consent.service import lifecycle, places
from consent.service.granting import Terms, grant
from identity_core.gateway.ins import Traits
from identity_core.rules import IdentityStatus
from identity_core.service import residence
from identity_core.service.people import enrol_patient
from platform_core.access import ALWAYS, Access, Actor, ActorKind
from platform_core.clock import FrozenClock, today
from platform_core.database import transaction
from platform_core.errors import DomainError
from platform_core.ids import uuid7
from platform_core.permission import CONTINUOUS, PermissionItem, Purpose
from store.queries.listings import find_pilot
from tests.consent.calls import in_parallel
from tests.store import piloting
from tests.store.conftest import People, bring_to

CAMILLE = Actor(ActorKind.PATIENT, uuid7(), "Camille Démo", assurance="eidas2")
WEIGHT = PermissionItem("storetest.weight", Access.READ, ALWAYS, CONTINUOUS)


@pytest.fixture
def application_id(people: People) -> UUID:
    """A pilot of two places for people of the Pays de la Loire."""
    application_id, _ = bring_to("draft", people)
    call_id = piloting.publish(people.ines, people.omar)
    candidacy_id = piloting.file(call_id, application_id, people.alice)
    piloting.select(call_id, candidacy_id, (people.ines, people.noe), people.omar)
    piloting.open_pilot(candidacy_id, people.omar, places=2)
    return application_id


def enrol(*regions: str | None) -> list[UUID]:
    """Patients who live there."""
    traits = Traits("DEMO", "CAMILLE", date(1984, 5, 12), "female", "")
    with transaction():
        patients = [enrol_patient(traits=traits, ins=None, status=IdentityStatus.PROV).id for _ in regions]
        for patient_id, region in zip(patients, regions, strict=True):
            residence.state_region(patient_id=patient_id, region=region, by=CAMILLE)
    return patients


def enter(application_id: UUID, patient_id: UUID) -> UUID:
    terms = Terms(
        application_id,
        application_id,
        "production",
        "Balance+",
        "Balance+ SAS",
        Purpose.PREVENTION,
        (WEIGHT,),
        today() + timedelta(days=30),
        {},
    )
    with transaction(patient_id=patient_id):
        return grant(patient_id=patient_id, terms=terms, by=CAMILLE).id


def refusal(application_id: UUID, patient_id: UUID) -> str:
    """Why this patient may not enter, as the screen learns it and as granting itself says it."""
    with pytest.raises(DomainError) as seen, transaction(patient_id=patient_id):
        places.check_place(app_id=application_id, patient_id=patient_id)
    with pytest.raises(DomainError) as refused:
        enter(application_id, patient_id)
    assert seen.value.code == refused.value.code
    return refused.value.code


def taken(application_id: UUID) -> int:
    with transaction():
        pilot = find_pilot(application_id)
    assert pilot is not None
    return pilot.taken


@pytest.mark.parametrize(("region", "code"), [(None, "pilot-region-needed"), ("53", "pilot-elsewhere")])
def test_a_pilot_is_for_the_people_of_its_regions(application_id: UUID, region: str | None, code: str) -> None:
    (patient_id,) = enrol(region)
    assert refusal(application_id, patient_id) == code
    assert taken(application_id) == 0


def test_a_pilot_that_is_full_says_so(application_id: UUID) -> None:
    first, second, third = enrol("52", "52", "52")
    enter(application_id, first)
    enter(application_id, second)
    assert refusal(application_id, third) == "pilot-full"
    assert taken(application_id) == 2


def test_who_leaves_and_comes_back_takes_no_second_place(clock: FrozenClock, application_id: UUID) -> None:
    first, second = enrol("52", "52")
    grant_id = enter(application_id, first)
    with transaction(patient_id=first):
        lifecycle.revoke_consent(patient_id=first, grant_id=grant_id, by=CAMILLE)
    enter(application_id, second)
    clock.move(minutes=1)
    assert enter(application_id, first) != grant_id
    assert taken(application_id) == 2


def test_a_new_choice_in_a_live_consent_takes_no_place(application_id: UUID) -> None:
    (patient_id,) = enrol("52")
    assert enter(application_id, patient_id) == enter(application_id, patient_id)
    assert taken(application_id) == 1


def test_of_fifty_who_ask_for_the_last_place_at_once_one_gets_it(app: Flask, application_id: UUID) -> None:
    first, *others = enrol(*["52"] * 51)
    enter(application_id, first)
    waiting = iter(others)
    results = in_parallel(app, 50, lambda: enter(application_id, next(waiting)))
    assert sorted(map(str, (isinstance(one, UUID) for one in results))) == ["False"] * 49 + ["True"]
    assert [one for one in results if not isinstance(one, UUID)] == ["pilot-full"] * 49
    assert taken(application_id) == 2


def test_one_person_in_two_windows_takes_one_place(app: Flask, application_id: UUID) -> None:
    (patient_id,) = enrol("52")
    results = in_parallel(app, 8, lambda: enter(application_id, patient_id))
    assert len(set(results)) == 1
    assert taken(application_id) == 1
