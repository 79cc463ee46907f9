"""Reimbursements: how they add up, the page with its chart and tables, the CSV file."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dmp_core.rules.entries.kinds import REIMBURSEMENTS
from dmp_core.rules.reimbursements import Reimbursed, Sum, count_by_month, read_reimbursed, sum_by_kind
from dmp_core.service.drafts import Author
from dmp_core.service.entries.storing import judge, store
from identity_core.service.seeding import Seeded
from platform_core import charts, clock
from platform_core.database import transaction
from tests.recalling import recall_people
from tests.signing_in import sign_in_citizen

PAGE = "/espace/dossier/remboursements"


def explanation(patient: UUID, on: date, label: str, kind: str, amount: Any = None) -> dict[str, Any]:
    system = "http://terminology.hl7.org/CodeSystem/claim-type"
    net = {"net": {"value": amount, "currency": "EUR"}} if amount is not None else {}
    return {
        "resourceType": "ExplanationOfBenefit",
        "status": "active",
        "type": {"coding": [{"system": system, "code": "pharmacy"}]},
        "use": "claim",
        "patient": {"reference": f"Patient/{patient}"},
        "created": on.isoformat(),
        "insurer": {"display": "Assurance maladie"},
        "provider": {"display": "Pharmacie des Lilas"},
        "outcome": "complete",
        "insurance": [{"focal": True, "coverage": {"display": "Assurance maladie obligatoire"}}],
        "item": [
            {
                "sequence": 1,
                "category": {"text": kind},
                "productOrService": {"text": label},
                "servicedDate": on.isoformat(),
                **net,
            }
        ],
    }


def line(on: date, kind: str = "care", amount: str | None = None) -> Reimbursed:
    return Reimbursed(on, "Soin", kind, Decimal(amount) if amount else None, "")


def test_amounts_add_up_by_kind_and_what_is_not_told_stays_untold() -> None:
    day = date(2026, 3, 1)
    found = [line(day, "medication", "3.10"), line(day, "medication"), line(day, "medication", "1.95"), line(day)]
    assert sum_by_kind(found) == [("medication", Sum(3, Decimal("5.05"))), ("care", Sum(1, None))]


def test_months_without_care_are_told_as_empty() -> None:
    found = [line(date(2026, 1, 31)), line(date(2025, 11, 2)), line(date(2025, 11, 1))]
    assert count_by_month(found, until=date(2026, 2, 3)) == [
        (date(2025, 11, 1), 2),
        (date(2025, 12, 1), 0),
        (date(2026, 1, 1), 1),
        (date(2026, 2, 1), 0),
    ]


def test_an_explanation_without_items_in_euros_falls_back_on_its_total() -> None:
    resource = explanation(UUID(int=1), date(2026, 3, 1), "Scanner", "autre chose")
    total = [{"amount": {"value": 7, "currency": "CHF"}}, {"amount": {"value": Decimal("25.30"), "currency": "EUR"}}]
    found = read_reimbursed(date(2026, 3, 1), "Scanner", {**resource, "total": total})
    assert (found.kind, found.amount, found.provider) == ("other", Decimal("25.30"), "Pharmacie des Lilas")


def test_bars_stand_on_zero_and_name_what_has_room() -> None:
    chart = charts.bar_chart([(f"m{number}", number, f"{number} soins") for number in range(12)])
    assert chart is not None
    assert {round(bar.y + bar.height, 1) for bar in chart.bars} == {float(chart.bottom)}
    assert [bar.name for bar in chart.bars][:4] == ["m0", "", "m2", ""]
    assert chart.values[0].value == 0 and chart.bars[0].height == 0
    counts = charts.bar_chart([("m", 1, ""), ("n", 2, "")], whole=True)
    assert counts is not None and [tick.value for tick in counts.values] == [0, 1, 2]
    assert charts.bar_chart([("m", 0, "")]) is None and charts.bar_chart([]) is None


@pytest.fixture
def people(app: Flask) -> Seeded:
    return recall_people()


@pytest.fixture
def space(client: FlaskClient, people: Seeded) -> FlaskClient:
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=people.patients["camille"])
    return client


def test_a_period_is_shown_by_kind_and_leaves_as_a_spreadsheet(space: FlaskClient, people: Seeded) -> None:
    camille = people.patients["camille"]
    assert "Aucun remboursement" in space.get(PAGE).text
    today = clock.today()
    resources = [
        explanation(camille, today - timedelta(days=40), "Paracétamol 1 g", "medication", Decimal("1.95")),
        explanation(camille, today - timedelta(days=3), "=HYPERLINK(1)", "care"),
        explanation(camille, today - timedelta(days=500), "Radiographie", "imaging", Decimal("20.00")),
    ]
    with transaction(patient_id=camille):
        drafts = [judge(REIMBURSEMENTS, one, str(camille)) for one in resources]
        store(drafts, Author(camille, str(camille), None, "Assurance maladie", "urn:assurance"))
    page = space.get(PAGE).text
    assert "2 soins remboursés sur cette période." in page and "1,95" in page and "non communiqué" in page
    assert "Radiographie" not in page and "Radiographie" in space.get(f"{PAGE}?periode=tout").text
    assert "3 soins remboursés" in space.get("/espace/dossier").text
    imaging = space.get(f"{PAGE}?periode=tout&type=imaging").text
    assert "1 soin remboursé sur cette période." in imaging and "Paracétamol" not in imaging
    rare = space.get(f"{PAGE}?type=imaging").text
    assert "Aucun remboursement sur cette période" in rare and "Médicaments" in rare and "Imagerie" in rare
    assert "Montant</th>" not in space.get(f"{PAGE}?type=care").text
    assert len(space.get(f"{PAGE}.csv?periode=tout&type=medication").data.splitlines()) == 2
    answer = space.get(f"{PAGE}.csv?periode=tout")
    assert answer.mimetype == "text/csv" and answer.headers["Cache-Control"] == "no-store"
    rows = answer.data.decode("utf-8-sig").splitlines()
    assert rows[0].startswith("Date;Type;Soin") and len(rows) == 4
    assert "'=HYPERLINK(1)" in rows[1] and rows[3].endswith("20,00")
