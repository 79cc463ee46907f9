"""The steps of the profile, one subject each, and how « none » and « not known » are coded.

Allergies, problems and medications use the codes of the International Patient Summary; it has none for the two others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dmp_core.rules.entries.kinds import (
    ALLERGIES,
    CONDITIONS,
    FAMILY_HISTORY,
    LIFESTYLE,
    TREATMENTS,
    EntryKind,
)

IPS_ABSENCE = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
OWN_ABSENCE = "urn:ens:profile"


@dataclass(frozen=True, slots=True)
class Absence:
    """That there is nothing, or that the person does not know, as a coded statement."""

    system: str
    code: str
    text: str

    @property
    def key(self) -> str:
        return f"{self.system}|{self.code}"


@dataclass(frozen=True, slots=True)
class Step:
    """One subject. `choices` are the codes of which one is chosen; `name` is what addresses call it."""

    name: str
    kind: EntryKind
    choices: tuple[str, ...]
    none: Absence
    unknown: Absence
    has_detail: bool = True
    has_since: bool = True

    def absence(self, codes: Iterable[str]) -> Absence | None:
        """What an entry with these codes (`system|code`) says of absence, if it does."""
        return next((one for one in (self.none, self.unknown) if one.key in codes), None)


def _ips(none: tuple[str, str], unknown: tuple[str, str]) -> tuple[Absence, Absence]:
    return Absence(IPS_ABSENCE, *none), Absence(IPS_ABSENCE, *unknown)


def _own(none: tuple[str, str], unknown: tuple[str, str]) -> tuple[Absence, Absence]:
    return Absence(OWN_ABSENCE, *none), Absence(OWN_ABSENCE, *unknown)


STEPS: Mapping[str, Step] = {
    step.name: step
    for step in (
        Step(
            "allergies",
            ALLERGIES,
            ("low", "high", "unable-to-assess"),
            *_ips(
                ("no-known-allergies", "Aucune allergie connue"),
                ("no-allergy-info", "Allergies : ne sait pas"),
            ),
        ),
        Step(
            "maladies",
            CONDITIONS,
            ("active", "resolved"),
            *_ips(
                ("no-known-problems", "Aucune maladie connue"),
                ("no-problem-info", "Maladies : ne sait pas"),
            ),
        ),
        Step(
            "traitements",
            TREATMENTS,
            ("active", "completed"),
            *_ips(
                ("no-known-medications", "Aucun traitement"),
                ("no-medication-info", "Traitements : ne sait pas"),
            ),
        ),
        Step(
            "famille",
            FAMILY_HISTORY,
            ("MTH", "FTH", "SIB", "CHILD", "GRPRN", "EXT"),
            *_own(
                ("no-family-history", "Aucun antécédent familial connu"),
                ("unknown-family-history", "Antécédents familiaux : ne sait pas"),
            ),
            has_since=False,
        ),
        Step(
            "habitudes",
            LIFESTYLE,
            ("tobacco", "alcohol", "activity", "diet", "sleep", "other"),
            *_own(
                ("no-lifestyle", "Aucune habitude de vie à signaler"),
                ("unknown-lifestyle", "Habitudes de vie : ne sait pas"),
            ),
            has_detail=False,
            has_since=False,
        ),
    )
}
