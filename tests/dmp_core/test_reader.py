"""A CDA document read in its page: sections, prescriptions in words, what deserves a question, what it carries."""

from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from dmp_core.cda.statements import Dosage
from dmp_core.cda.values import Bounds, Period, Quantity
from dmp_core.cda.wording import dosage_in_words
from dmp_core.service.documents import importing
from dmp_core.service.professionals import agreements
from identity_core import queries as identity
from identity_core.service.seeding import Seeded
from platform_core.access import SYSTEM, Actor, ActorKind
from platform_core.database import run, transaction
from tests.dmp_core.cda import building
from tests.dmp_core.cda.test_reading import CONCERN
from tests.recalling import recall_people
from tests.signing_in import sign_in_citizen, sign_in_professional

ALLERGY = CONCERN.format(
    status="active",
    negated="false",
    allergy='<templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.6"/>',
    value='<value xsi:type="CD" code="387517004" codeSystem="2.16.840.1.113883.6.96" displayName="Paracétamol"/>',
)
LINE = (
    '<substanceAdministration moodCode="INT"><templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.7"/>'
    '<templateId root="1.3.6.1.4.1.19376.1.9.1.3.2"/><effectiveTime xsi:type="IVL_TS"><low value="20260312"/>'
    '<width value="5" unit="d"/></effectiveTime><effectiveTime xsi:type="PIVL_TS"><period value="8" unit="h"/>'
    '</effectiveTime><repeatNumber value="2"/><doseQuantity><low value="1" unit="{{tablet}}"/>'
    '<high value="2" unit="{{tablet}}"/></doseQuantity><consumable><manufacturedProduct><manufacturedMaterial>'
    '<code code="{cis}" codeSystem="1.2.250.1.213.2.3.1">'
    '<translation code="N02BE01" codeSystem="2.16.840.1.113883.6.73"/>'
    "</code><name>{name}</name></manufacturedMaterial></manufacturedProduct></consumable></substanceAdministration>"
)
PDF = (
    '<component><nonXMLBody><text mediaType="application/pdf" representation="B64">JVBERi0xLjcK</text></nonXMLBody>'
    "</component>"
)


@pytest.fixture
def people(app: Flask) -> Seeded:
    return recall_people()


@pytest.fixture
def camille(people: Seeded) -> UUID:
    return people.patients["camille"]


@pytest.fixture
def space(client: FlaskClient, people: Seeded, camille: UUID) -> FlaskClient:
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=camille)
    return client


@pytest.fixture
def file(camille: UUID) -> Callable[..., UUID]:
    """`file(*sections)` has the document filed by an establishment; its id."""
    with transaction():
        ins = identity.find_ins(camille)
        assert ins

    def import_one(*sections: str, number: int = 7, **given: str) -> UUID:
        data = building.document(*sections, **given)
        data = data.replace(b"285047510112397", ins.matricule.encode()).replace(b"CR-7", f"N-{number}".encode())
        data = data.replace(b"1.2.250.1.213.1.4.10", ins.oid.encode())
        (handed,) = importing.open_envelope(data)
        with transaction(patient_id=camille):
            return importing.import_document(handed=handed, patient_id=camille, by=SYSTEM)

    return import_one


def quantity(value: str, unit: str) -> Quantity:
    return Quantity(Decimal(value), unit)


@pytest.mark.parametrize(
    ("dosage", "words"),
    [
        (("1", "{tablet}", "8", "h", "", "2", "d"), "1 comprimé toutes les 8 heures pendant 2 jours"),
        (("2", "{drop}", "1", "d", "", "", ""), "2 gouttes chaque jour"),
        (("0.50", "mg", "2", "wk", "", "", ""), "0,5 mg toutes les 2 semaines"),
        (("1", "{tablet}", "", "", "HS", "1", "mo"), "1 comprimé au coucher pendant 1 mois"),
        (("10", "mL", "3", "d", "", "", ""), "10 mL tous les 3 jours"),
        (("", "", "", "", "", "", ""), "selon la douleur"),
    ],
)
def test_a_dosage_is_told_in_words(dosage: tuple[str, ...], words: str) -> None:
    dose, unit, every, per, when, lasting, of = dosage
    found = Dosage(
        text="selon la douleur",
        dose=Bounds(quantity(dose, unit), quantity(dose, unit)) if dose else None,
        every=quantity(every, per) if every else None,
        when=when,
        period=Period(),
        duration=quantity(lasting, of) if lasting else None,
        rate=None,
    )
    assert dosage_in_words(found) == words


