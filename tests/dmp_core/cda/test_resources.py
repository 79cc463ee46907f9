"""Every statement that stands for a resource gives one that FHIR R4 accepts, with its decimals and its source."""

import json

import pytest
from fhir.resources.R4B import get_fhir_model_class

from dmp_core.cda.reading import read
from dmp_core.cda.resources.mapping import resource
from dmp_core.cda.resources.parts import Source
from dmp_core.cda.statements import Device
from platform_core.fhir import wire
from tests.dmp_core.cda.building import document, laboratory, observation, section
from tests.dmp_core.cda.test_reading import CONCERN, DIABETES, VACCINE

ALLERGY = '<templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.6"/>'
MEDICATION = (
    '<substanceAdministration moodCode="{mood}"><templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.7"/>{more}'
    '<effectiveTime xsi:type="IVL_TS"><low value="20260312"/></effectiveTime>'
    '<effectiveTime xsi:type="PIVL_TS"><period value="12" unit="h"/></effectiveTime>'
    '<doseQuantity><low value="1" unit="mg"/><high value="2" unit="mg"/></doseQuantity><consumable>'
    "<manufacturedProduct>"
    "<manufacturedMaterial><name>ESSAI</name></manufacturedMaterial></manufacturedProduct></consumable>"
    "</substanceAdministration>"
)
DISPENSATION = (
    '<supply moodCode="EVN"><templateId root="1.3.6.1.4.1.19376.1.9.1.3.4"/><quantity value="2"/><product>'
    "<manufacturedProduct><manufacturedMaterial><name>ESSAI</name></manufacturedMaterial></manufacturedProduct>"
    "</product></supply>"
)
RELATIVE = (
    '<organizer><templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.15"/><subject><relatedSubject><code code="MTH"'
    ' codeSystem="2.16.840.1.113883.5.111" displayName="Mère"/></relatedSubject></subject>'
    f"<component><observation>{DIABETES}</observation></component></organizer>"
)
ACT = (
    '<procedure moodCode="EVN"><templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.19"/><code code="DDAF004"'
    ' codeSystem="1.2.250.1.215.300.1"/><effectiveTime value="2011"/></procedure>'
)
TOBACCO = observation('<value xsi:type="PQ" value="25" unit="{pack}/a"/>', template="1.3.6.1.4.1.19376.1.5.3.1.4.13.4")
PRESCRIBED = '<templateId root="1.3.6.1.4.1.19376.1.9.1.3.2"/>'


def resources(data: bytes) -> list[dict[str, object]]:
    found = read(data)
    source = Source("Patient/p", "DocumentReference/d", found.header.created)
    made = [resource(one, source) for one in found.statements]
    return [one for one in made if one is not None]


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        (laboratory(observation()), "Observation"),
        (laboratory(observation("")), "Observation"),
        (laboratory(observation('<value xsi:type="ST">Rare</value>')), "Observation"),
        (laboratory(observation('<value xsi:type="IVL_PQ"><high value="3" unit="mg"/></value>')), "Observation"),
        (TOBACCO, "Observation"),
        (VACCINE.format(refused="false"), "Immunization"),
        (VACCINE.format(refused="true").replace('<effectiveTime value="20250901"/>', ""), "Immunization"),
        (CONCERN.format(status="active", negated="false", allergy="", value=DIABETES), "Condition"),
        (CONCERN.format(status="completed", negated="true", allergy="", value=DIABETES), "Condition"),
        (CONCERN.format(status="active", negated="false", allergy=ALLERGY, value=DIABETES), "AllergyIntolerance"),
        (MEDICATION.format(mood="EVN", more=""), "MedicationStatement"),
        (MEDICATION.format(mood="INT", more=PRESCRIBED), "MedicationRequest"),
        (DISPENSATION, "MedicationDispense"),
        (RELATIVE, "FamilyMemberHistory"),
        (ACT, "Procedure"),
    ],
)
def test_a_statement_becomes_a_resource_that_fhir_accepts(entry: str, kind: str) -> None:
    (found,) = resources(document(section(entry)))
    written = wire.write(found)
    get_fhir_model_class(kind).model_validate_json(written)
    assert found["resourceType"] == kind
    assert "Patient/p" in written
    if kind not in ("Immunization", "AllergyIntolerance", "FamilyMemberHistory"):
        assert "DocumentReference/d" in written


def test_a_reimbursement_becomes_an_explanation_of_benefit() -> None:
    act = (
        '<procedure><code code="1208" codeSystem="1.2" displayName="T.S.H."/>'
        '<effectiveTime value="20190711"/></procedure>'
    )
    (found,) = resources(document(section(act, title="Biologie"), template="1.2.250.1.213.1.1.1.36"))
    written = wire.write(found)
    get_fhir_model_class("ExplanationOfBenefit").model_validate_json(written)
    (item,) = json.loads(written)["item"]
    assert item["category"] == {"text": "biology"}
    assert item["servicedPeriod"] == {"start": "2019-07-11", "end": "2019-07-11"}


def test_decimals_travel_as_they_were_written() -> None:
    (found,) = resources(document(section(laboratory(observation()))))
    assert '"value":1.950' in wire.write(found)


def test_a_device_is_shown_in_its_document_only() -> None:
    device = (
        '<supply moodCode="RQO"><templateId root="1.2.250.1.213.1.1.3.20"/><participant><participantRole>'
        "<playingDevice>"
        '<code code="3408693" displayName="Canne"/></playingDevice></participantRole></participant></supply>'
    )
    data = document(section(device))
    (statement,) = read(data).statements
    assert isinstance(statement, Device) and statement.prescribed
    assert resources(data) == []


def test_a_treatment_without_a_name_says_so() -> None:
    nameless = MEDICATION.format(mood="INT", more="").replace("<name>ESSAI</name>", "")
    (found,) = resources(document(section(nameless)))
    assert found["medicationCodeableConcept"] == {"text": "Non précisé"}
