"""Refusals of the referencing."""

from platform_core.errors import Conflict, Forbidden, Invalid


class TransitionRefused(Conflict):
    """The present state does not allow this act, or somebody else acted first."""

    code = "transition-refused"

    def __init__(self, verb: str, state: str | None) -> None:
        super().__init__(f"{verb} is not possible in the state {state or 'unlisted'}.")
        self.verb, self.state = verb, state


class RoleRequired(Forbidden):
    """The act belongs to a role that this actor does not hold."""

    code = "role-required"


class OwnOrganisation(Forbidden):
    """Nobody examines or decides on a file of their own organisation."""

    code = "own-organisation"


class FourEyes(Forbidden):
    """Who evaluated a file does not decide on it."""

    code = "four-eyes"


class MotiveRequired(Invalid):
    """The act must say why."""

    code = "motive-required"


class Incomplete(Invalid):
    """The dossier cannot be submitted yet; the faults name what is missing."""

    code = "dossier-incomplete"


class AgainstOpinion(Conflict):
    """The decision does not say rightly whether it departs from the commission's opinion."""

    code = "against-opinion"

    def __init__(self, opinion: str) -> None:
        super().__init__(f"The opinion is {opinion}: say whether the decision departs from it, and why.")
        self.opinion = opinion


class SectionLocked(Conflict):
    """The reviewers did not ask for a change of this part of the dossier."""

    code = "section-locked"


class ConflictOfInterest(Forbidden):
    """A member who declared an interest in a file takes no part in its examination."""

    code = "conflict-of-interest"


class CriteriaNotMet(Conflict):
    """Obligatory criteria are not all conforming: the file cannot be accepted."""

    code = "criteria-not-met"


class PilotClosed(Forbidden):
    """This person cannot enter the pilot: it is full, or for the people of other regions."""

    code = "pilot-closed"


class CallClosed(Conflict):
    """The call no longer receives candidacies, or not yet."""

    code = "call-closed"
