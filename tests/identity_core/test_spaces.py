"""Enrolment and the life of spaces: INS, opposition, automatic opening, people made up."""

from datetime import date

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from identity_core import queries
from identity_core.gateway.ins import NoInsTeleservice, SimulatedInsTeleservice, Traits
from identity_core.gateway.openid import SignedIn
from identity_core.models import Patient
from identity_core.rules import IdentityStatus
from identity_core.service import seeding, sign_in, spaces
from identity_core.service.seeding import Seeded, create_synthetic_patients
from identity_core.tasks import open_spaces
from identity_core.workflow import SpaceState
from notification_core import queries as notifications
from platform_app.simulated.people import load_people
from platform_core.access import SYSTEM
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from platform_core.errors import Conflict, Unavailable
from platform_core.health_identity import INS_NIR_TEST
from tests.signing_in import sign_in_citizen, submit

NEW = Traits("Blanc", "Zoé Marie", date(1990, 2, 3), "female", "75056")


def state_of(people: Seeded, name: str) -> SpaceState:
    with transaction():
        return queries.get_patient(people.patients[name]).space_state


def test_a_matricule_is_stored_sealed_and_found_by_its_hash(people: Seeded) -> None:
    with transaction() as session:
        ins = queries.find_ins(people.patients["camille"])
        assert ins is not None
        assert ins.oid == INS_NIR_TEST
        assert ins.key_is_valid
        assert ins.matricule.startswith("28504")
        found = queries.find_patient_by_ins(ins)
        assert found is not None
        assert found.id == people.patients["camille"]
        row = session.execute(sa.select(sa.text("p::text")).select_from(sa.text("identity_patient p"))).scalars()
        assert not any(ins.matricule in text for text in row)


@pytest.mark.parametrize(
    "traits", [Traits("A", "B", NEW.birth_date, "unknown", "75056"), Traits("A", "B", NEW.birth_date, "male", "")]
)
def test_incomplete_traits_have_no_matricule(traits: Traits) -> None:
    assert SimulatedInsTeleservice().search(traits) is None


def test_without_a_teleservice_people_still_sign_in_and_the_ins_comes_later(app: Flask) -> None:
    with pytest.raises(Unavailable):
        NoInsTeleservice().search(NEW)
    signed_in = SignedIn("zoe", "eidas2", "token", {})
    with transaction():
        first = sign_in.sign_in_citizen(signed_in=signed_in, issuer="i", traits=NEW, ins=None)
        assert first.patient_id is not None
        assert queries.get_patient(first.patient_id).identity_status is IdentityStatus.VALI
        assert not queries.get_patient(first.patient_id).feeds_dmp
    with transaction():
        ins = SimulatedInsTeleservice().search(NEW)
        again = sign_in.sign_in_citizen(signed_in=signed_in, issuer="i", traits=NEW, ins=ins)
        assert again == first
        assert queries.get_patient(first.patient_id).feeds_dmp


def test_a_new_subject_for_a_known_identity_is_the_same_person(people: Seeded) -> None:
    camille = load_people()["citizens"][0]
    traits = seeding._traits(camille)
    with transaction():
        found = sign_in.sign_in_citizen(
            signed_in=SignedIn("another-subject", "eidas2", "token", {}),
            issuer="simulated",
            traits=traits,
            ins=SimulatedInsTeleservice().search(traits),
        )
    assert found.id == people.persons["camille"]


def test_a_space_opens_by_itself_after_the_opposition_period_and_not_before(app: Flask, clock: FrozenClock) -> None:
    with transaction():
        ins = SimulatedInsTeleservice().search(NEW)
        assert ins is not None
        patient_id = spaces.invite_insured(traits=NEW, ins=ins, email="zoe@exemple.invalid")
        assert spaces.invite_insured(traits=NEW, ins=ins) == patient_id
    clock.move(days=41)
    open_spaces()
    with transaction():
        assert not queries.get_patient(patient_id).is_open
    clock.move(days=1)
    open_spaces()
    with transaction(patient_id=patient_id):
        assert queries.get_patient(patient_id).is_open
        assert notifications.count_unread(patient_id) == 1
        subjects = [email.subject for email in notifications.list_emails()]
    assert subjects == [
        "Vous avez un nouveau message dans votre espace",
        "Votre espace numérique de santé va être créé",
    ]


def test_an_opposition_holds_after_the_period(people: Seeded) -> None:
    assert state_of(people, "ruth") is SpaceState.OPPOSED
    open_spaces()
    assert state_of(people, "ruth") is SpaceState.OPPOSED