def test_a_prescription_is_told_and_what_deserves_a_question_pointed_out(
    space: FlaskClient, file: Callable[..., UUID]
) -> None:
    file(building.section(ALLERGY, code="48765-2"))
    lines = LINE.format(cis="1", name="PARACETAMOL 500 mg"), LINE.format(cis="2", name="DOLIESSAI 1 g")
    document = file(building.section(*lines, code="57828-6"), number=8, type="57833-6")
    page = space.get(f"/espace/dossier/documents/{document}").text.replace("\xa0", " ").replace("\u202f", " ")
    assert "1 à 2 comprimés toutes les 8 heures pendant 5 jours" in page
    assert "À renouveler 2 fois" in page
    assert "PARACETAMOL 500 mg : vous avez noté une allergie à « Paracétamol »." in page
    assert "PARACETAMOL 500 mg et DOLIESSAI 1 g contiennent la même substance." in page
    assert "ce n’est pas un avis médical" in page


def test_what_a_document_carries_is_served_closed(space: FlaskClient, file: Callable[..., UUID]) -> None:
    document = file(body=PDF)
    page = space.get(f"/espace/dossier/documents/{document}").text
    address = f"/espace/dossier/documents/{document}/media/body"
    assert f'href="{address}"' in page
    answer = space.get(address)
    assert (answer.data, answer.content_type) == (b"%PDF-1.7\n", "application/pdf")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["Cache-Control"] == "no-store"
    assert space.get(f"/espace/dossier/documents/{document}/media/autre").status_code == 404


def test_nobody_else_reads_it(client: FlaskClient, people: Seeded, file: Callable[..., UUID]) -> None:
    document = file(body=PDF)
    sign_in_citizen(client, person_id=people.persons["dominique"], patient_id=people.patients["dominique"])
    assert client.get(f"/espace/dossier/documents/{document}").status_code == 404
    assert client.get(f"/espace/dossier/documents/{document}/media/body").status_code == 404


@pytest.mark.browser
def test_a_report_is_read_on_a_narrow_screen(
    page: Page, camille: UUID, file: Callable[..., UUID], assert_accessible: Callable[..., None]
) -> None:
    table = (
        "<table><thead><tr><th>Examen</th><th>Résultat</th><th>Valeurs habituelles</th></tr></thead><tbody>"
        "<tr><td>Thyréostimuline</td><td>1,950 mUI/L</td><td>0,270 à 4,200</td></tr></tbody></table>"
    )
    inner = building.section(title="Hormones", text=table)
    document = file(
        building.section(title="Biochimie", text="<paragraph>Prélèvement du 10 mars.</paragraph>", sections=inner),
        building.section(title="Conclusion", text="<paragraph>Bilan normal.</paragraph>"),
        building.section(title="Commentaire", text="<list><item>À revoir dans un an</item></list>"),
    )
    page.goto(f"/espace/dossier/documents/{document}")
    page.get_by_role("button", name="Se connecter").click()
    page.get_by_role("button", name="Camille Durand").click()
    page.get_by_role("link", name="Conclusion").click()
    expect(page.get_by_role("heading", name="Conclusion")).to_be_in_viewport()
    assert_accessible(page)


def test_what_a_professional_opens_by_itself_is_journaled(
    client: FlaskClient, people: Seeded, camille: UUID, file: Callable[..., UUID]
) -> None:
    document, martin = file(body=PDF), people.professionals["dr-martin"]
    with transaction(patient_id=camille):
        herself = Actor(ActorKind.PATIENT, people.persons["camille"], "Camille Durand")
        agreements.declare_treating_doctor(patient_id=camille, professional_id=martin, by=herself)
    sign_in_professional(client, professional_id=martin)
    assert client.get(f"/pro/patients/{camille}/documents/{document}/media/body").status_code == 200
    with transaction(patient_id=camille):
        (line,) = run("SELECT actor_id, outcome, code FROM core_journal WHERE interaction = 'read'", {})
    assert tuple(line) == (martin, "served", "treating-doctor")
