"""Structured reports for the demonstration people: analyses, vaccines, a medical summary, reimbursements.

They come in as an establishment hands them over, so that the record reads its data out of them. The words and codes
are in `data/demonstration-reports.json`; the figures are drawn, the same at each run.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from importlib import resources
from random import Random
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from dmp_core.cda import writing
from dmp_core.cda.document import Organization, Person
from dmp_core.cda.reading import read
from dmp_core.cda.synthesis import procedure
from dmp_core.cda.values import Code, Identifier
from dmp_core.cda.writing import LOINC, Head, Part
from dmp_core.fhir.imports import of_header
from dmp_core.queries import documents as queries
from dmp_core.rules.documents.visibility import Viewer, ViewerKind
from dmp_core.service.documents.importing import Handed, import_document
from identity_core import queries as identity
from identity_core.queries import PatientView
from platform_core.access import SYSTEM
from platform_core.clock import PARIS

_WORDS: Mapping[str, Any] = json.loads(
    resources.files("dmp_core").joinpath("data/demonstration-reports.json").read_text()
)
_FINESS, _RPPS = "1.2.250.1.71.4.2.2", "1.2.250.1.71.4.2.1"
_ATC, _ICD, _SNOMED = "2.16.840.1.113883.6.73", "2.16.840.1.113883.6.3", "2.16.840.1.113883.6.96"
_CCAM = "1.2.250.1.215.300.1"
_TYPES, _ACTS = "1.2.250.1.213.1.1.4.12", "1.2.250.1.215.200.4.1"
_DOCTOR = Person("Martin", "Sophie", "DR", Identifier(_RPPS, "881000000018"))
_PRACTICE = Organization("Cabinet des Tilleuls", Identifier(_FINESS, "1750000027"))
_LABORATORY = Organization(_WORDS["laboratory"]["name"], Identifier(_FINESS, _WORDS["laboratory"]["finess"]))
_INSURANCE = Organization("Assurance maladie (démonstration)", Identifier(_FINESS, "1750000035"))
_YEAR = timedelta(days=365)


def add_reports_for_demo(*, patient_id: UUID, until: datetime, years: int) -> int:
    """File what is not there yet, within the transaction of the patient; how many documents were filed."""
    patient = identity.get_patient(patient_id)
    count = 0
    for head, parts in _reports(
        patient, until.astimezone(PARIS).replace(hour=9, minute=0, second=0, microsecond=0), years
    ):
        unique_id = f"urn:oid:{head.unique_id}"
        viewer = Viewer(ViewerKind.PATIENT)
        if queries.find_by_unique_id(patient_id=patient_id, unique_id=unique_id, viewer=viewer):
            continue
        content = writing.write(head, parts)
        import_document(handed=Handed(of_header(read(content).header), content), patient_id=patient_id, by=SYSTEM)
        count += 1
    return count


def _reports(patient: PatientView, until: datetime, years: int) -> Iterator[tuple[Head, list[Part]]]:
    for year in range(years):
        at = until - year * _YEAR - timedelta(days=40)
        yield (
            _head(patient, f"biology-{year}", ("11502-2", LOINC, "Analyses de biologie"), at, _LABORATORY),
            [_analyses(patient, at, years - year)],
        )
    last = until - timedelta(days=60)
    yield (
        _head(patient, "vaccines", ("11369-6", LOINC, "Historique des vaccinations"), last, _PRACTICE),
        [_vaccines(patient, last.date())],
    )
    yield (
        _head(patient, "summary", ("SYNTH", _TYPES, "Synthèse médicale"), last, _PRACTICE),
        list(_summary(patient, last)),
    )
    yield (
        _head(patient, "reimbursed", ("REMB", _TYPES, "Données de remboursement"), last, _INSURANCE),
        list(_care(last)),
    )


def _head(patient: PatientView, name: str, type_: tuple[str, str, str], at: datetime, by: Organization) -> Head:
    code, system, title = type_
    ins = identity.find_ins(patient.id)
    return Head(
        unique_id=Identifier(f"2.25.{uuid5(NAMESPACE_URL, f'urn:ens:demonstration:{patient.id}:{name}').int}"),
        code=Code(code, system, title),
        title=f"{title}, {at:%d/%m/%Y}" if name.startswith("biology") else title,
        created=at,
        template="1.2.250.1.213.1.1.1.36" if code == "REMB" else "1.2.250.1.213.1.1.1.55",
        patient=Identifier(ins.oid, ins.matricule) if ins else None,
        family=patient.family_name,
        given=patient.given_name,
        birth_date=patient.birth_date,
        gender="F" if patient.sex == "female" else "M",
        author=_DOCTOR,
        custodian=by,
        facility="SA25" if by is _LABORATORY else "SA08",
        setting="AMBULATOIRE",
    )


def _analyses(patient: PatientView, at: datetime, age_of_record: int) -> Part:
    random = Random(f"{patient.id}:{age_of_record}")  # noqa: S311 - figures of a demonstration
    rows = [["Examen", "Résultat", "Valeurs habituelles"]]
    results = []
    for test in _WORDS["laboratory"]["tests"]:
        low, high = Decimal(test["low"]), Decimal(test["high"])
        drawn = random.gauss(test["usual"] + test["drift"] * age_of_record, test["spread"] / 2)
        value = Decimal(str(max(drawn, 0.1))).quantize(low)
        results.append(writing.result(Code(test["code"], LOINC, test["label"]), value, test["unit"], at, low, high))
        rows.append([test["label"], _french(value, test["unit"]), f"{_french(low)} à {_french(high, test['unit'])}"])
    chapter = Code("18719-5", LOINC, "Biochimie")
    entry = writing.laboratory(chapter, results)
    return Part(code=chapter, title="Analyses", template="1.2.250.1.213.1.1.2.70", rows=rows, entries=[entry])


def _vaccines(patient: PatientView, today: date) -> Part:
    rows, entries = [["Vaccin", "Date", "Rang"]], []
    for one in _WORDS["vaccines"]:
        at = _at_age(patient, one["age"])
        if at < today:
            rows.append([one["label"], f"{at:%d/%m/%Y}", str(one["rank"])])
            entries.append(writing.vaccination(Code(one["atc"], _ATC, one["label"]), at, f"L{at:%y%m}", one["rank"]))
    code = Code("11369-6", LOINC, "Vaccinations")
    return Part(code=code, title="Vaccins reçus", template="1.2.250.1.213.1.1.2.147", rows=rows, entries=entries)


def _summary(patient: PatientView, at: datetime) -> Iterator[Part]:
    known = [one for one in _WORDS["problems"] if _at_age(patient, one["age"]) < at.date()]
    for followed, title, code in ((True, "Pathologies en cours", "11450-4"), (False, "Antécédents", "11348-0")):
        some = [(one, _at_age(patient, one["age"])) for one in known if one["followed"] is followed]
        yield _part(
            code,
            title,
            [[one["label"], f"depuis {since.year}"] for one, since in some],
            [writing.problem(Code(one["code"], _ICD, one["label"]), since, followed=followed) for one, since in some],
        )
    performed = [(one, _at_age(patient, one["age"])) for one in _WORDS["procedures"]]
    yield _part(
        "47519-4",
        "Actes",
        [[one["label"], f"{day:%d/%m/%Y}"] for one, day in performed],
        [procedure(Code(one["code"], _CCAM, one["label"]), f"{day:%Y%m%d}", None) for one, day in performed],
    )
    allergies = [(one, _at_age(patient, one["age"])) for one in _WORDS["allergies"]]
    yield _part(
        "48765-2",
        "Allergies",
        [[one["label"], str(since.year)] for one, since in allergies],
        [writing.allergy(_agent(one), since) for one, since in allergies],
    )
    treatments = [(one, _at_age(patient, one["age"])) for one in _WORDS["treatments"]]
    taken = [(one, since) for one, since in treatments if since < at.date()]
    yield _part(
        "10160-0",
        "Traitements",
        [[one["label"], f"depuis {since.year}"] for one, since in taken],
        [
            writing.treatment(
                Code(one["atc"], _ATC, one["label"]), since, Decimal(one["dose"]), one["unit"], tuple(one["every"])
            )
            for one, since in taken
        ],
    )


def _agent(one: Mapping[str, str]) -> Code:
    """An allergen, and the class of medicines that holds it."""
    return Code(one["code"], _SNOMED, one["label"], translations=(Code(one["atc"], _ATC, one["label"]),))


def _care(at: datetime) -> Iterator[Part]:
    """Two years of acts, one each quarter, by section."""
    for title in dict.fromkeys(one["section"] for one in _WORDS["reimbursed"]):
        done = [
            (one, (at - timedelta(days=91 * quarter)).date())
            for quarter in range(8)
            for number, one in enumerate(_WORDS["reimbursed"])
            if one["section"] == title and (quarter + number) % 2 == 0
        ]
        yield _part(
            "29554-3",
            title,
            [[one["label"], f"{day:%d/%m/%Y}"] for one, day in done],
            [writing.reimbursed_act(Code(one["code"], _ACTS, one["label"]), day, one["by"]) for one, day in done],
        )


def _part(code: str, title: str, rows: list[list[str]], entries: list[Any]) -> Part:
    table = [["Quoi", "Quand"], *rows] if rows else [["Rien à signaler"]]
    return Part(
        code=Code(code, LOINC, title), title=title, template="1.2.250.1.213.1.1.2.118", rows=table, entries=entries
    )


def _at_age(patient: PatientView, age: int) -> date:
    return patient.birth_date.replace(day=1) + timedelta(days=round(365.25 * age) + 40)


def _french(value: Decimal, unit: str = "") -> str:
    return f"{value} {unit}".strip().replace(".", ",")
