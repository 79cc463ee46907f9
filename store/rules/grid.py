"""The grid of criteria (versioned data, wording of this project) and what the verdicts allow to decide."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from platform_core.errors import Invalid, NotFound
from store.errors import CriteriaNotMet


class Verdict(StrEnum):
    CONFORMING = "conforming"
    NOT_CONFORMING = "not_conforming"
    NOT_APPLICABLE = "not_applicable"
    TO_CLARIFY = "to_clarify"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion. A `conditional` one may be found not applicable."""

    id: str
    family: str
    title: str
    text: str
    obligatory: bool
    conditional: bool
    evidence: str


@dataclass(frozen=True, slots=True)
class Grid:
    """One version of the grid: families (code to French label) and criteria, in the order of the file."""

    version: str
    notice: str
    families: Mapping[str, str]
    criteria: Mapping[str, Criterion]

    def get(self, criterion: str) -> Criterion:
        """Raises `NotFound`."""
        if criterion not in self.criteria:
            raise NotFound(f"The grid {self.version} has no criterion {criterion}.")
        return self.criteria[criterion]


@cache
def load(version: str) -> Grid:
    """The grid of that version, as its submissions are bound to it."""
    value: dict[str, Any] = json.loads(files("store").joinpath(f"data/grid-{version}.json").read_text())
    criteria = {entry["id"]: Criterion(**entry) for entry in value["criteria"]}
    return Grid(value["version"], value["notice"], {f["code"]: f["label"] for f in value["families"]}, criteria)


def check_verdict(criterion: Criterion, verdict: Verdict, comment: str) -> None:
    """Raises `Invalid` when the verdict says no without a comment, or sets aside a criterion that always applies."""
    if verdict is not Verdict.CONFORMING and not comment.strip():
        raise Invalid("A verdict other than conforming says why.", code="comment-required")
    if verdict is Verdict.NOT_APPLICABLE and not criterion.conditional:
        raise Invalid(f"{criterion.id} always applies.", code="always-applies")


def list_unmet(grid: Grid, verdicts: Mapping[str, Verdict]) -> list[Criterion]:
    """The obligatory criteria that keep the file from being accepted."""
    met = {Verdict.CONFORMING, Verdict.NOT_APPLICABLE}
    return [c for c in grid.criteria.values() if c.obligatory and verdicts.get(c.id) not in met]


def check_met(grid: Grid, verdicts: Mapping[str, Verdict]) -> None:
    """Raises `CriteriaNotMet` naming the criteria."""
    if unmet := list_unmet(grid, verdicts):
        raise CriteriaNotMet(f"Not met: {', '.join(criterion.id for criterion in unmet)}.")
