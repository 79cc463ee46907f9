"""The consent as a FHIR R4 Consent: what is permitted, of which data, for what, and how often.

R4 has no element for how often: an extension of the provision says it, with a published StructureDefinition.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from consent.workflow import LIVE, Status
from platform_core.permission import PeriodicityKind, PermissionItem, period_to_json

PERIODICITY = "consent-periodicity"
_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
_LOINC = "http://loinc.org"
_ACTION = "http://terminology.hl7.org/CodeSystem/consentaction"
_ROLE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_UNITS = {"hour": "h", "day": "d", "week": "wk", "month": "mo"}
_FHIR = "http://hl7.org/fhir/StructureDefinition"


def consent_resource(
    *,
    base: str,
    grant_id: str,
    version: int,
    updated_at: datetime,
    status: Status,
    patient: str,
    app: Mapping[str, str],
    purpose: str,
    valid_from: datetime,
    valid_until: date,
    items: Sequence[PermissionItem],
    decision: Mapping[str, str],
) -> dict[str, Any]:
    """The resource. `base` is the address of the FHIR API, `patient` the pairwise id, `app` its `id` and `name`;
    `decision` holds the `time`, the `texts` (their version) and the `sha256` of the texts shown."""
    return {
        "resourceType": "Consent",
        "id": grant_id,
        "meta": {"versionId": str(version), "lastUpdated": updated_at.isoformat()},
        "status": "active" if status in LIVE else "inactive",
        "scope": _concept(_SCOPE, "patient-privacy"),
        "category": [_concept(_LOINC, "59284-0")],
        "patient": {"reference": f"Patient/{patient}"},
        "dateTime": decision["time"],
        "sourceAttachment": {"title": decision["texts"], "url": f"urn:sha256:{decision['sha256']}"},
        "policy": [{"uri": "https://eur-lex.europa.eu/eli/reg/2016/679/oj"}],
        "provision": {
            "type": "permit",
            "period": {"start": valid_from.isoformat(), "end": valid_until.isoformat()},
            "actor": [
                {
                    "role": _concept(_ROLE, "IRCP"),
                    "reference": {
                        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{app['id']}"},
                        "display": app["name"],
                    },
                }
            ],
            "purpose": [{"system": f"{base}/CodeSystem/purpose", "code": purpose}],
            "provision": [_provision(item, base) for item in items],
        },
    }


def _provision(item: PermissionItem, base: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "extension": [_periodicity(item, base)],
        "type": "permit",
        "action": [_concept(_ACTION, "access" if item.access == "read" else "collect")],
        "code": [_concept(f"{base}/CodeSystem/category", item.category)],
    }
    dates = period_to_json(item.data)
    bounds = {name: day for name, day in (("start", dates["from"]), ("end", dates["to"])) if day}
    if bounds:
        found["dataPeriod"] = bounds
    return found


def _periodicity(item: PermissionItem, base: str) -> dict[str, Any]:
    """The kind, and for a recurring one the number of synchronisations in a calendar unit, as a FHIR Timing."""
    periodicity = item.periodicity
    parts: list[dict[str, Any]] = [{"url": "kind", "valueCode": str(periodicity.kind)}]
    if periodicity.kind is PeriodicityKind.RECURRING and periodicity.unit:
        repeat = {"frequencyMax": periodicity.most, "frequency": 1, "period": 1, "periodUnit": _UNITS[periodicity.unit]}
        parts.append({"url": "timing", "valueTiming": {"repeat": repeat}})
    return {"url": f"{base}/StructureDefinition/{PERIODICITY}", "extension": parts}


def _concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def periodicity_definition(base: str) -> dict[str, Any]:
    """The StructureDefinition of the extension that says how often."""
    url = f"{base}/StructureDefinition/{PERIODICITY}"
    return {
        "resourceType": "StructureDefinition",
        "id": PERIODICITY,
        "url": url,
        "name": "ConsentPeriodicity",
        "title": "How often an application may synchronise",
        "status": "active",
        "description": "kind: once, recurring, on_demand or continuous. A recurring one counts synchronisations: at"
        " most timing.repeat.frequencyMax in each calendar hour (UTC), day, week or month (Europe/Paris).",
        "fhirVersion": "4.0.1",
        "kind": "complex-type",
        "abstract": False,
        "context": [{"type": "element", "expression": "Consent.provision.provision"}],
        "type": "Extension",
        "baseDefinition": f"{_FHIR}/Extension",
        "derivation": "constraint",
        "differential": {
            "element": [
                {"id": "Extension", "path": "Extension", "min": 1, "max": "1"},
                *_slice("kind", "code", 1),
                *_slice("timing", "Timing", 0),
                {"id": "Extension.url", "path": "Extension.url", "fixedUri": url},
                {"id": "Extension.value[x]", "path": "Extension.value[x]", "max": "0"},
            ]
        },
    }


def _slice(name: str, type_: str, least: int) -> list[dict[str, Any]]:
    start = f"Extension.extension:{name}"
    return [
        {"id": start, "path": "Extension.extension", "sliceName": name, "min": least, "max": "1"},
        {"id": f"{start}.url", "path": "Extension.extension.url", "fixedUri": name},
        {
            "id": f"{start}.value[x]",
            "path": "Extension.extension.value[x]",
            "type": [{"code": type_}],
        },
    ]
