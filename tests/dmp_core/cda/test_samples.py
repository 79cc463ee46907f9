"""The documents published by the ANS are read whole: counted by hand in each of them."""

import os
from collections import Counter
from pathlib import Path

import pytest
from fhir.resources.R4B import get_fhir_model_class

from dmp_core.cda.document import ClinicalDocument, Section
from dmp_core.cda.reading import read
from dmp_core.cda.resources.mapping import resource
from dmp_core.cda.resources.parts import Source
from platform_core.fhir import wire

SAMPLES = Path(os.environ.get("ENS_SAMPLES_DIR", "/nonexistent")) / "cda"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="ENS_SAMPLES_DIR names no folder of published samples")

CONTENTS = {
    "BIO-CR-BIO_2024.01_TSH_1.xml": (3, {"Result": 2}, ["application/pdf"], 0),
    "CNAM-HR_2021.01.xml": (8, {"Reimbursement": 25}, [], 0),
    "DOC_NON_STRUCTURE_CDA-R2-N1.xml": (0, {}, [], 0),
    "LDL-SES_2022.01.xml": (9, {"Medication": 2, "Procedure": 1, "Device": 1, "Allergy": 1}, [], 13),
    "VAC_2023.01.xml": (1, {"Vaccination": 4}, [], 0),
    "VSM_1.4_2022.01.xml": (
        13,
        {"Problem": 4, "Result": 2, "Medication": 2, "Procedure": 1, "Allergy": 1, "FamilyHistory": 1},
        [],
        0,
    ),
    "eP-MED-DM_2024.01_PosoStruct.xml": (
        7,
        {"Medication": 2, "Result": 2, "Device": 1},
        ["image/jpeg", "application/pdf"],
        1,
    ),
}


def sample(name: str) -> ClinicalDocument:
    return read((SAMPLES / name).read_bytes())


def count(sections: tuple[Section, ...]) -> int:
    return sum(1 + count(tuple(one.sections)) for one in sections)


@pytest.mark.parametrize("name", sorted(CONTENTS))
def test_a_sample_gives_all_that_it_holds(name: str) -> None:
    found = sample(name)
    sections, statements, media, unread = CONTENTS[name]
    assert count(tuple(found.sections)) == sections
    assert Counter(type(one).__name__ for one in found.statements) == statements
    assert [one.media_type for one in found.media] == media
    assert len(found.unread) == unread
    assert found.header.subject.ins is not None
    source = Source("Patient/p", "DocumentReference/d", found.header.created)
    for statement in found.statements:
        made = resource(statement, source)
        if made is not None:
            get_fhir_model_class(made["resourceType"]).model_validate_json(wire.write(made))


def test_a_document_of_level_one_gives_its_file() -> None:
    body = sample("DOC_NON_STRUCTURE_CDA-R2-N1.xml").body
    assert body and (body.media_type, len(body.content), body.content[:5]) == ("application/pdf", 326_650, b"%PDF-")
