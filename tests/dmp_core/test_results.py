"""Results of biology over time: gathered by examination, told in words, drawn, taken away as a table."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dmp_core.cda.reading import read
from dmp_core.queries.documents import describe
from dmp_core.queries.entries import describe_entries, list_entries
from dmp_core.rules.documents.visibility import Viewer, ViewerKind
from dmp_core.rules.results import Flag, Move, flag_of, gather, unit_in_words
from dmp_core.rules.signs import Sign, read_signs
from dmp_core.service.entries.demonstration import add_reports_for_demo
from platform_core.clock import FrozenClock
from platform_core.database import run, transaction
from tests.dmp_core.cda import building
from tests.recalling import recall_people
from tests.signing_in import sign_in_citizen

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """A measure of creatinine."""

    id: UUID = UUID(int=1)
    label: str = "Créatinine"
    codes: tuple[str, ...] = ("http://loinc.org|14682-9",)
    effective_at: datetime = AT
    value: Decimal | None = Decimal("80")
    unit: str = "umol/L"
    low: Decimal | None = Decimal("50")
    high: Decimal | None = Decimal("100")
    interpretation: str = ""
    status: str = "final"


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({}, Flag.WITHIN),
        ({"value": Decimal("49.9")}, Flag.LOW),
        ({"value": Decimal("100")}, Flag.WITHIN),
        ({"value": Decimal("100.1")}, Flag.HIGH),
        ({"value": Decimal("120"), "interpretation": "N"}, Flag.WITHIN),
        ({"interpretation": "HH"}, Flag.HIGH),
        ({"interpretation": "A", "value": None}, Flag.ABNORMAL),
        ({"low": None, "high": None}, Flag.UNSAID),
        ({"low": None, "value": Decimal("1")}, Flag.WITHIN),
        ({"value": None}, Flag.UNSAID),
    ],
)
def test_where_a_value_stands_is_what_the_laboratory_says(changes: dict[str, Any], flag: Flag) -> None:
    assert flag_of(replace(Row(), **changes)) is flag


@pytest.mark.parametrize(
    ("before", "move"),
    [("70", Move.UP), ("90", Move.DOWN), ("80.0", Move.SAME), (None, Move.FIRST)],
)
def test_a_value_is_compared_with_the_one_before(before: str | None, move: Move) -> None:
    earlier = replace(Row(), value=Decimal(before) if before else None, effective_at=AT - timedelta(days=90))
    (course,) = gather([earlier, Row()])
    assert (course.latest.value, course.move) == (Decimal(80), move)


@pytest.mark.parametrize(
    ("unit", "words"),
    [("ug/L", "µg/L"), ("umol/L", "µmol/L"), ("m[IU]/L", "mUI/L"), ("10*9/L", "10^9/L"), ("{copies}/mL", "copies/mL"),
     ("mmol/L", "mmol/L"), ("%", "%"), ("Cel", "°C"), ("u", "u")],
)  # fmt: skip
def test_units_are_written_as_laboratories_do(unit: str, words: str) -> None:
    assert unit_in_words(unit) == words


def test_units_names_and_codes_are_not_confused() -> None:
    found = gather(
        [
            Row(),
            replace(Row(), label="CRÉATININE plasmatique", effective_at=AT - timedelta(days=1)),
            replace(Row(), unit="mg/L", effective_at=AT - timedelta(days=2)),
            replace(Row(), codes=("http://loinc.org|4548-4",), label="HbA1c"),
            replace(Row(), codes=(), label="Aspect"),
            replace(Row(), codes=(), label="Éosinophiles"),
            replace(Row(), status="cancelled", effective_at=AT + timedelta(days=1)),
        ]
    )
    assert [(one.latest.label, one.latest.unit, len(one.results)) for one in found] == [
        ("Aspect", "umol/L", 1),
        ("Créatinine", "umol/L", 2),
        ("Créatinine", "mg/L", 1),
        ("Éosinophiles", "umol/L", 1),
        ("HbA1c", "umol/L", 1),
    ]


def test_the_vital_signs_of_a_document_are_told_in_words() -> None:
    reference = (
        '<referenceRange><observationRange><value xsi:type="IVL_PQ"><low value="60" unit="/min"/>'
        '<high value="100" unit="/min"/></value></observationRange></referenceRange>'
    )
    sign = "1.3.6.1.4.1.19376.1.5.3.1.4.13.2"
    document = read(
        building.document(
            building.section(
                building.observation(
                    '<effectiveTime value="20260312"/><value xsi:type="PQ" value="72" unit="/min"/>',
                    template=sign,
                    code="8867-4",
                    more=reference,
                ),
                building.observation('<value xsi:type="PQ" value="36.80" unit="Cel"/>', template=sign, code="8310-5"),
                building.observation("", template=sign, code="9279-1"),
                code="8716-3",
            )
        )
    )
    assert list(read_signs(document)) == [
        Sign("Examen", "72 /min", "60 à 100 /min", date(2026, 3, 12)),
        Sign("Examen", "36,80 °C", "", None),
    ]


@pytest.mark.parametrize("hidden", ["invisible_to_patient", "invisible_to_representatives"])
def test_the_journal_names_nothing_of_what_is_not_announced(app: Flask, clock: FrozenClock, hidden: str) -> None:
    camille = recall_people().patients["camille"]
    with transaction(patient_id=camille):
        add_reports_for_demo(patient_id=camille, until=clock(), years=1)
        reports = [row.id for row in run("SELECT id FROM dmp_document", {})]
        results = [row.id for row in run("SELECT id FROM dmp_entry", {})]
        assert (len(describe(reports)), len(describe_entries(results))) == (len(reports), len(results))
        run(f"UPDATE dmp_document SET {hidden} = true", {})
        assert (describe(reports), describe_entries(results)) == ({}, {})


def test_a_person_reads_the_course_of_one_examination_and_nobody_else_does(
    app: Flask, client: FlaskClient, clock: FrozenClock
) -> None:
    people = recall_people()
    camille = people.patients["camille"]
    with transaction(patient_id=camille):
        add_reports_for_demo(patient_id=camille, until=clock(), years=3)
        rows = list_entries(
            patient_id=camille, viewer=Viewer(ViewerKind.PATIENT), categories=["results.biology"], limit=50
        )
    one = rows[0]
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=camille)
    listed = client.get("/espace/dossier/resultats").text
    assert one.label in listed and "Valeurs habituelles" in listed
    page = client.get(f"/espace/dossier/resultats/{one.id}").text
    assert page.count("<tr role") == 1 + 3 and "<svg" in page and "n’est pas un diagnostic" in page
    with transaction(patient_id=camille):
        run("UPDATE dmp_entry SET author_name = ' =1+1' WHERE category = 'results.biology'", {})
    table = client.get(f"/espace/dossier/resultats/{one.id}/valeurs.csv")
    assert table.headers["Cache-Control"] == "no-store"
    lines = table.data.decode("utf-8-sig").splitlines()
    assert len(lines) == 1 + 3 and all(one.label in line for line in lines[1:])
    assert all(line.endswith(";' =1+1") for line in lines[1:]), "no spreadsheet takes a cell for a formula"
    sign_in_citizen(client, person_id=people.persons["dominique"], patient_id=people.patients["dominique"])
    assert client.get(f"/espace/dossier/resultats/{one.id}").status_code == 404
