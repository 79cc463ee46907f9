"""The sixteen kinds of measure and how each is written in FHIR, after the ANS guide « Mesures de santé »."""

from __future__ import annotations

from dataclasses import dataclass

ANS = "https://interop.esante.gouv.fr/ig/fhir/mesures/StructureDefinition/"
LOINC = "http://loinc.org"
TAASIP = "https://mos.esante.gouv.fr/NOS/TRE_R308-TAASIP/FHIR/TRE-R308-TAASIP"
UCUM = "http://unitsofmeasure.org"
CATEGORY_SYSTEM = "http://terminology.hl7.org/CodeSystem/observation-category"
SYSTOLIC = "8480-6"
DIASTOLIC = "8462-4"

REASON = ANS + "mesures-reason-for-measurement"
MOMENT = ANS + "mesures-moment-of-measurement"
NUMBER_OF_DAYS = ANS + "mesures-number-of-days"

Coding = tuple[str, str]

MOMENTS: dict[str, Coding] = {
    "fasting": (LOINC, "53049-3"),
    "before-meal": (LOINC, "88365-2"),
    "after-meal": (LOINC, "16915-1"),
    "after-exercise": (LOINC, "LA11865-5"),
    "malaise": (TAASIP, "MED-1278"),
    "other": (LOINC, "LA46-8"),
}
DAYS: dict[int | str, Coding] = {
    7: (TAASIP, "GEN-275"),
    14: (TAASIP, "GEN-276"),
    30: (TAASIP, "GEN-277"),
    90: (TAASIP, "GEN-278"),
    "other": (TAASIP, "GEN-092.08.05"),
}


@dataclass(frozen=True)
class Kind:
    """Code, UCUM unit and profile of a kind; `needs` names the extension that its profile demands."""

    code: str
    unit: str
    profile: str
    system: str = LOINC
    unit_text: str = ""
    needs: str | None = None
    writable: bool = True


KINDS: dict[str, Kind] = {
    "body-weight": Kind("29463-7", "kg", "mesures-fr-observation-body-weight"),
    "body-height": Kind("8302-2", "cm", "mesures-fr-observation-bodyheight"),
    "bmi": Kind("39156-5", "kg/m2", "mesures-fr-observation-bmi", writable=False),
    "blood-pressure": Kind("85354-9", "mm[Hg]", "mesures-fr-observation-bp"),
    "temperature": Kind("8310-5", "Cel", "mesures-fr-observation-body-temperature"),
    "heart-rate": Kind("8867-4", "/min", "mesures-fr-observation-heartrate"),
    "blood-glucose": Kind("2345-7", "mg/dL", "mesures-observation-glucose", needs="moment"),
    "interstitial-glucose": Kind(
        "MED-969", "mg/dL", "mesures-observation-glucose", system=TAASIP, needs="number_of_days"
    ),
    "hba1c": Kind("4548-4", "%", "mesures-observation-hb1ac"),
    "gmi": Kind("MED-972", "%", "mesures-observation-glucose", system=TAASIP, needs="number_of_days"),
    "pain": Kind("72514-3", "1", "mesures-observation-pain-severity", unit_text="Level"),
    "steps": Kind("41950-7", "1/(24.h)", "mesures-observation-steps-by-day"),
    "waist-circumference": Kind("8280-0", "cm", "mesures-observation-waist-circumference"),
    "head-circumference": Kind("8287-5", "cm", "mesures-observation-head-circumference"),
    "oxygen-saturation": Kind("2708-6", "%", "mesures-fr-observation-oxygen-sat"),
    "respiratory-rate": Kind("9279-1", "/min", "mesures-fr-observation-resp-rate"),
}
KIND_OF: dict[Coding, str] = {(kind.system, kind.code): name for name, kind in KINDS.items()}
