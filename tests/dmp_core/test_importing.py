"""Documents that an establishment hands over: who they are about, what they become, what is refused."""

import os
from collections import Counter
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask

from dmp_core.cda.envelopes import xdm
from dmp_core.cda.envelopes.xdm import Packed
from dmp_core.cli import dmp
from dmp_core.queries.documents import list_latest_documents
from dmp_core.queries.entries import list_entries
from dmp_core.rules.documents.visibility import Viewer, ViewerKind
from dmp_core.rules.entries.kinds import KINDS
from dmp_core.service.entries.demonstration import add_reports_for_demo
from identity_core.gateway.ins import Traits
from identity_core.rules import IdentityStatus
from identity_core.service import people, spaces
from platform_core import clock
from platform_core.access import SYSTEM
from platform_core.database import db, transaction
from platform_core.fhir import wire
from platform_core.health_identity import INS_NIR_TEST, Ins
from tests.dmp_core.cda import building, test_envelopes
from tests.dmp_core.cda.test_reading import CONCERN, DIABETES
from tests.dmp_core.cda.test_samples import SAMPLES
from tests.recalling import recall_people

PATIENT = Viewer(ViewerKind.PATIENT)
CONDITION = building.section(CONCERN.format(status="active", negated="false", allergy="", value=DIABETES))


def enrol(matricule: str, status: IdentityStatus = IdentityStatus.QUAL, *, is_open: bool = True) -> UUID:
    traits = Traits("DURAND", "CAMILLE", date(1985, 4, 12), "female", "75056")
    with transaction():
        patient_id = people.enrol_patient(traits=traits, ins=Ins(matricule, INS_NIR_TEST), status=status).id
    if is_open:
        with transaction(patient_id=patient_id):
            spaces.open_space(patient_id=patient_id, by=SYSTEM)
    return patient_id


@pytest.fixture
def patient_id(app: Flask) -> UUID:
    return enrol("285047510112397")


def run(folder: Path, *files: tuple[str, bytes]) -> tuple[int, str]:
    """Import files; the exit code and all that was said."""
    for name, content in files:
        (folder / name).write_bytes(content)
    found = CliRunner().invoke(dmp, ["import", str(folder)], catch_exceptions=False)
    return found.exit_code, found.output


def titles(patient_id: UUID) -> list[tuple[str, str, str]]:
    with transaction(patient_id=patient_id):
        found = list_latest_documents(patient_id=patient_id, viewer=PATIENT, limit=50)
        return [(one.title, one.type_code, one.author_name) for one in found]


def entries(patient_id: UUID) -> Counter[str]:
    with transaction(patient_id=patient_id):
        return Counter(row.category for row in list_entries(patient_id=patient_id, viewer=PATIENT, categories=KINDS))


def test_a_cda_document_goes_into_the_record_of_its_matricule(patient_id: UUID, tmp_path: Path) -> None:
    code, said = run(tmp_path, ("cr.xml", building.document(CONDITION)))
    assert (code, said) == (0, "cr.xml: 1 document filed.\n")
    assert titles(patient_id) == [("Compte rendu d’essai", "11488-4", "Cabinet d’essai")]
    assert entries(patient_id) == {"profile.conditions": 1}


def test_a_message_and_a_package_carry_documents(patient_id: UUID, tmp_path: Path) -> None:
    other = building.document(CONDITION).replace(b"CR-7", b"CR-8").replace(b"CR-6", b"CR-5")
    entry = test_envelopes.ENTRY
    package = xdm.write_package(test_envelopes.SUBMISSION, [Packed(entry, other)])
    message = test_envelopes.message(content=building.document(CONDITION).replace(b"CR-7", b"CR-9")).encode()
    code, said = run(tmp_path, ("a.zip", package), ("b.hl7", message))
    assert (code, said) == (0, "a.zip: 1 document filed.\nb.hl7: 1 document filed.\n")
    assert sorted(one[0] for one in titles(patient_id)) == ["Compte rendu <d’essai>", "Compte rendu d’essai"]
    with transaction(patient_id=patient_id):
        masked = db.session.scalars(sa.text("SELECT title FROM dmp_document WHERE masked")).all()
    assert masked == ["Compte rendu <d’essai>"]
    assert entries(patient_id) == {"profile.conditions": 2}


