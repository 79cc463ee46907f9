"""Pure rules of identity: confidence in an identity, who acts for whom, levels of sign-in and membership, tokens."""

import re
from calendar import monthrange
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from platform_core.callers import Scope
from platform_core.errors import Fault, Invalid


class IdentityStatus(StrEnum):
    """Confidence in an identity (RNIV, EXI SI 07): whether the INS was retrieved and the identity checked."""

    PROV = "PROV"
    RECUP = "RECUP"
    VALI = "VALI"
    QUAL = "QUAL"


class Role(StrEnum):
    """What a member of an organisation may do.

    A viewer reads what a publisher writes; an administrator also rules the members of the organisation.
    """

    ADMINISTRATOR = "administrator"
    VIEWER = "viewer"
    PUBLISHER = "publisher"
    REVIEWER = "reviewer"
    DECIDER = "decider"
    COMMISSION = "commission"


class MemberLevel(StrEnum):
    """What a member may do in the publisher's space, from the least to the most."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMINISTRATOR = "administrator"


ROLES_OF = {
    MemberLevel.VIEWER: frozenset({Role.VIEWER}),
    MemberLevel.EDITOR: frozenset({Role.PUBLISHER}),
    MemberLevel.ADMINISTRATOR: frozenset({Role.PUBLISHER, Role.ADMINISTRATOR}),
}
PUBLISHING = frozenset().union(*ROLES_OF.values())


def member_level(roles: Collection[str]) -> MemberLevel | None:
    """The level that roles amount to; None for somebody who has no part in the publisher's space."""
    if Role.ADMINISTRATOR in roles:
        return MemberLevel.ADMINISTRATOR
    if Role.PUBLISHER in roles:
        return MemberLevel.EDITOR
    return MemberLevel.VIEWER if Role.VIEWER in roles else None


REGIONS = {
    "01": "Guadeloupe",
    "02": "Martinique",
    "03": "Guyane",
    "04": "La Réunion",
    "06": "Mayotte",
    "11": "Île-de-France",
    "24": "Centre-Val de Loire",
    "27": "Bourgogne-Franche-Comté",
    "28": "Normandie",
    "32": "Hauts-de-France",
    "44": "Grand Est",
    "52": "Pays de la Loire",
    "53": "Bretagne",
    "75": "Nouvelle-Aquitaine",
    "76": "Occitanie",
    "84": "Auvergne-Rhône-Alpes",
    "93": "Provence-Alpes-Côte d’Azur",
    "94": "Corse",
}
"""Regions of France by INSEE code (Code officiel géographique)."""

TOKEN_PREFIX = "ens_pat_"  # noqa: S105 - what scanners of secrets look for
LONGEST_TOKEN_DAYS = 365
_LONGEST_NAME = 80
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,185}\.[^@\s\x00-\x1f\x7f]{2,63}")


def check_token_request(*, name: str, scopes: Collection[str], days: int, roles: Collection[str]) -> None:
    """Whether such a personal access token may be made. Raises `Invalid` (`invalid-token-request`) with every fault."""
    faults = []
    if not 0 < len(name.strip()) <= _LONGEST_NAME:
        faults.append(Fault("name", f"between 1 and {_LONGEST_NAME} characters"))
    if not scopes or granted_scopes(scopes, roles) != frozenset(scopes):
        faults.append(Fault("scopes", "at least one, within what your own role allows"))
    if not 1 <= days <= LONGEST_TOKEN_DAYS:
        faults.append(Fault("days", f"between 1 and {LONGEST_TOKEN_DAYS}"))
    if faults:
        raise Invalid("The token cannot be made as asked.", code="invalid-token-request", faults=faults)


def granted_scopes(scopes: Collection[str], roles: Collection[str]) -> frozenset[str]:
    """Those of the scopes that exist and that a member with these roles may use: a viewer only reads."""
    return frozenset(scope for scope in Scope if scope in scopes and (Role.PUBLISHER in roles or not scope.writes))


def normal_email(text: str) -> str:
    """An address as it is compared. Raises `Invalid` (`invalid-email`)."""
    address = text.strip().casefold()
    if not _EMAIL.fullmatch(address):
        raise Invalid("This is not an e-mail address.", code="invalid-email", faults=[Fault("email", "not an address")])
    return address


