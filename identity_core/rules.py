"""Pure rules of identity: confidence in an identity, levels of authentication, paths one may be sent back to."""

import re
from enum import StrEnum
from urllib.parse import urlsplit


class IdentityStatus(StrEnum):
    """Confidence in an identity (RNIV, EXI SI 07): whether the INS was retrieved and the identity checked."""

    PROV = "PROV"
    RECUP = "RECUP"
    VALI = "VALI"
    QUAL = "QUAL"


class Role(StrEnum):
    """What a member of an organisation may do."""

    PUBLISHER = "publisher"
    REVIEWER = "reviewer"
    DECIDER = "decider"
    COMMISSION = "commission"


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