def test_the_journal_tells_the_patient_who_filed_it(patient_id: UUID, tmp_path: Path) -> None:
    run(tmp_path, ("cr.xml", building.document(CONDITION)))
    with transaction(patient_id=patient_id):
        lines = db.session.execute(
            sa.text("SELECT actor_kind, actor_name, access, categories, count FROM core_journal")
        ).all()
    assert [tuple(line) for line in lines] == [
        ("professional", "Cabinet d’essai", "write", ["documents.hospital-reports"], 1)
    ]


def test_a_new_version_takes_the_place_of_the_old_and_of_its_data(patient_id: UUID, tmp_path: Path) -> None:
    first = building.document(CONDITION).replace(b"CR-7", b"CR-6")
    second = building.document(CONDITION, CONDITION)
    run(tmp_path, ("1.xml", first), ("2.xml", second))
    assert len(titles(patient_id)) == 1
    assert entries(patient_id) == {"profile.conditions": 2}
    code, said = run(tmp_path, ("1.xml", first), ("2.xml", second))
    assert code == 1
    assert said.count("refused (duplicate)") == 2
    assert entries(patient_id) == {"profile.conditions": 2}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (building.document(CONDITION)[:-30], "cda-malformed"),
        (building.document(CONDITION).replace(b"285047510112397", b"185047510112350"), "unknown-patient"),
        (building.document(CONDITION).replace(b"1.2.250.1.213.1.4.10", b"1.2.250.1.999.8"), "no-matricule"),
        (building.document(CONDITION, type="9999-9"), "invalid-resource"),
        (b"MSH|^~", "hl7-malformed"),
        (b"PK\x03\x04 pas une archive", "archive-unreadable"),
        (test_envelopes.message(content=b"%PDF-1.7").encode(), "hl7-unsupported"),
        (
            test_envelopes.message(content=building.document(CONDITION))
            .replace("285047510112397", "1850475101123")
            .encode(),
            "patient-mismatch",
        ),
    ],
)
def test_a_refusal_is_told_and_leaves_nothing_while_the_others_go_in(
    patient_id: UUID, tmp_path: Path, content: bytes, code: str
) -> None:
    good = building.document(building.section(text="Bonjour")).replace(b"CR-7", b"CR-1")
    exit_code, said = run(tmp_path, ("a.bad", content), ("b.xml", good))
    assert exit_code == 1
    assert f"a.bad: refused ({code})" in said
    assert "b.xml: 1 document filed." in said
    assert len(titles(patient_id)) == 1
    assert not entries(patient_id)


@pytest.mark.parametrize(
    ("status", "is_open", "code"),
    [
        (IdentityStatus.PROV, True, "identity-not-qualified"),
        (IdentityStatus.VALI, True, "identity-not-qualified"),
        (IdentityStatus.QUAL, False, "space-not-open"),
    ],
)
def test_only_a_qualified_identity_with_an_open_space_is_fed(
    app: Flask, tmp_path: Path, status: IdentityStatus, is_open: bool, code: str
) -> None:
    patient_id = enrol("285047510112397", status, is_open=is_open)
    exit_code, said = run(tmp_path, ("cr.xml", building.document(CONDITION)))
    assert (exit_code, f"refused ({code})" in said) == (1, True)
    assert titles(patient_id) == []


def test_a_package_of_two_patients_is_refused_whole(patient_id: UUID, tmp_path: Path) -> None:
    enrol("185047510112350")
    entry = test_envelopes.ENTRY
    theirs = test_envelopes.replace(
        entry, unique_id="1.2.3", patient_id=entry.patient_id.replace("285047510112397", "185047510112350")
    )
    documents = [Packed(entry, building.document(CONDITION)), Packed(theirs, building.document(CONDITION))]
    code, said = run(tmp_path, ("a.zip", xdm.write_package(test_envelopes.SUBMISSION, documents)))
    assert (code, "refused (several-patients)" in said) == (1, True)
    assert titles(patient_id) == []


