"""What a Device must hold to be linked to measures: rules of the API Mesures (§2.1) and of the PHD guide."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from platform_core.errors import Fault

_CRITERIA = re.compile(r"identifier=([^|\s]+)\|(\S.*)")
_LONGEST = 2000  # bytes: what an index holds
Identifier = tuple[str, str]


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
