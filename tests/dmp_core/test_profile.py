"""The health profile: told step by step, corrected, taken back, saved as a document, carried as a summary."""

import io
from datetime import date
from typing import Any
from uuid import UUID

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader

from dmp_core.fhir.profile import read_told, write_absence, write_told
from dmp_core.queries import documents
from dmp_core.queries.profile import Answer, list_answers
from dmp_core.rules.documents.visibility import Viewer, ViewerKind
from dmp_core.rules.entries.kinds import kind_of
from dmp_core.rules.profile.steps import STEPS
from dmp_core.rules.profile.told import Told, faults
from dmp_core.service.drafts import Author
from dmp_core.service.entries.storing import judge, store
from identity_core.service.seeding import Seeded
from platform_core import crypto
from platform_core.blobs import service as blobs
from platform_core.database import transaction
from platform_core.fhir.validation import judge as judge_fhir
from tests.recalling import recall_people
from tests.signing_in import sign_in_citizen, submit

PAGE = "/espace/dossier/profil"
RECORDED = date(2026, 11, 21)
TOLD = {
    "allergies": Told("Arachide", "high", "Œdème du visage", "2015"),
    "maladies": Told("Asthme", "active", "Surtout au printemps", "2001"),
    "traitements": Told("Salbutamol", "active", "Deux bouffées si besoin", "2010"),
    "famille": Told("Diabète", "MTH", "À 60 ans"),
    "habitudes": Told("Je ne fume pas", "tobacco"),
}
CASES = [(name, choice) for name, step in STEPS.items() for choice in step.choices]


@pytest.mark.parametrize(("name", "choice"), CASES)
def test_what_is_told_is_valid_and_reads_back_as_it_was(name: str, choice: str) -> None:
    step, told = STEPS[name], Told(**{**vars_of(TOLD[name]), "choice": choice})
    resource = write_told(step, told, recorded=RECORDED)
    assert kind_of(resource) is step.kind
    assert judge_fhir({**resource, step.kind.subject: {"reference": "Patient/1"}}) == []
    assert read_told(step, resource) == told


@pytest.mark.parametrize("name", list(STEPS))
@pytest.mark.parametrize("known", [True, False])
def test_an_absence_is_a_valid_statement_that_is_recognised(name: str, known: bool) -> None:
    step = STEPS[name]
    absence = step.none if known else step.unknown
    resource = write_absence(step, absence, recorded=RECORDED)
    draft = judge(step.kind, {**resource, step.kind.subject: {"reference": "Patient/1"}}, "1")
    assert step.absence(draft.said.codes) is absence and draft.said.label == absence.text


@pytest.mark.parametrize(
    ("name", "changes", "field"),
    [
        ("allergies", {"label": ""}, "label"),
        ("allergies", {"label": "x" * 201}, "label"),
        ("allergies", {"choice": "active"}, "choice"),
        ("maladies", {"detail": "x" * 501}, "detail"),
        ("maladies", {"since": "1979"}, "since"),
        ("maladies", {"since": "2027"}, "since"),
        ("maladies", {"since": "²015"}, "since"),
        ("habitudes", {"detail": "non"}, "detail"),
        ("famille", {"since": "2015"}, "since"),
    ],
)
def test_what_is_wrong_is_told_by_field(name: str, changes: dict[str, str], field: str) -> None:
    told = Told(**{**vars_of(TOLD[name]), **changes})
    found = faults(STEPS[name], told, born=date(1980, 3, 14), today=RECORDED)
    assert [fault.where for fault in found] == [field]


def vars_of(told: Told) -> dict[str, str]:
    return {"label": told.label, "choice": told.choice, "detail": told.detail, "since": told.since}


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


def answers(patient_id: UUID) -> dict[str, Answer]:
    with transaction(patient_id=patient_id):
        found = list_answers(patient_id=patient_id, viewer=Viewer(ViewerKind.PATIENT, patient_id))
    return {answer.step.name: answer for answer in found}


def summary(space: FlaskClient) -> dict[str, Any]:
    answer = space.get(f"{PAGE}/resume.json")
    assert answer.mimetype == "application/fhir+json" and answer.headers["Cache-Control"] == "no-store"
    bundle: dict[str, Any] = orjson.loads(answer.data)
    assert judge_fhir(bundle) == []
    return bundle


