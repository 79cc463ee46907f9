"""What a Device must hold to be linked to measures (API Mesures §2.1, PHD guide), and what it tells people."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from platform_core.errors import Fault

_CRITERIA = re.compile(r"identifier=([^|\s]+)\|(\S.*)")
_LONGEST = 2000  # bytes: what an index holds
Identifier = tuple[str, str]
_SHOWN_OF_SERIAL = 4
# What a personal health device is, in the terms of IEEE 11073-10101 (specialization code = 8 × 65536 + term).
_SORTS = {
    "528388": "Oxymètre",
    "528391": "Tensiomètre",
    "528392": "Thermomètre",
    "528397": "Moniteur respiratoire",
    "528399": "Balance",
    "528401": "Lecteur de glycémie",
    "528404": "Impédancemètre",
    "528405": "Débitmètre de pointe",
    "528409": "Capteur de glucose en continu",
    "528425": "Moniteur d’activité cardiaque",
    "528455": "Boîtier d’activité",
    "528456": "Pilulier",
}
_UNNAMED = "Appareil"


@dataclass(frozen=True, slots=True)
class Traits:
    """What people are told of a device; each is empty when nobody said. Only the end of the serial number is."""

    name: str
    sort: str
    maker: str
    model: str
    serial_end: str


def traits_of(resource: Mapping[str, Any]) -> Traits:
    """What a Device says of itself: the name its owner knows it by first, else its sort, else its model."""
    names = sorted(resource.get("deviceName", ()), key=lambda one: one.get("type") != "user-friendly-name")
    sort = next((_SORTS[code] for code in _codes(resource) if code in _SORTS), "")
    serial = resource.get("serialNumber", "")
    return Traits(
        name=names[0]["name"] if names else sort or resource.get("modelNumber") or _UNNAMED,
        sort=sort,
        maker=resource.get("manufacturer", ""),
        model=resource.get("modelNumber", ""),
        serial_end=serial[-_SHOWN_OF_SERIAL:] if len(serial) > 2 * _SHOWN_OF_SERIAL else "",
    )


def _codes(resource: Mapping[str, Any]) -> list[str]:
    concepts = [resource.get("type", {}), *(one.get("systemType", {}) for one in resource.get("specialization", ()))]
    return [coding.get("code", "") for concept in concepts for coding in concept.get("coding", ())]


def identifier_of(resource: Mapping[str, Any], if_none_exist: str, path: str) -> Identifier | Fault:
    """The (system, value) that a Device is known by: that of `ifNoneExist`, else its first complete one."""
    own = [
        (found["system"], found["value"])
        for found in resource.get("identifier", ())
        if found.get("system") and found.get("value")
    ]
    if any(len(system.encode()) + len(value.encode()) > _LONGEST for system, value in own):
        return Fault(f"{path}.resource.identifier", f"is longer than {_LONGEST} bytes.", "too-long")
    if if_none_exist:
        criteria = _CRITERIA.fullmatch(unquote(if_none_exist))
        if not criteria:
            return Fault(f"{path}.request.ifNoneExist", "must be identifier=<system>|<value>.", "invalid")
        if (criteria[1], criteria[2]) not in own:
            return Fault(f"{path}.request.ifNoneExist", "is not an identifier of this Device.", "invalid")
        return criteria[1], criteria[2]
    if not own:
        return Fault(f"{path}.resource.identifier", "a Device needs an identifier with a system.", "required")
    return own[0]
