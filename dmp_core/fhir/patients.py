"""A patient as FHIR text, for the structure that found them: what tells them from another person, and no matricule."""

from typing import Any

from identity_core.queries import PatientView
from platform_core.fhir import wire


def write_patient(patient: PatientView, reference: str) -> str:
    """The JSON of a Patient under the id (`reference`) that this structure knows."""
    resource: dict[str, Any] = {
        "resourceType": "Patient",
        "id": reference,
        "name": [{"use": "official", "family": patient.family_name, "given": [patient.given_name]}],
        "gender": patient.sex,
        "birthDate": patient.birth_date.isoformat(),
    }
    return wire.write(resource)
