"""National identifiers as value objects with their key rules: INS, RPPS, FINESS, SIREN."""

import re
from dataclasses import dataclass

from platform_core.errors import Fault, Invalid

INS_NIR = "1.2.250.1.213.1.4.8"
INS_NIA = "1.2.250.1.213.1.4.9"
INS_NIR_TEST = "1.2.250.1.213.1.4.10"
INS_NIR_DEMO = "1.2.250.1.213.1.4.11"
_PRODUCTION = frozenset({INS_NIR, INS_NIA})
_OIDS = _PRODUCTION | {INS_NIR_TEST, INS_NIR_DEMO}
INS_SYSTEMS = frozenset(f"urn:oid:{oid}" for oid in _OIDS)
"""The FHIR identifier systems of the INS."""

_MATRICULE = re.compile(r"\d{5}(?:\d\d|2[AB])\d{8}")


@dataclass(frozen=True, slots=True)
class Ins:
    """Identité nationale de santé: a matricule (13 characters and a key of 2) with the OID of its authority.

    The key is enforced for the production OIDs only: published test identities break it. `key_is_valid` tells.
    """

    matricule: str
    oid: str

    def __post_init__(self) -> None:
        if self.oid not in _OIDS:
            raise _invalid("oid", f"{self.oid} is not an OID of the INS")
        if not _MATRICULE.fullmatch(self.matricule):
            raise _invalid("matricule", "must be 13 characters and a key of 2 digits")
        if self.oid in _PRODUCTION and not self.key_is_valid:
            raise _invalid("matricule", "its key does not match its digits")

    @property
    def key_is_valid(self) -> bool:
        """Key = 97 − (N13 mod 97), Corsica counted 2A → 19 and 2B → 18 (NIR rule of the INSEE)."""
        digits = self.matricule[:13].replace("2A", "19").replace("2B", "18")
        return int(self.matricule[13:]) == 97 - int(digits) % 97

    @property
    def is_test(self) -> bool:
        return self.oid not in _PRODUCTION

    @property
    def system(self) -> str:
        """The FHIR identifier system."""
        return f"urn:oid:{self.oid}"

    def __repr__(self) -> str:
        return f"Ins(…{self.matricule[-2:]}, {self.oid})"


@dataclass(frozen=True, slots=True)
class Rpps:
    """Répertoire partagé des professionnels: 11 digits, the last one a Luhn key."""

    number: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d{11}", self.number) or not _luhn(self.number):
            raise _invalid("rpps", "must be 11 digits whose key is right")

    @property
    def national_id(self) -> str:
        """The national identifier of a professional: type 8, then the RPPS number."""
        return "8" + self.number


@dataclass(frozen=True, slots=True)
class Finess:
    """Fichier national des établissements: 9 characters; the Luhn key is checked outside Corsica."""

    number: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d[\dAB]\d{7}", self.number) or (self.number.isdigit() and not _luhn(self.number)):
            raise _invalid("finess", "must be 9 characters whose key is right")


@dataclass(frozen=True, slots=True)
class Siren:
    """Number of a legal person: 9 digits with a Luhn key."""

    number: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d{9}", self.number) or not _luhn(self.number):
            raise _invalid("siren", "must be 9 digits whose key is right")


def _luhn(digits: str) -> bool:
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _invalid(field: str, message: str) -> Invalid:
    return Invalid(f"{field}: {message}.", code="invalid-identifier", faults=[Fault(field, message)])
