"""MedicationStatement, MedicationRequest, MedicationDispense; Immunization."""

from dmp_core.cda.resources.parts import (
    Resource,
    Source,
    actor,
    concept,
    dates,
    filled,
    limits,
    note,
    quantity,
    text,
)
from dmp_core.cda.statements import Dosage, Medication, MedicationKind, Vaccination
from dmp_core.cda.wording import dosage_in_words

_EVENTS = frozenset("AC ACM ACD ACV PC PCM PCD PCV HS WAKE C CM CD CV".split())
_UNITS = frozenset("s min h d wk mo a".split())


def medication(found: Medication, source: Source) -> Resource:
    """The resource of a treatment, of a line of prescription or of a dispensation."""
    if found.kind is MedicationKind.PRESCRIPTION:
        return _request(found, source)
    if found.kind is MedicationKind.DISPENSATION:
        return _dispense(found, source)
    over = found.period.end is not None or found.kind is MedicationKind.ADMINISTERED
    return filled(
        {
            "resourceType": "MedicationStatement",
            "status": "completed" if over else "active",
            "medicationCodeableConcept": concept(found.product.code),
            "subject": {"reference": source.patient},
            "effectivePeriod": dates(found.period),
            "dateAsserted": source.created.text,
            "informationSource": actor(found.author),
            "derivedFrom": [{"reference": source.document}],
            "reasonCode": [{"text": found.reason}] if found.reason else None,
            "note": note(found.instructions, found.text),
            "dosage": _dosages(found),
        }
    )


def immunization(found: Vaccination, source: Source) -> Resource:
    """A vaccine given or refused. Its date is a text when the document states none."""
    protocol = filled({"series": found.series.words if found.series else "", "doseNumberPositiveInt": found.rank})
    when = {"occurrenceDateTime": found.at.text} if found.at else {"occurrenceString": "Date inconnue"}
    return filled(
        {
            "resourceType": "Immunization",
            "status": "not-done" if found.refused else "completed",
            "vaccineCode": concept(found.product.code),
            "patient": {"reference": source.patient},
            **when,
            "recorded": source.created.text,
            "primarySource": True,
            "lotNumber": found.product.lot,
            "site": concept(found.site) if found.site else None,
            "route": concept(found.route) if found.route else None,
            "doseQuantity": quantity(found.dose),
            "performer": [{"actor": reference}] if (reference := actor(found.performer)) else None,
            "note": note(found.comment, *found.reactions),
            "protocolApplied": [protocol] if "doseNumberPositiveInt" in protocol else None,
        }
    )


def _request(found: Medication, source: Source) -> Resource:
    dispense = {
        "validityPeriod": dates(found.period),
        "numberOfRepeatsAllowed": found.repeats,
        "quantity": quantity(found.quantity),
    }
    substitution = None if found.substitutable is None else {"allowedBoolean": found.substitutable}
    return filled(
        {
            "resourceType": "MedicationRequest",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": concept(found.product.code),
            "subject": {"reference": source.patient},
            "supportingInformation": [{"reference": source.document}],
            "authoredOn": source.created.text,
            "requester": actor(found.author),
            "reasonCode": [{"text": found.reason}] if found.reason else None,
            "note": note(found.instructions, *(words for words, true in found.facts if true)),
            "dosageInstruction": _dosages(found),
            "dispenseRequest": filled(dispense),
            "substitution": substitution,
        }
    )


def _dispense(found: Medication, source: Source) -> Resource:
    return filled(
        {
            "resourceType": "MedicationDispense",
            "status": "completed",
            "medicationCodeableConcept": concept(found.product.code),
            "subject": {"reference": source.patient},
            "supportingInformation": [{"reference": source.document}],
            "performer": [{"actor": reference}] if (reference := actor(found.author)) else None,
            "quantity": quantity(found.quantity),
            "whenHandedOver": text(found.period.start or source.created),
            "note": note(found.instructions, found.text),
        }
    )


def _dosages(found: Medication) -> list[Resource] | None:
    route = concept(found.route) if found.route else None
    dosages = [filled({"sequence": n, **_dosage(each), "route": route}) for n, each in enumerate(found.dosages, 1)]
    if dosages and found.most:
        dosages[0]["additionalInstruction"] = [{"text": f"Maximum : {found.most}"}]
    return dosages or ([{"route": route}] if route else None)


def _dosage(dosage: Dosage) -> Resource:
    every = dosage.every
    repeat = filled({"boundsPeriod": dates(dosage.period), "when": [dosage.when] if dosage.when in _EVENTS else None})
    if every and every.unit in _UNITS and every.value > 0:
        repeat |= {"frequency": 1, "period": every.value, "periodUnit": every.unit}
    rate = {"doseRange": limits(dosage.dose)} if dosage.dose else {}
    if dosage.dose and dosage.dose.low and dosage.dose.low == dosage.dose.high:
        rate = {"doseQuantity": quantity(dosage.dose.low)}
    return filled(
        {
            "text": dosage.text or dosage_in_words(dosage),
            "timing": {"repeat": repeat} if repeat else None,
            "doseAndRate": [rate] if rate else None,
        }
    )