@pytest.mark.skipif("ENS_SAMPLES_DIR" not in os.environ, reason="ENS_SAMPLES_DIR names no folder of published samples")
def test_the_published_samples_go_in_and_come_out_with_what_they_held(app: Flask) -> None:
    patient_id = enrol("279035121518989")
    found = CliRunner().invoke(dmp, ["import", str(SAMPLES)], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    assert sorted(code for _, code, _ in titles(patient_id)) == [
        "11369-6",
        "11490-0",
        "11502-2",
        "11502-2",
        "57833-6",
        "REMB",
        "SYNTH",
    ]
    assert entries(patient_id) == {
        "results.biology": 2,
        "reimbursements": 25,
        "vaccinations": 4,
        "profile.treatments": 4,
        "profile.conditions": 4,
        "profile.allergies": 2,
        "profile.family-history": 1,
        "profile.lifestyle": 2,
    }


def bundle(*resources: dict[str, object], patients: int = 1) -> bytes:
    people = [{"resourceType": "Patient", "id": f"p{number}"} for number in range(patients)]
    entries = [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in people]
    entries += [{"resource": {"subject": {"reference": "urn:uuid:p0"}, **one}} for one in resources]
    return wire.write({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


def observation(code: str, category: str, value: float = 1, unit: str = "kg") -> dict[str, object]:
    system = "http://terminology.hl7.org/CodeSystem/observation-category"
    return {
        "resourceType": "Observation",
        "id": f"o-{code}",
        "status": "final",
        "category": [{"coding": [{"system": system, "code": category}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": code}], "text": "Essai"},
        "effectiveDateTime": "2026-01-01T08:00:00+01:00",
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    }


def transfer(patient_id: UUID, path: Path) -> tuple[int, str]:
    arguments = ["transfer", str(path), "--patient", str(patient_id), "--source", "Cabinet d’essai"]
    found = CliRunner().invoke(dmp, arguments, catch_exceptions=False)
    return found.exit_code, found.output


def test_a_record_kept_elsewhere_is_taken_over(patient_id: UUID, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(
        bundle(
            observation("29463-7", "vital-signs", 72.5),
            observation("72514-3", "vital-signs", 3, "{score}"),
            observation("39156-5", "vital-signs", 22, "kg/m2"),
            observation("718-7", "laboratory", 14, "g/dL"),
            observation("72166-2", "survey", 5, "/d"),
            observation("9999-9", "survey"),
            {"resourceType": "Encounter", "id": "e"},
            {**observation("8302-2", "vital-signs", 170, "cm"), "subject": {"reference": "urn:uuid:autre"}},
            {**observation("8867-4", "vital-signs", 60, "furlong")},
        )
    )
    code, said = transfer(patient_id, path)
    assert code == 0
    assert said.splitlines() == [
        "measures.body-weight: 1",
        "measures.pain: 1",
        "profile.lifestyle: 1",
        "results.biology: 1",
        "left out Observation/o-39156-5: the body mass index is computed from the weight and the height",
        "left out Observation/o-9999-9: it is no measure, result or habit that the record keeps",
        "left out Encounter/e: the record keeps no Encounter",
        "left out Observation/o-8302-2: it is about nobody that the Bundle holds",
        "left out Observation/o-8867-4: Observation.valueQuantity.code must be /min (http://unitsofmeasure.org).",
    ]
    assert entries(patient_id) == {"profile.lifestyle": 1, "results.biology": 1}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{", "JSON"),
        (b'{"resourceType": "Patient"}', "is no Bundle"),
        (bundle(observation("29463-7", "vital-signs"), patients=2), "several patients"),
        (bundle(observation("9999-9", "survey")), "nothing that the record keeps"),
    ],
)
def test_what_is_no_record_of_one_patient_is_refused(patient_id: UUID, tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(data)
    code, output = transfer(patient_id, path)
    assert (code, said in output) == (1, True), output


@pytest.mark.skipif("ENS_SAMPLES_DIR" not in os.environ, reason="ENS_SAMPLES_DIR names no folder of published samples")
def test_the_synthetic_record_is_taken_over_with_what_it_held(patient_id: UUID) -> None:
    code, said = transfer(patient_id, SAMPLES.parent / "synthea" / "Clemente_Kreiger.json")
    assert code == 0
    assert [line for line in said.splitlines() if not line.startswith("left out")] == [
        "measures.blood-pressure: 3",
        "measures.body-height: 3",
        "measures.body-weight: 3",
        "measures.pain: 3",
        "profile.conditions: 1",
        "profile.lifestyle: 3",
        "reimbursements: 3",
        "results.biology: 30",
        "vaccinations: 4",
    ]
    assert entries(patient_id).total() == 41


def test_the_demonstration_hands_reports_over_once(app: Flask) -> None:
    camille = recall_people().patients["camille"]
    for filed in (5, 0):
        with transaction(patient_id=camille):
            assert add_reports_for_demo(patient_id=camille, until=clock.now(), years=2) == filed
    assert entries(camille) == {
        "results.biology": 12,
        "vaccinations": 4,
        "profile.conditions": 3,
        "profile.allergies": 1,
        "profile.treatments": 2,
        "reimbursements": 16,
    }
