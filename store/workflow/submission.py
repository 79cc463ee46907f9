"""The life of a submission: one dossier, from its draft to the catalogue or to a refusal."""

from collections.abc import Collection
from enum import StrEnum

from store.workflow.transitions import Role, Table, leads


class SubmissionState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    ADMISSIBLE = "admissible"
    INADMISSIBLE = "inadmissible"
    IN_EVALUATION = "in_evaluation"
    COMPLEMENTS_REQUESTED = "complements_requested"
    OPINION_GIVEN = "opinion_given"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    CONVENTION_SIGNED = "convention_signed"
    INTEROP_TESTS = "interop_tests"
    LISTED = "listed"
    ABANDONED = "abandoned"


class SubmissionVerb(StrEnum):
    SUBMIT = "submit"
    ABANDON = "abandon"
    ARCHIVE = "archive"
    TAKE_IN_CHARGE = "take_in_charge"
    ASSIGN = "assign"
    RELEASE = "release"
    DECLARE_ADMISSIBLE = "declare_admissible"
    DECLARE_INADMISSIBLE = "declare_inadmissible"
    START_EVALUATION = "start_evaluation"
    REQUEST_COMPLEMENTS = "request_complements"
    ANSWER_COMPLEMENTS = "answer_complements"
    PROPOSE_OPINION = "propose_opinion"
    RESUME_EVALUATION = "resume_evaluation"
    GIVE_OPINION = "give_opinion"
    ACCEPT = "accept"
    REFUSE = "refuse"
    SIGN_CONVENTION = "sign_convention"
    COUNTERSIGN_CONVENTION = "countersign_convention"
    CARRY_CONVENTION_OVER = "carry_convention_over"
    START_INTEROP_TESTS = "start_interop_tests"
    PASS_INTEROP_TESTS = "pass_interop_tests"  # noqa: S105 - a verb
    PUBLISH = "publish"


class SubmissionKind(StrEnum):
    """A first request, a change of a listed application, or the renewal of its listing."""

    FIRST = "first"
    AMENDMENT = "amendment"
    RENEWAL = "renewal"


class Opinion(StrEnum):
    """What the commission may say (R.1111-38 CSP), from the best to the worst."""

    FAVOURABLE = "favourable"
    FAVOURABLE_NON_SUSPENSIVE = "favourable_non_suspensive"
    FAVOURABLE_SUSPENSIVE = "favourable_suspensive"
    UNFAVOURABLE = "unfavourable"


_S, _V = SubmissionState, SubmissionVerb
_PUBLISHER, _REVIEWER, _DECIDER, _SYSTEM = (
    {role} for role in (Role.PUBLISHER, Role.REVIEWER, Role.DECIDER, Role.SYSTEM)
)

EDITABLE = frozenset({_S.DRAFT, _S.COMPLEMENTS_REQUESTED})
FINAL = frozenset({_S.INADMISSIBLE, _S.REFUSED, _S.LISTED, _S.ABANDONED})
EXAMINED = frozenset({_S.SUBMITTED, _S.ADMISSIBLE, _S.IN_EVALUATION, _S.COMPLEMENTS_REQUESTED})
AGREED = frozenset({_S.ACCEPTED, _S.CONVENTION_SIGNED, _S.INTEROP_TESTS})

SUBMISSION: Table = {
    _V.SUBMIT: leads(_S.DRAFT, to=_S.SUBMITTED, by=_PUBLISHER),
    _V.ABANDON: leads(_S.DRAFT, *EXAMINED, to=_S.ABANDONED, by=_PUBLISHER),
    _V.ARCHIVE: leads(_S.DRAFT, to=_S.ABANDONED, by=_SYSTEM),
    _V.TAKE_IN_CHARGE: leads(*EXAMINED, to=None, by=_REVIEWER),
    _V.ASSIGN: leads(*EXAMINED, to=None, by=_REVIEWER),
    _V.RELEASE: leads(*EXAMINED, to=None, by=_REVIEWER),
    _V.DECLARE_ADMISSIBLE: leads(_S.SUBMITTED, to=_S.ADMISSIBLE, by=_REVIEWER),
    _V.DECLARE_INADMISSIBLE: leads(_S.SUBMITTED, to=_S.INADMISSIBLE, by=_REVIEWER, motive=True),
    _V.START_EVALUATION: leads(_S.ADMISSIBLE, to=_S.IN_EVALUATION, by=_REVIEWER),
    _V.REQUEST_COMPLEMENTS: leads(_S.IN_EVALUATION, to=_S.COMPLEMENTS_REQUESTED, by=_REVIEWER, motive=True),
    _V.ANSWER_COMPLEMENTS: leads(_S.COMPLEMENTS_REQUESTED, to=_S.IN_EVALUATION, by=_PUBLISHER),
    _V.PROPOSE_OPINION: leads(_S.IN_EVALUATION, to=None, by=_REVIEWER, motive=True),
    _V.RESUME_EVALUATION: leads(_S.IN_EVALUATION, to=None, by=_REVIEWER),
    _V.GIVE_OPINION: leads(_S.IN_EVALUATION, to=_S.OPINION_GIVEN, by={Role.COMMISSION}, motive=True),
    _V.ACCEPT: leads(_S.OPINION_GIVEN, to=_S.ACCEPTED, by=_DECIDER, motive=True),
    _V.REFUSE: leads(_S.OPINION_GIVEN, to=_S.REFUSED, by=_DECIDER, motive=True),
    _V.SIGN_CONVENTION: leads(_S.ACCEPTED, to=None, by=_PUBLISHER),
    _V.COUNTERSIGN_CONVENTION: leads(_S.ACCEPTED, to=_S.CONVENTION_SIGNED, by=_DECIDER),
    _V.CARRY_CONVENTION_OVER: leads(_S.ACCEPTED, to=_S.CONVENTION_SIGNED, by=_SYSTEM),
    _V.START_INTEROP_TESTS: leads(_S.CONVENTION_SIGNED, to=_S.INTEROP_TESTS, by=_SYSTEM),
    _V.PASS_INTEROP_TESTS: leads(_S.INTEROP_TESTS, to=None, by=_SYSTEM),
    _V.PUBLISH: leads(_S.INTEROP_TESTS, to=_S.LISTED, by=_DECIDER),
}


def editable_sections(state: SubmissionState, *, flagged: Collection[str], sections: Collection[str]) -> frozenset[str]:
    """The parts of the dossier that its publisher may write now.

    A draft is open as a whole. A request for complements opens what it flagged, and nothing else: codes of sections
    and ids of criteria (a criterion flagged opens its own answer, not its neighbours').
    """
    if state is _S.DRAFT:
        return frozenset(sections)
    return frozenset(flagged) if state is _S.COMPLEMENTS_REQUESTED else frozenset()
