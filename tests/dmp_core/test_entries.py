"""Vaccinations, reimbursements, the health profile and results of biology, through FHIR."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from dmp_core.queries.entries import describe_entries
from dmp_core.service.documents.contents import COLLECTION
from platform_core import config
from platform_core.access import Access, DatePeriod
from platform_core.database import db, transaction
from platform_core.events import ContributionsChoice, ContributionsWithdrawn, publish
from tests.dmp_core.cda import building
from tests.dmp_core.cda.test_reading import CONCERN, DIABETES, VACCINE
from tests.dmp_core.conftest import App, Fhir, Guard, observation
from tests.dmp_core.filing import document

ACTIVE = "http://terminology.hl7.org/CodeSystem/condition-clinical"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def text(words: str, code: str = "X1") -> dict[str, Any]:
    return {"coding": [{"system": "http://snomed.info/sct", "code": code}], "text": words}


def resource(app: App, type_: str, **changes: Any) -> dict[str, Any]:
    """A resource of that type, as an app would write it."""
    patient = {"reference": f"Patient/{app.patient_reference}"}
    base: dict[str, dict[str, Any]] = {
        "Immunization": {
            "status": "completed",
            "vaccineCode": text("Vaccin d’essai"),
            "patient": patient,
            "occurrenceDateTime": "2025-09-01",
        },
        "AllergyIntolerance": {"code": text("Arachide"), "patient": patient, "onsetDateTime": "2019"},
        "Condition": {
            "clinicalStatus": {"coding": [{"system": ACTIVE, "code": "active"}]},
            "code": text("Asthme"),
            "subject": patient,
            "onsetDateTime": "2010-05",
        },
        "MedicationStatement": {
            "status": "active",
            "medicationCodeableConcept": text("Salbutamol"),
            "subject": patient,
            "effectivePeriod": {"start": "2024-01-01"},
        },
        "FamilyMemberHistory": {
            "status": "completed",
            "patient": patient,
            "relationship": text("Mère", "MTH"),
            "condition": [{"code": text("Diabète")}],
        },
        "Observation": {
            "status": "final",
            "category": [{"coding": [{"system": CATEGORY, "code": "social-history"}]}],
            "code": text("Tabac", "74011-8"),
            "subject": patient,
            "effectiveDateTime": "2026-01-10",
            "valueQuantity": {"value": 5, "unit": "/d"},
        },
        "ExplanationOfBenefit": {"status": "active"},
    }
    found = {"resourceType": type_, **base[type_], **changes}
    return {name: value for name, value in found.items() if value is not None}


CATEGORIES = {
    "Immunization": "vaccinations",
    "AllergyIntolerance": "profile.allergies",
    "Condition": "profile.conditions",
    "MedicationStatement": "profile.treatments",
    "FamilyMemberHistory": "profile.family-history",
    "Observation": "profile.lifestyle",
}
WRITTEN = sorted(CATEGORIES)


def add(fhir: Fhir, type_: str, **changes: Any) -> str:
    answer = fhir.post(type_, resource(fhir.guard.app, type_, **changes))
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def ids(fhir: Fhir, query: str) -> list[str]:
    answer = fhir.get(query)
    assert answer.status_code == 200, answer.text
    return [entry["resource"]["id"] for entry in answer.json.get("entry", ())]


@pytest.mark.parametrize("type_", WRITTEN)
def test_what_is_written_comes_back_as_it_was_given(fhir: Fhir, type_: str) -> None:
    app = fhir.guard.app
    identifier = add(fhir, type_, id=None)
    assert app.required[-1][0] == (CATEGORIES[type_],)
    assert app.required[-1][1] is Access.WRITE
    assert app.counts[-1] == {CATEGORIES[type_]: 1}
    found = fhir.get(f"{type_}/{identifier}").json
    given = resource(app, type_)
    subject = "subject" if "subject" in given else "patient"
    assert {name: value for name, value in found.items() if name not in ("id", "meta", subject)} == {
        name: value for name, value in given.items() if name != subject
    }
    assert found[subject]["reference"] == f"Patient/{app.patient_reference}"
    assert found["meta"]["versionId"] == "1"
    query = f"{type_}?category=social-history" if type_ == "Observation" else type_
    assert ids(fhir, query) == [identifier]


@pytest.mark.parametrize("type_", WRITTEN)
def test_another_patients_is_refused(fhir: Fhir, type_: str) -> None:
    other = App(uuid4())
    answer = fhir.post(type_, resource(other, type_))
    assert (answer.status_code, answer.json["issue"][0]["details"]["coding"][0]["code"]) == (403, "patient-mismatch")


@pytest.mark.parametrize(
    ("type_", "changes", "where"),
    [
        ("Immunization", {"vaccineCode": {"coding": [{"system": "urn:x"}]}}, "Immunization.vaccineCode"),
        ("Immunization", {"patient": None}, "Immunization"),
        ("AllergyIntolerance", {"code": None}, "AllergyIntolerance.code"),
        ("Condition", {"code": {"text": ""}}, "Condition.code"),
        (
            "Condition",
            {"onsetDateTime": "2020-01-01", "abatementDateTime": "2019-01-01"},
            "Condition.abatementDateTime",
        ),
        ("MedicationStatement", {"status": "peut-être"}, "MedicationStatement.status"),
        ("FamilyMemberHistory", {"relationship": None}, "FamilyMemberHistory"),
    ],
)
def test_what_says_nothing_or_contradicts_itself_is_refused_by_name(
    fhir: Fhir, type_: str, changes: dict[str, Any], where: str
) -> None:
    answer = fhir.post(type_, resource(fhir.guard.app, type_, **changes))
    assert answer.status_code == 422, answer.text
    assert answer.json["issue"][0]["expression"][0].startswith(where)


def test_results_and_reimbursements_are_not_written_by_apps(fhir: Fhir) -> None:
    laboratory = [{"coding": [{"system": CATEGORY, "code": "laboratory"}]}]
    answer = fhir.post("Observation", resource(fhir.guard.app, "Observation", category=laboratory))
    assert answer.status_code == 422
    assert fhir.post("ExplanationOfBenefit", resource(fhir.guard.app, "ExplanationOfBenefit")).status_code == 405


def test_a_consent_that_does_not_cover_it_shows_nothing(fhir: Fhir) -> None:
    identifier = add(fhir, "Condition")
    fhir.guard.app.refused = frozenset({("profile.conditions", Access.READ)})
    assert fhir.get(f"Condition/{identifier}").status_code == 404
    assert fhir.get("Condition").status_code == 403


def test_dates_of_the_consent_narrow_what_is_shown(fhir: Fhir) -> None:
    old = add(fhir, "Immunization", occurrenceDateTime="2001-03-04")
    recent = add(fhir, "Immunization")
    fhir.guard.app.periods = {"vaccinations": DatePeriod(date(2020, 1, 1))}
    assert ids(fhir, "Immunization") == [recent]
    assert fhir.get(f"Immunization/{old}").status_code == 404


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Condition?code=X1", ["old", "new"]),
        ("Condition?code=http://snomed.info/sct|X2", ["new"]),
        ("Condition?code=http://snomed.info/sct|", ["old", "new"]),
        ("Condition?code=urn:y|X1", []),
        ("Condition?clinical-status=resolved", ["old"]),
        ("Condition?onset-date=ge2015", ["new"]),
        ("Condition?identifier=urn:mine|7", ["new"]),
        ("Condition?_sort=date", ["old", "new"]),
        ("Condition?_sort=-date&_count=1", ["new"]),
        ("Condition?_count=1&_offset=1&_sort=date", ["new"]),
        ("Condition?_lastUpdated=ge2100", []),
    ],
)
def test_a_search_finds_by_code_date_state_and_identifier(fhir: Fhir, query: str, expected: list[str]) -> None:
    resolved = {"coding": [{"system": ACTIVE, "code": "resolved"}]}
    old = add(fhir, "Condition", clinicalStatus=resolved, abatementDateTime="2012")
    both = {"coding": [*text("", "X1")["coding"], *text("", "X2")["coding"]], "text": "Migraine"}
    new = add(fhir, "Condition", code=both, onsetDateTime="2020", identifier=[{"system": "urn:mine", "value": "7"}])
    names = {old: "old", new: "new"}
    found = [names[identifier] for identifier in ids(fhir, query)]
    assert (found if "_sort" in query else sorted(found, reverse=True)) == expected


def test_its_author_changes_it_and_takes_it_back(fhir: Fhir) -> None:
    identifier = add(fhir, "AllergyIntolerance")
    app = fhir.guard.app
    changed = resource(app, "AllergyIntolerance", id=identifier, code=text("Noix"))
    put = fhir._client.put
    headers = {"Content-Type": "application/fhir+json"}
    answer = put(f"/fhir/AllergyIntolerance/{identifier}", json=changed, headers={**headers, "If-Match": 'W/"1"'})
    assert (answer.status_code, answer.json["meta"]["versionId"], answer.json["code"]["text"]) == (200, "2", "Noix")
    stale = put(f"/fhir/AllergyIntolerance/{identifier}", json=changed, headers={**headers, "If-Match": 'W/"1"'})
    assert stale.status_code == 412
    wrong = {
        "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification",
                "code": "entered-in-error",
            }
        ]
    }
    answer = put(
        f"/fhir/AllergyIntolerance/{identifier}", json={**changed, "verificationStatus": wrong}, headers=headers
    )
    assert answer.status_code == 200
    assert fhir.get(f"AllergyIntolerance/{identifier}").status_code == 404


def test_another_app_reads_but_does_not_change_it(fhir: Fhir) -> None:
    identifier = add(fhir, "Condition")
    first = fhir.guard.app
    fhir.guard.app = second = App(first.patient_id, source="urn:oid:1.2.250.9")
    found = fhir.get(f"Condition/{identifier}").json
    assert found["subject"]["reference"] == f"Patient/{second.patient_reference}"
    assert found["meta"]["source"].startswith("urn:uuid:") and first.source not in str(found)
    answer = fhir._client.put(
        f"/fhir/Condition/{identifier}",
        json=resource(second, "Condition", id=identifier),
        headers={"Content-Type": "application/fhir+json"},
    )
    assert (answer.status_code, answer.json["issue"][0]["details"]["coding"][0]["code"]) == (403, "not-author")
    second.refused = frozenset({("profile.conditions", Access.READ)})
    answer = fhir._client.put(
        f"/fhir/Condition/{identifier}",
        json=resource(second, "Condition", id=identifier),
        headers={"Content-Type": "application/fhir+json"},
    )
    assert answer.status_code == 404


def test_a_conditional_create_finds_its_own(fhir: Fhir) -> None:
    given = {"identifier": [{"system": "urn:mine", "value": "7"}]}
    identifier = add(fhir, "Immunization", **given)
    again = fhir.post(
        "Immunization", resource(fhir.guard.app, "Immunization", **given), If_None_Exist="identifier=urn:mine|7"
    )
    assert (again.status_code, again.json["id"]) == (200, identifier)
    assert (
        fhir.post(
            "Immunization", resource(fhir.guard.app, "Immunization"), If_None_Exist="status=completed"
        ).status_code
        == 400
    )


@pytest.mark.parametrize(
    ("choice", "seen"),
    [(ContributionsChoice.KEEP, True), (ContributionsChoice.MASK, False), (ContributionsChoice.DELETE, False)],
)
def test_the_patient_decides_on_what_an_app_wrote(fhir: Fhir, choice: ContributionsChoice, seen: bool) -> None:
    identifier = add(fhir, "Condition")
    app = fhir.guard.app
    with transaction(patient_id=app.patient_id):
        publish(ContributionsWithdrawn(app.patient_id, app.id, choice))
    assert (fhir.get(f"Condition/{identifier}").status_code == 200) is seen


def test_what_is_kept_from_an_app_is_not_found(fhir: Fhir) -> None:
    identifier = add(fhir, "Condition")
    fhir.guard.app.excluded = frozenset({UUID(identifier)})
    assert fhir.get(f"Condition/{identifier}").status_code == 404
    assert ids(fhir, "Condition") == []


def file_cda(fhir: Fhir, *sections: str, **given: Any) -> str:
    content = building.document(*sections, **{name: given.pop(name) for name in ("template", "type") if name in given})
    app = fhir.guard.app
    answer = fhir.post("DocumentReference", document(app, content=content, content_type="text/xml", **given))
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


@pytest.fixture
def report(fhir: Fhir) -> str:
    """A document with two results, a vaccine and a condition."""
    results = building.laboratory(building.observation(), building.observation(code="3024-7"))
    concern = CONCERN.format(status="active", negated="false", allergy="", value=DIABETES)
    return file_cda(fhir, building.section(results), building.section(VACCINE.format(refused="false"), concern))


def test_a_cda_document_gives_its_structured_data(fhir: Fhir, report: str) -> None:
    results = fhir.get("Observation?category=laboratory").json["entry"]
    assert sorted(one["resource"]["code"]["coding"][0]["code"] for one in results) == ["3016-3", "3024-7"]
    assert results[0]["resource"]["derivedFrom"] == [{"reference": f"DocumentReference/{report}"}]
    assert results[0]["resource"]["valueQuantity"]["value"] == 1.95
    assert len(ids(fhir, "Immunization")) == 1
    assert len(ids(fhir, "Condition?code=E11")) == 1
    assert fhir.guard.app.counts[-1] == {"profile.conditions": 1}


def test_what_was_read_in_a_document_is_not_changed_apart_from_it(fhir: Fhir, report: str) -> None:
    (identifier,) = ids(fhir, "Condition")
    answer = fhir._client.put(
        f"/fhir/Condition/{identifier}",
        json=resource(fhir.guard.app, "Condition", id=identifier),
        headers={"Content-Type": "application/fhir+json"},
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "change",
    ["masked = true", "invisible_to_patient = true", "invisible_to_representatives = true", "state = 'superseded'"],
)
def test_what_was_read_in_a_document_is_seen_by_those_who_see_it(
    fhir: Fhir, report: str, owner: sa.Engine, change: str
) -> None:
    with owner.begin() as connection:
        connection.execute(sa.text(f"UPDATE dmp_document SET {change} WHERE id = :id"), {"id": report})
    assert ids(fhir, "Condition") == ids(fhir, "Immunization") == ids(fhir, "Observation?category=laboratory") == []


def test_a_document_that_cannot_be_read_is_refused_whole(fhir: Fhir) -> None:
    content = building.document(building.section(text="Bonjour")).replace(b"recordTarget", b"recordTarger")
    app = fhir.guard.app
    folder = Path(config.current().blob_url.removeprefix("file://")) / COLLECTION
    files = len(list(folder.rglob("*")))
    answer = fhir.post("DocumentReference", document(app, content=content, content_type="text/xml"))
    assert answer.status_code == 422
    assert ids(fhir, "DocumentReference?status=current") == []
    assert len(list(folder.rglob("*"))) == files


@pytest.mark.parametrize("category", ["", "&category=laboratory,vital-signs"])
def test_a_search_of_every_observation_merges_measures_results_and_habits(
    fhir: Fhir, report: str, category: str
) -> None:
    weight = fhir.add(effectiveDateTime="2026-02-01T08:00:00+01:00")
    habit = add(fhir, "Observation")
    everything = ids(fhir, f"Observation?_sort=-date{category}")
    assert everything[2:] == ([weight, habit] if not category else [weight])
    pages = [ids(fhir, f"Observation?_sort=-date{category}&_count=2&_offset={page}") for page in (0, 1)]
    assert pages[0] + pages[1] == everything
    total = fhir.get(f"Observation?_total=accurate&_count=1{category}").json["total"]
    assert total == len(everything)


def test_a_merged_search_keeps_to_what_the_consent_covers(fhir: Fhir, report: str) -> None:
    fhir.add()
    app = fhir.guard.app
    app.refused = frozenset({("measures.body-weight", Access.READ), ("profile.lifestyle", Access.READ)})
    assert len(ids(fhir, "Observation?_sort=date")) == 2
    assert fhir.get("Observation?_count=100&_offset=1000").status_code == 400


def test_a_batch_holds_measures_and_habits(fhir: Fhir) -> None:
    app = fhir.guard.app
    bundle = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [
            {"resource": body, "request": {"method": "POST", "url": "Observation"}}
            for body in (observation(app), resource(app, "Observation"), resource(app, "Observation", code=None))
        ],
    }
    answer = fhir.post("", bundle)
    assert [entry["response"]["status"][:3] for entry in answer.json["entry"]] == ["201", "201", "422"]


def test_the_journal_names_them(app: Flask, guard: Guard, fhir: Fhir) -> None:
    identifier = UUID(add(fhir, "Immunization"))
    with transaction(patient_id=guard.app.patient_id):
        assert describe_entries([identifier]) == {identifier: "Vaccin d’essai, 1er\xa0septembre 2025"}


def test_nothing_is_read_outside_the_patient_of_the_transaction(app: Flask, fhir: Fhir, guard: Guard) -> None:
    add(fhir, "Condition")
    count: Callable[[], Any] = lambda: db.session.scalar(sa.text("SELECT count(*) FROM dmp_entry"))  # noqa: E731
    with transaction():
        assert count() == 0
    with transaction(patient_id=uuid4()):
        assert count() == 0
    with transaction(patient_id=guard.app.patient_id):
        assert count() == 1


@pytest.mark.parametrize("category", ["x", [1], [{"coding": "x"}], [{"coding": [{"code": []}]}]], ids=str)
def test_an_observation_whose_category_has_any_shape_is_refused_without_a_fault(fhir: Fhir, category: Any) -> None:
    assert fhir.post("Observation", observation(fhir.guard.app, category=category)).status_code == 422