def test_a_step_goes_from_absence_to_an_answer_that_is_corrected_then_taken_back(
    space: FlaskClient, camille: UUID
) -> None:
    path = f"{PAGE}/allergies"
    assert submit(space, path, {"absence": "none"}).location == f"{PAGE}/maladies"
    assert submit(space, path, {"absence": "unknown"}).status_code == 303
    found = answers(camille)["allergies"]
    assert [row.label for row in found.stated] == ["Allergies : ne sait pas"] and found.is_given
    assert submit(space, path, vars_of(TOLD["allergies"])).location == path
    (row,) = answers(camille)["allergies"].rows
    assert answers(camille)["allergies"].absence is None
    assert "Saisi par Camille Durand" in space.get(path).text
    assert submit(space, path, {"absence": "none"}, page=PAGE).location == path
    assert len(answers(camille)["allergies"].rows) == 1
    assert 'value="Arachide"' in space.get(f"{path}/{row.id}").text
    wrong = submit(space, f"{path}/{row.id}", {**vars_of(TOLD["allergies"]), "since": "hier"})
    assert wrong.status_code == 422 and "Écrivez une année" in wrong.text and 'value="hier"' in wrong.text
    submit(space, f"{path}/{row.id}", {**vars_of(TOLD["allergies"]), "label": "Noix"})
    assert [(one.label, one.version) for one in answers(camille)["allergies"].rows] == [("Noix", 2)]
    assert space.get(f"{PAGE}/maladies/{row.id}").status_code == 404
    submit(space, f"{path}/{row.id}", {"act": "retirer"})
    assert not answers(camille)["allergies"].is_given
    assert space.get(f"{PAGE}/ailleurs").status_code == 404


def test_the_profile_is_checked_saved_in_the_place_of_the_former_and_carried_abroad(
    space: FlaskClient, camille: UUID
) -> None:
    for name in ("allergies", "maladies", "famille"):
        submit(space, f"{PAGE}/{name}", vars_of(TOLD[name]))
    submit(space, f"{PAGE}/traitements", {"absence": "none"})
    record_condition(camille, "Insuffisance rénale")
    page = space.get(PAGE).text
    assert "4 sujets remplis sur 5" in page and "Arachide (grave : j’ai eu besoin de soins, depuis 2015" in page
    assert "Insuffisance rénale" in page and "Mère : Diabète (À 60 ans)" in space.get(f"{PAGE}/imprimer").text
    assert "4 sujets remplis sur 5" in space.get("/espace/dossier").text
    for _ in range(2):
        assert submit(space, PAGE).status_code == 303
    with transaction(patient_id=camille):
        viewer = Viewer(ViewerKind.PATIENT, camille)
        (row,) = documents.list_latest_documents(patient_id=camille, viewer=viewer)
        assert row.type_code == "DOCPAT08" and row.replaces is not None
        content = b"".join(blobs.read(row.blob, key=crypto.patient_key(camille)))
    text = PdfReader(io.BytesIO(content)).pages[0].extract_text()
    assert "Œdème du visage" in text and "Aucun traitement" in text and "Rien n’a été dit." in text
    assert "Insuffisance rénale" not in text


def test_the_summary_holds_every_section_and_says_what_is_not_known(space: FlaskClient, camille: UUID) -> None:
    submit(space, f"{PAGE}/maladies", vars_of(TOLD["maladies"]))
    submit(space, f"{PAGE}/traitements", {"absence": "none"})
    bundle = summary(space)
    resources = [entry["resource"] for entry in bundle["entry"]]
    by_url = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
    composition = resources[0]
    assert [one["resourceType"] for one in resources[:2]] == ["Composition", "Patient"]
    held = {
        section["title"]: [by_url[one["reference"]] for one in section["entry"]] for section in composition["section"]
    }
    assert held["Maladies et antécédents"][0]["code"]["text"] == "Asthme"
    assert held["Traitements"][0]["medicationCodeableConcept"]["coding"][0]["code"] == "no-known-medications"
    assert held["Allergies et intolérances"][0]["code"]["coding"][0]["code"] == "no-allergy-info"
    assert all(
        one.get("subject", one.get("patient"))["reference"] == f"urn:uuid:{camille}"
        for found in held.values()
        for one in found
    )


def record_condition(patient_id: UUID, label: str) -> None:
    """A condition that an app wrote."""
    step = STEPS["maladies"]
    resource = write_told(step, Told(label, "active"), recorded=RECORDED)
    draft = judge(step.kind, {**resource, "subject": {"reference": f"Patient/{patient_id}"}}, str(patient_id))
    with transaction(patient_id=patient_id):
        store([draft], Author(patient_id, str(patient_id), None, "Portail CHU", "urn:chu"))
