"""The grid of criteria (versioned data, wording of this project) and what the verdicts allow to decide."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from platform_core.errors import Invalid, NotFound
from store.errors import CriteriaNotMet
from store.rules import orientation
from store.rules.orientation import Answers, Condition

_FILE = re.compile(r"grid-([0-9]{4}\.[0-9]+)\.json")


class Verdict(StrEnum):
    CONFORMING = "conforming"
    NOT_CONFORMING = "not_conforming"
    NOT_APPLICABLE = "not_applicable"
    TO_CLARIFY = "to_clarify"


class Proof(StrEnum):
    """What a dossier must hold beside an answer to be sent: a file; a file or the reason why there is none; neither."""

    REQUIRED = "required"
    EXPLAINED = "explained"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True)
class Level:
    """One degree of a criterion, from 0 up, and whether it is enough."""

    level: int
    acceptable: bool
    meaning: str


@dataclass(frozen=True, slots=True)
class Family:
    """A family of criteria; `slug` names its page."""

    code: str
    label: str
    slug: str


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion. `evidence` holds kinds of evidence, `source` the public text that it draws on.

    `since` is the grid in which it appeared, `revision` the one that last changed its wording or its levels.
    """

    id: str
    family: str
    title: str
    text: str
    obligatory: bool
    levels: tuple[Level, ...]
    evidence: tuple[str, ...]
    since: str
    revision: str
    proof: Proof = Proof.OPTIONAL
    source: str = ""
    applies_when: Condition = field(default=())

    @property
    def conditional(self) -> bool:
        """Whether it may be found not applicable."""
        return bool(self.applies_when)

    def applies(self, answers: Answers) -> bool:
        """Whether it concerns a service with these answers to the orientation."""
        return orientation.fulfils(answers, self.applies_when)

    def accepts(self, level: object) -> bool:
        """Whether this level exists and is enough."""
        return any(one.level == level and one.acceptable for one in self.levels)


@dataclass(frozen=True, slots=True)
class Grid:
    """One version of the grid: families and criteria in the order of the file, notes on what it changed."""

    version: str
    notice: str
    families: Mapping[str, Family]
    criteria: Mapping[str, Criterion]
    supersedes: str = ""
    changes: Mapping[str, str] = field(default_factory=dict)
    retired: Mapping[str, str] = field(default_factory=dict)

    def get(self, criterion: str) -> Criterion:
        """Raises `NotFound`."""
        if criterion not in self.criteria:
            raise NotFound(f"The grid {self.version} has no criterion {criterion}.")
        return self.criteria[criterion]

    def applicable(self, answers: Answers) -> list[Criterion]:
        """The criteria that concern a service with these answers to the orientation, in the order of the grid."""
        return [criterion for criterion in self.criteria.values() if criterion.applies(answers)]


@cache
def load(version: str) -> Grid:
    """The grid of that version, as its submissions are bound to it."""
    value: dict[str, Any] = json.loads(files("store").joinpath(f"data/grid-{version}.json").read_text())
    notes = {key: {note["id"]: note["note"] for note in value.get(key, ())} for key in ("changes", "retired")}
    return Grid(
        value["version"],
        value["notice"],
        {entry["code"]: Family(**entry) for entry in value["families"]},
        {entry["id"]: _criterion(entry) for entry in value["criteria"]},
        value.get("supersedes", ""),
        **notes,
    )


@cache
def list_versions() -> list[str]:
    """The versions that exist, the newest first."""
    names = [one.name for one in files("store").joinpath("data").iterdir()]
    return sorted((found[1] for name in names if (found := _FILE.fullmatch(name))), reverse=True)


def _criterion(entry: dict[str, Any]) -> Criterion:
    levels = tuple(Level(**level) for level in entry["levels"])
    proof = Proof(entry.get("proof", Proof.OPTIONAL))
    return Criterion(**{**entry, "levels": levels, "evidence": tuple(entry["evidence"]), "proof": proof})


def check_verdict(criterion: Criterion, verdict: Verdict, comment: str) -> None:
    """Raises `Invalid` when the verdict says no without a comment, or sets aside a criterion that always applies."""
    if verdict is not Verdict.CONFORMING and not comment.strip():
        raise Invalid("A verdict other than conforming says why.", code="comment-required")
    if verdict is Verdict.NOT_APPLICABLE and not criterion.conditional:
        raise Invalid(f"{criterion.id} always applies.", code="always-applies")


def list_unmet(grid: Grid, verdicts: Mapping[str, Verdict], answers: Answers) -> list[Criterion]:
    """The obligatory criteria, among those that concern the service, that keep the file from being accepted."""
    met = {Verdict.CONFORMING, Verdict.NOT_APPLICABLE}
    return [c for c in grid.applicable(answers) if c.obligatory and verdicts.get(c.id) not in met]


def check_met(grid: Grid, verdicts: Mapping[str, Verdict], answers: Answers) -> None:
    """Raises `CriteriaNotMet` naming the criteria."""
    if unmet := list_unmet(grid, verdicts, answers):
        raise CriteriaNotMet(f"Not met: {', '.join(criterion.id for criterion in unmet)}.")