LEVELS = ("eidas1", "eidas2", "eidas3")
_CHECKED_FROM = "eidas2"
_CONTROL = re.compile(r"[\x00-\x20\x7f\\]")
_LONGEST_PATH = 2000


def identity_status(*, ins_found: bool, acr: str) -> IdentityStatus:
    """The status of an identity that comes from a sign-in.

    A substantial or high level (eIDAS) counts as a check of the identity: the person proved it with a document to
    reach that level. Together with the INS given by the teleservice, it qualifies the identity.
    """
    checked = reaches(acr, _CHECKED_FROM)
    if ins_found:
        return IdentityStatus.QUAL if checked else IdentityStatus.RECUP
    return IdentityStatus.VALI if checked else IdentityStatus.PROV


def surest(one: IdentityStatus, other: IdentityStatus) -> IdentityStatus:
    """The status to keep: a later, weaker sign-in takes nothing back."""
    order = list(IdentityStatus)
    return max(one, other, key=order.index)


def reaches(acr: str, wanted: str) -> bool:
    """Whether a level of authentication is at least the wanted one; an unknown level reaches nothing."""
    return acr in LEVELS and LEVELS.index(acr) >= LEVELS.index(wanted)


def local_path(candidate: str, otherwise: str) -> str:
    """The candidate when it is a path of this site, else the other one (no open redirect, RFC 9700 §4.11).

    Browsers read a backslash as a slash and drop control characters, hence both are refused.
    """
    if len(candidate) > _LONGEST_PATH or _CONTROL.search(candidate) or not re.match(r"/(?!/)", candidate):
        return otherwise
    try:
        parts = urlsplit(candidate)
    except ValueError:
        return otherwise
    return otherwise if parts.scheme or parts.netloc else candidate


class RepresentationKind(StrEnum):
    """By what right a person acts for a patient: articles 371-1, 425 and 1984 of the Code civil."""

    PARENTAL_AUTHORITY = "parental-authority"
    GUARDIANSHIP = "guardianship"
    MANDATE = "mandate"


LEGAL = (RepresentationKind.PARENTAL_AUTHORITY, RepresentationKind.GUARDIANSHIP)
"""What the law gives, with every act of the patient. A mandate only allows what it says."""


class Power(StrEnum):
    """What a mandate may let a helper do."""

    RECORD = "record"
    APPOINTMENTS = "appointments"
    PERMISSIONS = "permissions"


NEEDS: Mapping[Power, Power] = {Power.PERMISSIONS: Power.RECORD}
"""Who lets an app read the record reads it through that app: one power is not given without the other."""

MANDATE_MONTHS = (1, 3, 6, 12)
_MAJORITY_MONTHS = 18 * 12


@dataclass(frozen=True, slots=True)
class Mandate:
    """What is entrusted to a helper: powers, families of data left out, the last day."""

    powers: frozenset[Power]
    excluded: frozenset[str]
    until: date


def mandate_faults(mandate: Mandate, *, families: Collection[str], today: date) -> list[Fault]:
    """What forbids to give such a mandate; empty when nothing does. `families` are those that exist."""
    faults = []
    if not mandate.powers:
        faults.append(Fault("powers", "at least one"))
    if any(power in mandate.powers and needed not in mandate.powers for power, needed in NEEDS.items()):
        faults.append(Fault("powers", "permissions go with the record"))
    if not mandate.excluded <= frozenset(families):
        faults.append(Fault("excluded", "families of data that exist"))
    if not today <= mandate.until <= months_after(today, MANDATE_MONTHS[-1]):
        faults.append(Fault("until", "between today and a year from now"))
    return faults


def coming_of_age(birth_date: date) -> date:
    """The day from which a person decides alone: eighteen years old (Code civil, article 414).

    Somebody born on a 29 February comes of age on the last day of that month.
    """
    return months_after(birth_date, _MAJORITY_MONTHS)


def last_day_of(*, valid_from: date, valid_until: date | None, birth_date: date) -> date | None:
    """The last day on which a representation holds, None when it has no end. One that began in the childhood of the
    patient, by whatever right, ends the day before they come of age."""
    majority = coming_of_age(birth_date)
    ends = [day for day in (valid_until, majority - timedelta(days=1) if valid_from < majority else None) if day]
    return min(ends, default=None)


def months_after(day: date, months: int) -> date:
    """The same day of the month so many months later, or the last one of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
