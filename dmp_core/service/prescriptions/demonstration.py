"""Prescriptions and dispensations for the demonstration people, one for each case that their page tells.

They come in as practices and pharmacies hand them over. The words are in `data/demonstration-prescriptions.json`.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from importlib import resources
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from dmp_core.cda import orders, writing
from dmp_core.cda.document import Organization, Person
from dmp_core.cda.orders import Ordered
from dmp_core.cda.reading import read
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
    resources.files("dmp_core").joinpath("data/demonstration-prescriptions.json").read_text()
)
_FINESS, _RPPS, _CIP = "1.2.250.1.71.4.2.2", "1.2.250.1.71.4.2.1", "1.2.250.1.213.2.3.2"
_ATC = "2.16.840.1.113883.6.73"


def add_prescriptions_for_demo(*, patient_id: UUID, until: datetime) -> int:
    """File what is not there yet, within the transaction of the patient; how many documents were filed."""
    patient = identity.get_patient(patient_id)
    viewer = Viewer(ViewerKind.PATIENT)
    count = 0
    for head, part in _documents(patient, until.astimezone(PARIS).replace(hour=10, minute=0, second=0, microsecond=0)):
        unique_id = f"urn:oid:{head.unique_id}"
        if queries.find_by_unique_id(patient_id=patient_id, unique_id=unique_id, viewer=viewer) is None:
            content = writing.write(head, [part])
            import_document(handed=Handed(of_header(read(content).header), content), patient_id=patient_id, by=SYSTEM)
            count += 1
    return count


def _documents(patient: PatientView, until: datetime) -> Iterator[tuple[Head, Part]]:
    for one in _WORDS["prescriptions"]:
        at = until - timedelta(days=one["ago"])
        if "lines" in one:
            yield _prescription(patient, one, at)
        for number, given in enumerate(one["given"], 1):
            yield _dispensation(patient, one, given, number, until - timedelta(days=given["ago"]))


def _prescription(patient: PatientView, one: Mapping[str, Any], at: datetime) -> tuple[Head, Part]:
    rows = [["Médicament", "Durée", "Renouvellements"]]
    entries = []
    for line in one["lines"]:
        medicine = _WORDS["medicines"][line["medicine"]]
        lasting = f"{line['days']} jours" if "days" in line else "non écrite"
        rows.append([medicine["label"], lasting, str(line.get("repeats", "non écrits"))])
        entries.append(orders.prescribed(_ordered(patient, one["name"], line, at)))
    doctor = _WORDS["doctors"][one["by"]]
    head = _head(patient, one["name"], ("57833-6", one["title"]), at, _person(doctor), _place(doctor), "SA08")
    section = Code("57828-6", LOINC, "Prescriptions")
    template = orders.PRESCRIPTION_SECTION
    return head, Part(code=section, title="Médicaments prescrits", template=template, rows=rows, entries=entries)


def _ordered(patient: PatientView, name: str, line: Mapping[str, Any], at: datetime) -> Ordered:
    medicine = _WORDS["medicines"][line["medicine"]]
    amount, of = line["every"]
    return Ordered(
        id=_identifier(patient, f"{name}:{line['medicine']}"),
        product=_product(medicine),
        dose=Decimal(line["dose"]),
        unit=medicine["unit"],
        every=(amount, of),
        start=at.date(),
        days=line.get("days"),
        boxes=line.get("boxes"),
        repeats=line.get("repeats"),
        substitutable=line.get("substitutable", True),
        long_illness=line.get("long_illness", False),
        reason=line.get("reason", ""),
    )


def _dispensation(
    patient: PatientView, one: Mapping[str, Any], given: Mapping[str, Any], number: int, at: datetime
) -> tuple[Head, Part]:
    prescription, name = _identifier(patient, one["name"]), f"{one['name']}:given-{number}"
    rows, entries = [["Médicament remis", "Quantité"]], []
    for key, boxes in given["boxes"].items():
        medicine = _WORDS["medicines"][key]
        rows.append([medicine["label"], f"{boxes} boîte{'s' if boxes > 1 else ''}"])
        entries.append(
            orders.dispensed(
                id=_identifier(patient, f"{name}:{key}"),
                product=_product(medicine),
                boxes=boxes,
                at=at.date(),
                by=_person(_WORDS["pharmacy"]),
                order=_identifier(patient, f"{one['name']}:{key}") if given["refers"] == "line" else None,
                document=prescription,
            )
        )
    pharmacy = _WORDS["pharmacy"]
    named = [prescription] if given["refers"] != "nothing" else []
    title = ("60593-1", "Dispensation de médicaments")
    head = _head(patient, name, title, at, _person(pharmacy), _place(pharmacy), "SA33", named)
    section = Code("60590-7", LOINC, "Médicaments délivrés")
    template = orders.DISPENSATION_SECTION
    return head, Part(code=section, title="Médicaments délivrés", template=template, rows=rows, entries=entries)


def _head(
    patient: PatientView,
    name: str,
    type_: tuple[str, str],
    at: datetime,
    by: Person,
    place: Organization,
    facility: str,
    named: list[Identifier] | None = None,
) -> Head:
    code, title = type_
    ins = identity.find_ins(patient.id)
    return Head(
        unique_id=_identifier(patient, name),
        code=Code(code, LOINC, title),
        title=title,
        created=at,
        template=orders.PRESCRIPTION if code == "57833-6" else orders.DISPENSATION,
        patient=Identifier(ins.oid, ins.matricule) if ins else None,
        family=patient.family_name,
        given=patient.given_name,
        birth_date=patient.birth_date,
        gender="F" if patient.sex == "female" else "M",
        author=by,
        custodian=place,
        facility=facility,
        setting="AMBULATOIRE",
        orders=named or [],
    )


def _product(medicine: Mapping[str, str]) -> Code:
    substance = Code(medicine["atc"], _ATC, medicine["substance"])
    return Code(medicine["code"], _CIP, medicine["label"], translations=(substance,))


def _person(one: Mapping[str, str]) -> Person:
    known = Identifier(_RPPS, one["rpps"]) if "rpps" in one else None
    return Person(one["family"], one["given"], "DR" if known else "", known, organization=_place(one))


def _place(one: Mapping[str, str]) -> Organization:
    return Organization(one["place"], Identifier(_FINESS, one["finess"]))


def _identifier(patient: PatientView, name: str) -> Identifier:
    return Identifier(f"2.25.{uuid5(NAMESPACE_URL, f'urn:ens:demonstration:prescriptions:{patient.id}:{name}').int}")
