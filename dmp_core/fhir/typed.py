"""What a person says of themself as FHIR resources, their subject left out."""

from datetime import date
from typing import Any

from dmp_core.rules.vaccinations.calendar import ATC, Vaccine

Resource = dict[str, Any]


def write_vaccination(vaccine: Vaccine, *, given_on: date, product: str, lot: str, recorded: date) -> Resource:
    """An Immunization told by the patient (`primarySource` false); its text names the product when it is known."""
    text = f"{vaccine.label} : {product}" if product else vaccine.label
    return {
        "resourceType": "Immunization",
        "status": "completed",
        "vaccineCode": {"coding": [{"system": ATC, "code": vaccine.code}], "text": text},
        "occurrenceDateTime": given_on.isoformat(),
        "recorded": recorded.isoformat(),
        "primarySource": False,
        "reportOrigin": {"text": "Saisi par le patient"},
        **({"lotNumber": lot} if lot else {}),
    }
