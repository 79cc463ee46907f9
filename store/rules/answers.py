"""The publisher's answers to the criteria: what is missing, and what a newer grid leaves to answer."""

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from typing import Any

from platform_core.errors import Fault
from store.rules import orientation
from store.rules.grid import Criterion, Grid, Proof

Claims = Mapping[str, Mapping[str, Any]]


class Mark(StrEnum):
    """How a criterion stands beside the grid that the application answered last."""

    NEW = "new"
    CHANGED = "changed"


def list_faults(
    grid: Grid, claims: Claims, given: orientation.Answers, backed: Collection[str] | None = None
) -> Iterator[Fault]:
    """What keeps the answers from being submitted; `where` is `criteria.<id>.level`, `.answer` or `.no_evidence`.

    An obligatory criterion that concerns the service needs a level that is enough (`insufficient` otherwise) and
    says what shows it. An optional one may be left out. A level or a criterion that the grid does not hold is wrong.
    `backed` names the criteria that a file shows: without one the grid may refuse the answer (`evidence-required`), or
    ask why there is none (`evidence-unexplained`). None leaves files aside.
    """
    for criterion in claims:
        if criterion not in grid.criteria:
            yield Fault(f"criteria.{criterion}", f"The grid {grid.version} has no such criterion.", "unknown-criterion")
    for one in grid.criteria.values():
        claim = claims.get(one.id, {})
        yield from _wrong_level(one, claim)
        if one.obligatory and one.applies(given):
            yield from _unfinished(one, claim)
            if backed is not None and one.id not in backed:
                yield from _unshown(one, claim)


def _wrong_level(criterion: Criterion, claim: Mapping[str, Any]) -> Iterator[Fault]:
    if "level" in claim and claim["level"] not in [one.level for one in criterion.levels]:
        yield Fault(f"criteria.{criterion.id}.level", "The criterion has no such level.", "not-a-choice")


def _unfinished(criterion: Criterion, claim: Mapping[str, Any]) -> Iterator[Fault]:
    if "level" not in claim:
        yield Fault(f"criteria.{criterion.id}.level", "The level is missing.", "required")
    elif not criterion.accepts(claim["level"]):
        yield Fault(f"criteria.{criterion.id}.level", "This level is not enough.", "insufficient")
    if not claim.get("answer"):
        yield Fault(f"criteria.{criterion.id}.answer", "The answer is missing.", "required")


def _unshown(criterion: Criterion, claim: Mapping[str, Any]) -> Iterator[Fault]:
    where = f"criteria.{criterion.id}.no_evidence"
    if criterion.proof is Proof.REQUIRED:
        yield Fault(where, "No file shows it.", "evidence-required")
    elif criterion.proof is Proof.EXPLAINED and not claim.get("no_evidence"):
        yield Fault(where, "No file shows it, and no reason is given.", "evidence-unexplained")


def concerning(grid: Grid, claims: Claims, given: orientation.Answers) -> dict[str, Mapping[str, Any]]:
    """The answers to the criteria that concern the service."""
    return {one.id: claims[one.id] for one in grid.applicable(given) if one.id in claims}


def mark(criterion: Criterion, answered: Grid | None) -> Mark | None:
    """Whether a criterion is new, or was changed, since the grid that the application answered last."""
    if answered is None:
        return None
    before = answered.criteria.get(criterion.id)
    if before is None:
        return Mark.NEW
    return Mark.CHANGED if before.revision != criterion.revision else None


def carry_over(claims: Claims, answered: Grid, grid: Grid) -> dict[str, Mapping[str, Any]]:
    """The answers to one grid, as a draft under another: those to unchanged criteria whole.

    Of a changed criterion the text is kept to be read again, its level is asked anew; retired ones are dropped.
    """
    kept = {key: claim for key, claim in claims.items() if key in grid.criteria}
    return {
        key: claim if mark(grid.get(key), answered) is None else {k: v for k, v in claim.items() if k != "level"}
        for key, claim in kept.items()
    }