def test_ruth_changes_her_mind_on_the_page(client: FlaskClient, people: Seeded) -> None:
    sign_in_citizen(client, person_id=people.persons["ruth"], patient_id=people.patients["ruth"])
    assert client.get("/espace").location.startswith("/espace/ouverture")
    answer = submit(client, "/espace/ouverture?suite=/espace/notifications", {"decision": "ouvrir"})
    assert answer.location == "/espace/notifications"
    assert client.get("/espace").status_code == 200


def test_paul_opposes_on_the_page(client: FlaskClient, people: Seeded) -> None:
    sign_in_citizen(client, person_id=people.persons["paul"], patient_id=people.patients["paul"])
    assert submit(client, "/espace/ouverture", {"decision": "peut-être"}).status_code == 422
    submit(client, "/espace/ouverture", {"decision": "refuser"})
    assert state_of(people, "paul") is SpaceState.OPPOSED


def test_a_form_sent_to_a_space_that_is_not_open_is_refused(client: FlaskClient, people: Seeded) -> None:
    sign_in_citizen(client, person_id=people.persons["ruth"], patient_id=people.patients["ruth"])
    assert submit(client, "/espace/fermeture", page="/espace/ouverture").status_code == 403


def test_camille_closes_her_space_and_comes_back(client: FlaskClient, people: Seeded) -> None:
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=people.patients["camille"])
    submit(client, "/espace/fermeture")
    assert state_of(people, "camille") is SpaceState.CLOSED
    assert client.get("/espace").status_code == 303
    submit(client, "/espace/ouverture", {"decision": "ouvrir"})
    assert state_of(people, "camille") is SpaceState.OPEN


def test_a_representative_decides_for_the_child(client: FlaskClient, people: Seeded) -> None:
    sign_in_citizen(
        client,
        person_id=people.persons["camille"],
        patient_id=people.patients["camille"],
        acting_for=people.patients["lea"],
    )
    submit(client, "/espace/fermeture")
    assert state_of(people, "lea") is SpaceState.CLOSED
    assert state_of(people, "camille") is SpaceState.OPEN


def test_a_space_is_not_opened_twice(people: Seeded) -> None:
    with pytest.raises(Conflict), transaction(patient_id=people.patients["camille"]):
        spaces.open_space(patient_id=people.patients["camille"], by=SYSTEM)


def test_enrolling_the_people_again_changes_nothing(people: Seeded) -> None:
    with transaction():
        assert seeding.seed_people(load_people(), issuer="simulated") == people


def test_the_people_are_in_the_states_that_the_demonstration_tells(people: Seeded) -> None:
    found = {name: str(state_of(people, name)) for name in people.patients}
    assert found == {"camille": "open", "dominique": "open", "lea": "open", "paul": "invited", "ruth": "opposed"}
    with transaction():
        represented = queries.list_represented(people.persons["camille"])
    assert [patient.display_name for patient in represented] == ["Léa Durand"]


def test_synthetic_patients_are_a_dozen_and_sign_nobody_in(app: Flask) -> None:
    with transaction():
        ids = create_synthetic_patients()
    with transaction() as session:
        assert create_synthetic_patients() == ids
        found = queries.list_synthetic_patients()
        assert len(found) == 12
        assert {patient.id for patient in found} == set(ids)
        assert all(patient.is_open and patient.feeds_dmp for patient in found)
        row = session.get_one(Patient, ids[0])
        traits = Traits(row.birth_family_name, row.birth_given_names, row.birth_date, row.sex, row.birth_place)
        with pytest.raises(sign_in.SignInFailed):
            sign_in.sign_in_citizen(
                signed_in=SignedIn("somebody", "eidas2", "token", {}),
                issuer="simulated",
                traits=traits,
                ins=SimulatedInsTeleservice().search(traits),
            )


def test_a_person_tells_their_region_from_the_list_or_prefers_not_to(client: FlaskClient, people: Seeded) -> None:
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=people.patients["camille"])
    page = "/espace/parametres/region"
    asked = client.get(page).text
    assert '<option value="52">Pays de la Loire</option>' in asked
    assert '<option value="aucune">Je préfère ne pas le dire</option>' in asked
    assert submit(client, page, {"region": ""}).status_code == 422
    assert submit(client, page, {"region": "52"}).status_code == 303
    assert '<option value="52" selected>' in client.get(page).text
    assert submit(client, page, {"region": "aucune"}).status_code == 303
    assert '<option value="" selected>' in client.get(page).text
