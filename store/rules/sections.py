"""The task list of a dossier: its steps, and where each section stands."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from platform_core.errors import Fault
from store.rules import dossier as dossiers
from store.rules.dossier import SECTIONS, Dossier
from store.rules.grid import Grid
from store.workflow import AGREED, SubmissionState, editable_sections

ITEMS = "items"


class SectionStatus(StrEnum):
    EMPTY = "empty"
    STARTED = "started"
    COMPLETE = "complete"
    TO_CORRECT = "to_correct"
    VALIDATED = "validated"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class Step:
    """One page of a section: the fields it asks for, or the criteria of one family."""

    slug: str
    title: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """What the review made of a dossier: its state, what it reopened, and the version it last read."""

    state: SubmissionState = SubmissionState.DRAFT
    flagged: Collection[str] = ()
    frozen: Mapping[str, Any] = field(default_factory=dict)


_AGREED = AGREED | {SubmissionState.LISTED}


def list_steps(section: str, dossier: Dossier, grid: Grid) -> list[Step]:
    """The pages of a section, less what the orientation sets aside. A short section is one page without a slug."""
    if section == "criteria":
        return _families(dossier, grid)
    schema, given = SECTIONS[section], dossier.get("orientation", {})
    plain = [name for name in schema["properties"] if name != ITEMS]
    written = schema.get("x-steps") or [{"slug": "", "title": schema["title"], "fields": plain}]
    steps = [
        Step(
            step["slug"],
            step["title"],
            tuple(name for name in step["fields"] if dossiers.field_applies(given, section, name)),
        )
        for step in written
    ]
    return [step for step in steps if step.fields]


def _families(dossier: Dossier, grid: Grid) -> list[Step]:
    concerned = grid.applicable(dossier.get("orientation", {}))
    steps = [
        Step(family.slug, family.label, tuple(one.id for one in concerned if one.family == family.code))
        for family in grid.families.values()
    ]
    return [step for step in steps if step.fields]


def list_statuses(
    dossier: Dossier, grid: Grid, review: Review, backed: Collection[str] | None = None
) -> dict[str, SectionStatus]:
    """Where each section stands for its publisher: its content, the files behind it, what the review made of it.

    A section sent back is to correct until its content differs from what was read and lacks nothing.
    """
    faults = dossiers.list_faults(dossier, grid, backed)
    return {section: _reviewed(dossier, section, faults, review) for section in SECTIONS}


def list_shown(
    backed: Collection[str], grid: Grid, *, state: SubmissionState, flagged: Collection[str]
) -> frozenset[str]:
    """The criteria of which no file is owed now: a file backs them, or they may not be changed."""
    parts = editable_sections(state, flagged=flagged, sections=SECTIONS)
    closed = frozenset() if "criteria" in parts else grid.criteria.keys() - parts
    return frozenset(backed) | closed


def step_status(
    dossier: Dossier, section: str, faults: Iterable[Fault], fields: Collection[str] | None = None
) -> SectionStatus:
    """Where the content of a section, or of some of its fields, stands."""
    if not dossiers.section_applies(dossier.get("orientation", {}), section):
        return SectionStatus.NOT_APPLICABLE
    values = dossier.get(section, {})
    paths = [fault.where.split(".") for fault in faults]
    if any(path[0] == section and (fields is None or path[1] in fields) for path in paths):
        written = any(name in values for name in (values if fields is None else fields))
        return SectionStatus.STARTED if written else SectionStatus.EMPTY
    return SectionStatus.COMPLETE


def _reviewed(dossier: Dossier, section: str, faults: Iterable[Fault], review: Review) -> SectionStatus:
    content = step_status(dossier, section, faults)
    if content is SectionStatus.NOT_APPLICABLE or review.state is SubmissionState.DRAFT:
        return content
    if review.state in _AGREED:
        return SectionStatus.VALIDATED
    if review.state is not SubmissionState.COMPLEMENTS_REQUESTED:
        return content
    sent_back = _sent_back(section, review)
    if not sent_back:
        return SectionStatus.VALIDATED
    same = any(_same(dossier, review.frozen, section, fields) for fields in sent_back)
    return SectionStatus.TO_CORRECT if same or content is not SectionStatus.COMPLETE else SectionStatus.COMPLETE


def _sent_back(section: str, review: Review) -> list[list[str] | None]:
    """What was sent back of a section: None for the whole of it, else each criterion."""
    if section in review.flagged:
        return [None]
    return [[one] for one in review.flagged if section == "criteria" and one not in SECTIONS]


def _same(dossier: Dossier, frozen: Dossier, section: str, fields: list[str] | None) -> bool:
    return dossiers.section_version(dossier, section, fields) == dossiers.section_version(frozen, section, fields)
