"""Versions and conditions of HTTP (RFC 9110 §13) as FHIR uses them: a weak ETag holds the version number."""

import re

from platform_core.errors import VersionMismatch
from platform_core.fhir.search import refused

_IF_MATCH = re.compile(r'(?:W/)?"([0-9]{1,9})"')
_TAGS = re.compile(r'"([^"]*)"')


def etag(version: int) -> str:
    return f'W/"{version}"'


def matched_version(if_match: str | None) -> int | None:
    """The version an update insists on, or None without `If-Match`. Raises `Malformed`."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = _IF_MATCH.fullmatch(if_match.strip())
    if not found:
        raise refused("If-Match", 'must be an entity tag such as W/"3"')
    return int(found[1])


def check_version(wanted: int | None, present: int) -> None:
    """Raise `VersionMismatch` when the caller insists on another version than the present one."""
    if wanted is not None and wanted != present:
        raise VersionMismatch(f"Version {wanted} was expected, the present one is {present}.")


def is_unchanged(if_none_match: str | None, version: int) -> bool:
    """Whether a conditional read may be answered 304."""
    return str(version) in _TAGS.findall(if_none_match or "")
