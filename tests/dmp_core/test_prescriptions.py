"""Prescriptions of a record and their dispensations: what the person sees, what others do not, what goes away."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dmp_core.cda import orders, writing
from dmp_core.cda.document import Organization, Person
from dmp_core.cda.orders import Ordered
from dmp_core.cda.reading import read
from dmp_core.cda.values import Code, Identifier
from dmp_core.cda.writing import LOINC, Head, Part
from dmp_core.fhir.imports import of_header
from dmp_core.queries.prescriptions import follow_prescriptions, list_lines
from dmp_core.rules.documents.visibility import Viewer, ViewerKind
from dmp_core.rules.prescriptions.attention import Why
from dmp_core.rules.prescriptions.lines import LineKind
from dmp_core.rules.prescriptions.matching import Certainty
from dmp_core.rules.prescriptions.standing import State
from dmp_core.service.documents import acts
from dmp_core.service.documents.importing import Handed, import_document
from dmp_core.service.entries.demonstration import add_reports_for_demo
from dmp_core.service.prescriptions.demonstration import add_prescriptions_for_demo
from dmp_core.service.professionals import agreements
from identity_core import queries as identity
from identity_core.service.seeding import Seeded
from platform_core.access import SYSTEM, Actor, ActorKind
from platform_core.clock import FrozenClock
from platform_core.database import db, run, transaction
from tests.recalling import recall_people
from tests.signing_in import sign_in_citizen, sign_in_professional

ATC, CIP = "2.16.840.1.113883.6.73", "1.2.250.1.213.2.3.2"
DOCTOR = Person("Martin", "Sophie", "DR", Identifier("1.2.250.1.71.4.2.1", "881000000018"))
PHARMACY = Organization("Pharmacie de la Halle", Identifier("1.2.250.1.71.4.2.2", "1750000040"))
PHARMACIST = Person("Halle", "Paule", "", organization=PHARMACY)
RAMIPRIL = Code("3400900000011", CIP, "ESSAIPRIL 5 mg, comprimé", translations=(Code("C09AA05", ATC, "ramipril"),))
PATIENT, PROFESSIONAL = Viewer(ViewerKind.PATIENT), Viewer(ViewerKind.PROFESSIONAL, uuid4())
File = Callable[..., UUID]


@pytest.fixture
def people(app: Flask) -> Seeded:
    return recall_people()


@pytest.fixture
def camille(people: Seeded) -> UUID:
    return people.patients["camille"]


@pytest.fixture
def by(people: Seeded, camille: UUID) -> Actor:
    return Actor(ActorKind.PATIENT, people.persons["camille"], "Camille Durand")


@pytest.fixture
def space(client: FlaskClient, people: Seeded, camille: UUID) -> FlaskClient:
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=camille)
    return client


@pytest.fixture
def file(camille: UUID, clock: FrozenClock) -> File:
    """`file(name, code, *entries, ago=…)` has a document filed by an establishment; its id."""
    with transaction():
        ins = identity.find_ins(camille)
        assert ins

    def import_one(name: str, code: str, *entries: Any, ago: int = 0, **head: Any) -> UUID:
        at = clock() - timedelta(days=ago)
        written = Head(
            unique_id=document(name),
            code=Code(code, LOINC, "Prescription" if code == "57833-6" else "Dispensation"),
            title=name,
            created=at,
            template=orders.PRESCRIPTION if code == "57833-6" else orders.DISPENSATION,
            patient=Identifier(ins.oid, ins.matricule),
            family="DURAND",
            given="CAMILLE",
            birth_date=date(1985, 4, 12),
            gender="F",
            author=DOCTOR,
            custodian=PHARMACY,
            facility="SA08",
            setting="AMBULATOIRE",
            **head,
        )
        part = Part(
            code=Code("57828-6", LOINC), title="Médicaments", template="1.2.3", rows=[["Voir"]], entries=entries
        )
        content = writing.write(written, [part])
        handed = Handed(of_header(read(content).header), content)
        with transaction(patient_id=camille):
            return import_document(handed=handed, patient_id=camille, by=SYSTEM)

    return import_one


def document(name: str) -> Identifier:
    return Identifier("1.2.250.1.999.7", name)


def line(name: str, clock: FrozenClock, ago: int = 0, **changes: Any) -> Any:
    given = {
        "id": Identifier("1.2.250.1.999.8", name),
        "product": RAMIPRIL,
        "dose": Decimal(1),
        "unit": "{tablet}",
        "every": (1, "d"),
        "start": clock().date() - timedelta(days=ago),
        "days": 30,
        "boxes": 2,
        "repeats": 1,
        **changes,
    }
    return orders.prescribed(Ordered(**given))


def given(name: str, clock: FrozenClock, ago: int, order: str | None, boxes: int = 1, **changes: Any) -> Any:
    found = {
        "id": Identifier("1.2.250.1.999.9", name),
        "product": RAMIPRIL,
        "boxes": boxes,
        "at": clock().date() - timedelta(days=ago),
        "by": PHARMACIST,
        "order": Identifier("1.2.250.1.999.8", order) if order else None,
        "document": document("P-1"),
        **changes,
    }
    return orders.dispensed(**found)


@pytest.fixture
def served(file: File, clock: FrozenClock) -> tuple[UUID, UUID]:
    """A prescription of ten days ago, of which half of a first handing over was given; both documents."""
    prescription = file("P-1", "57833-6", line("L-1", clock, 10), ago=10)
    dispensation = file("D-1", "60593-1", given("D-1", clock, 8, "L-1"), ago=8, orders=[document("P-1")])
    return prescription, dispensation


def test_what_was_handed_over_and_what_is_left_are_told_from_the_documents(
    space: FlaskClient, served: tuple[UUID, UUID], camille: UUID
) -> None:
    prescription, dispensation = served
    with transaction(patient_id=camille):
        (one,) = follow_prescriptions(patient_id=camille, viewer=PATIENT).current
    ((found, standing),) = one.lines
    assert (standing.state, standing.left, standing.owed) == (State.PARTLY, 3, 1)
    assert [each.line.document_id for each in standing.given] == [dispensation]
    page = space.get("/espace/dossier/prescriptions").text
    assert "ESSAIPRIL 5 mg, comprimé" in page and "Délivré en partie" in page
    detail = space.get(f"/espace/dossier/prescriptions/{prescription}").text.replace("\xa0", " ")
    for words in (
        "1 comprimé chaque jour",
        "Reste à délivrer en tout : 3 boîtes.",
        "il reste à remettre : 1 boîte.",
        "1 renouvellement restant.",
        "Pharmacie de la Halle",
        "La délivrance cite cette ligne",
    ):
        assert words in detail
    assert f'href="/espace/dossier/documents/{dispensation}"' in detail
    reader = space.get(f"/espace/dossier/documents/{prescription}").text
    assert f'href="/espace/dossier/prescriptions/{prescription}"' in reader
    assert "Ce qui a été délivré" in space.get(f"/espace/dossier/documents/{dispensation}").text
    assert "1 ordonnance en cours" in space.get("/espace/dossier").text.replace("\xa0", " ")
    assert found.kind is LineKind.PRESCRIPTION


def test_numbers_that_no_prescription_has_count_as_not_said(
    space: FlaskClient, file: File, camille: UUID, clock: FrozenClock
) -> None:
    file("P-1", "57833-6", line("L-1", clock, ago=5, repeats=99_999), ago=5)
    file("D-1", "60593-1", given("G-1", clock, 3, "L-1", boxes=10**12, product=Code()), ago=3)
    with transaction(patient_id=camille):
        told = [(one.label, one.repeats, one.quantity) for one in list_lines(patient_id=camille, viewer=PATIENT)]
    assert told == [("Produit sans nom", None, None), ("ESSAIPRIL 5 mg, comprimé", None, Decimal(2))]
    assert [space.get(page).status_code for page in ("/espace/dossier", "/espace/dossier/prescriptions")] == [200, 200]


def test_what_is_masked_vanishes_for_others_with_all_that_would_tell_of_it(
    space: FlaskClient, served: tuple[UUID, UUID], camille: UUID, by: Actor, file: File, clock: FrozenClock
) -> None:
    file("D-2", "60593-1", given("D-2", clock, 7, "L-1", document=document("elsewhere")), ago=7)
    with transaction(patient_id=camille):
        assert len(list_lines(patient_id=camille, viewer=PROFESSIONAL)) == 3
        acts.mask_document(patient_id=camille, document_id=served[0], by=by)
        assert list_lines(patient_id=camille, viewer=PROFESSIONAL) == []
        assert len(list_lines(patient_id=camille, viewer=PATIENT)) == 3
    assert "masquez-les aussi" in space.get(f"/espace/dossier/prescriptions/{served[0]}").text


def test_who_is_kept_from_the_profile_is_not_told_of_allergies(
    served: tuple[UUID, UUID], camille: UUID, file: File
) -> None:
    file("S-1", "11369-6", writing.allergy(Code("C09AA", ATC, "IEC"), date(2020, 1, 1)))
    with transaction(patient_id=camille):
        told, untold = (
            follow_prescriptions(patient_id=camille, viewer=PATIENT, allergies=reached) for reached in (True, False)
        )
    assert (len(told.attentions), untold.attentions, untold.known) == (1, [], 0)


def test_a_dispensation_that_is_masked_is_not_counted_for_others(
    served: tuple[UUID, UUID], camille: UUID, by: Actor
) -> None:
    with transaction(patient_id=camille):
        acts.mask_document(patient_id=camille, document_id=served[1], by=by)
        (one,) = follow_prescriptions(patient_id=camille, viewer=PROFESSIONAL).current
    assert [standing.state for _, standing in one.lines] == [State.NEVER]


def test_a_prescription_taken_back_goes_and_leaves_what_was_handed_over(
    served: tuple[UUID, UUID], camille: UUID
) -> None:
    with transaction(patient_id=camille):
        run("UPDATE dmp_document SET state = 'deleted' WHERE id = %(id)s", {"id": served[0]})
        course = follow_prescriptions(patient_id=camille, viewer=PATIENT)
    assert (course.current, course.finished) == ([], [])
    assert [one.document_id for one in course.apart] == [served[1]]


def test_nobody_else_reads_it(client: FlaskClient, people: Seeded, served: tuple[UUID, UUID], camille: UUID) -> None:
    sign_in_citizen(client, person_id=people.persons["dominique"], patient_id=people.patients["dominique"])
    assert client.get(f"/espace/dossier/prescriptions/{served[0]}").status_code == 404
    assert "ESSAIPRIL" not in client.get("/espace/dossier/prescriptions").text
    with transaction():
        assert db.session.connection().exec_driver_sql("SELECT count(*) FROM dmp_medicine_line").scalar() == 0


def test_a_recorded_allergy_is_pointed_out_unless_it_is_refuted_or_over(
    file: File, clock: FrozenClock, camille: UUID
) -> None:
    allergy = writing.allergy(Code("C09AA", ATC, "Inhibiteurs de l’enzyme de conversion"), date(2020, 1, 1))
    file("P-1", "57833-6", line("L-1", clock))
    file("S-1", "11369-6", allergy)
    with transaction(patient_id=camille):
        (one,) = follow_prescriptions(patient_id=camille, viewer=PATIENT).attentions
        assert one.why is Why.ALLERGY_CLASS and one.document_id
        run(
            "UPDATE dmp_entry SET body = jsonb_set(body::jsonb, '{verificationStatus,coding,0,code}', '\"refuted\"')"
            " WHERE category = 'profile.allergies'",
            {},
        )
        assert not follow_prescriptions(patient_id=camille, viewer=PATIENT).attentions
        run(
            "UPDATE dmp_entry SET status = 'resolved', body = jsonb_set(body::jsonb,"
            " '{verificationStatus,coding,0,code}', '\"confirmed\"') WHERE category = 'profile.allergies'",
            {},
        )
        assert not follow_prescriptions(patient_id=camille, viewer=PATIENT).attentions


def test_a_professional_sees_the_same_within_their_reach_and_it_is_journaled(
    app: Flask, people: Seeded, camille: UUID, by: Actor, served: tuple[UUID, UUID]
) -> None:
    doctor = people.professionals["dr-martin"]
    with transaction(patient_id=camille):
        agreements.declare_treating_doctor(patient_id=camille, professional_id=doctor, by=by)
    office = app.test_client()
    sign_in_professional(office, professional_id=doctor)
    page = office.get(f"/pro/patients/{camille}/prescriptions").text
    assert "ESSAIPRIL 5 mg, comprimé" in page and "Délivré en partie" in page
    with transaction(patient_id=camille):
        lines = run("SELECT categories, count FROM core_journal WHERE actor_kind = 'professional'", {})
        assert (["documents.dispensations", "documents.prescriptions"], 2) in [tuple(each) for each in lines]
        acts.mask_document(patient_id=camille, document_id=served[0], by=by)
    assert "ESSAIPRIL" not in office.get(f"/pro/patients/{camille}/prescriptions").text


def test_the_demonstration_tells_each_case_once(camille: UUID, clock: FrozenClock) -> None:
    with transaction(patient_id=camille):
        add_reports_for_demo(patient_id=camille, until=clock(), years=1)
        filed = [add_prescriptions_for_demo(patient_id=camille, until=clock()) for _ in range(2)]
        course = follow_prescriptions(patient_id=camille, viewer=PATIENT)
    assert filed == [15, 0]
    standing = {line.label.partition(",")[0]: standing for one in course.current for line, standing in one.lines}
    assert {label: found.state for label, found in standing.items()} == {
        "Amoxicilline 1 g": State.NEVER,
        "Ramipril 10 mg": State.RENEWABLE,
        "Ramipril 5 mg": State.RENEWABLE,
        "Metformine 850 mg": State.PARTLY,
        "Lévothyroxine 75 µg": State.UNKNOWN,
    }
    assert {one.certainty for found in standing.values() for one in found.given} == set(Certainty)
    assert [[found.state for _, found in one.lines] for one in course.finished] == [[State.SERVED], [State.EXPIRED]]
    assert [line.label.partition(",")[0] for line in course.apart] == ["Paracétamol 500 mg"]
    assert [one.why for one in course.attentions] == [Why.ALLERGY_CLASS, Why.SUBSTANCE, Why.STOPPED]
