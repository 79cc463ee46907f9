"""What evidence may be and how long it holds: kinds (data), what it can back, days left, warnings due. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from importlib.resources import files

from platform_core.errors import Fault, Invalid

WARNINGS = (-1, 7, 30, 90)
MOST_TITLE = 150


class TargetKind(StrEnum):
    """What a piece of evidence backs in a dossier."""

    CRITERION = "criterion"
    SECTION = "section"


@dataclass(frozen=True, slots=True)
class EvidenceKind:
    """A kind of evidence. `dated` kinds say until when they hold."""

    code: str
    label: str
    hint: str
    dated: bool


def _load() -> Mapping[str, EvidenceKind]:
    value = json.loads(files("store").joinpath("data/evidence_kinds.json").read_text())
    return {
        code: EvidenceKind(code, entry["label"], entry["hint"], entry["validity"] == "required")
        for code, entry in value.items()
    }


KINDS = _load()


def check_description(*, kind: str, title: str, valid_from: date | None, valid_until: date | None, today: date) -> None:
    """Raises `Invalid` (`evidence-invalid`) with every fault of what was said of a file."""
    faults = []
    if kind not in KINDS:
        faults.append(Fault("kind", "is not a kind of evidence", "choice"))
    if not title.strip():
        faults.append(Fault("title", "is missing", "required"))
    elif len(title) > MOST_TITLE:
        faults.append(Fault("title", f"is longer than {MOST_TITLE} characters", "too-long"))
    faults += _faults_of_dates(KINDS.get(kind), valid_from, valid_until, today)
    if faults:
        said = "; ".join(f"{fault.where} {fault.message}" for fault in faults)
        raise Invalid(f"{said}.", code="evidence-invalid", faults=faults)


def _faults_of_dates(
    kind: EvidenceKind | None, valid_from: date | None, valid_until: date | None, today: date
) -> list[Fault]:
    if valid_until is None:
        return [Fault("valid_until", "is missing for this kind", "required")] if kind and kind.dated else []
    if valid_from and valid_from > valid_until:
        return [Fault("valid_until", "is before valid_from", "order")]
    if valid_until < today:
        return [Fault("valid_until", "is past: the file proves nothing any more", "past")]
    return []


def days_left(valid_until: date | None, today: date) -> int | None:
    """Days until the last day on which it holds, that day counting zero; negative once past, None without an end."""
    return None if valid_until is None else (valid_until - today).days
