"""What the commission may conclude: quorum, majority, reservations; and what its opinion allows to decide. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import ceil

from platform_core.errors import Conflict, Invalid
from store.errors import AgainstOpinion, CriteriaNotMet
from store.rules.grid import Criterion, Verdict
from store.rules.procedure import PROCEDURE
from store.workflow import Opinion


class Ballot(StrEnum):
    """What a member may vote: one of the four opinions, or to abstain."""

    FAVOURABLE = "favourable"
    FAVOURABLE_NON_SUSPENSIVE = "favourable_non_suspensive"
    FAVOURABLE_SUSPENSIVE = "favourable_suspensive"
    UNFAVOURABLE = "unfavourable"
    ABSTAIN = "abstain"


@dataclass(frozen=True, slots=True)
class NewReservation:
    """A reservation as the commission words it. `criterion` is an id of the grid, or None for the whole dossier."""

    text: str
    suspensive: bool
    due_on: date
    criterion: str | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """The count of an item. `opinion` is None without a quorum, or when everybody abstained."""

    needed: int
    present: int
    counts: Mapping[Ballot, int]
    opinion: Opinion | None

    @property
    def is_quorate(self) -> bool:
        return self.present >= self.needed


def tally(ballots: Sequence[Ballot], *, members: int) -> Tally:
    """Count the ballots of an item, of which `members` could vote.

    Quorum: a share of those who could vote took part, abstaining included. Result: the most favourable opinion that
    more than half of the votes cast support, a vote supporting also every more severe opinion; so a vote split
    between reservations and a refusal never hides behind the most numerous group.
    """
    counts = {ballot: ballots.count(ballot) for ballot in Ballot}
    cast = len(ballots) - counts[Ballot.ABSTAIN]
    needed = max(1, ceil(members * PROCEDURE["commission"]["quorum_share"]))
    found = None
    if len(ballots) >= needed and cast:
        support = 0
        for opinion in Opinion:
            support += counts[Ballot(opinion)]
            if 2 * support > cast:
                found = opinion
                break
    return Tally(needed, len(ballots), counts, found)


def propose(criteria: Collection[Criterion], verdicts: Mapping[str, Verdict]) -> Opinion | None:
    """The opinion that the verdicts suggest; None as long as a criterion waits for its verdict or is to clarify."""
    found = [(criterion, verdicts.get(criterion.id)) for criterion in criteria]
    if any(verdict in {None, Verdict.TO_CLARIFY} for _, verdict in found):
        return None
    failed = [criterion for criterion, verdict in found if verdict is Verdict.NOT_CONFORMING]
    obligatory = sum(criterion.obligatory for criterion in failed)
    if obligatory >= PROCEDURE["commission"]["unfavourable_from"]:
        return Opinion.UNFAVOURABLE
    if obligatory:
        return Opinion.FAVOURABLE_SUSPENSIVE
    return Opinion.FAVOURABLE_NON_SUSPENSIVE if failed else Opinion.FAVOURABLE


def list_allowed(unmet: Collection[Criterion]) -> Sequence[Opinion]:
    """The opinions that may be proposed: with an obligatory criterion unmet, those that do not leave it so."""
    severe = (Opinion.FAVOURABLE_SUSPENSIVE, Opinion.UNFAVOURABLE)
    return severe if unmet else tuple(Opinion)


def check_reservations(opinion: Opinion, reservations: Sequence[NewReservation], unmet: Collection[Criterion]) -> None:
    """Raises `Invalid` when the reservations do not suit the opinion.

    Raises `CriteriaNotMet` when a favourable opinion leaves an obligatory criterion unmet without a suspensive
    reservation on it: the file could never be accepted.
    """
    suspensive = [reservation for reservation in reservations if reservation.suspensive]
    if any(not reservation.text.strip() for reservation in reservations):
        raise Invalid("A reservation says what is to be done.", code="reservation-text-required")
    if opinion is Opinion.FAVOURABLE_SUSPENSIVE and not suspensive:
        raise Invalid("This opinion needs a suspensive reservation.", code="reservation-required")
    if opinion is Opinion.FAVOURABLE_NON_SUSPENSIVE and (suspensive or not reservations):
        raise Invalid("This opinion needs reservations, none of them suspensive.", code="reservation-required")
    if opinion in {Opinion.FAVOURABLE, Opinion.UNFAVOURABLE} and reservations:
        raise Invalid("This opinion carries no reservation.", code="reservation-refused")
    if opinion is not Opinion.UNFAVOURABLE:
        covered = {reservation.criterion for reservation in suspensive}
        if left := [criterion.id for criterion in unmet if criterion.id not in covered]:
            raise CriteriaNotMet(f"Not met, and without a suspensive reservation: {', '.join(left)}.")


def goes_against(opinion: Opinion, *, accepts: bool) -> bool:
    """Whether accepting, or refusing, departs from the opinion."""
    return accepts is (opinion is Opinion.UNFAVOURABLE)


def check_decision(opinion: Opinion, *, accepts: bool, against_opinion: bool, suspensive_open: int) -> None:
    """What limits a decision (R.1111-38 CSP: the commission advises, the minister decides).

    Raises `AgainstOpinion` when it departs from the opinion without saying so, `Conflict` (`reservations-open`) when a
    suspensive reservation is not lifted.
    """
    if goes_against(opinion, accepts=accepts) is not against_opinion:
        raise AgainstOpinion(opinion)
    if accepts and suspensive_open:
        raise Conflict(f"{suspensive_open} suspensive reservations are not lifted.", code="reservations-open")
