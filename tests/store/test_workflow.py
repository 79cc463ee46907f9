"""The whole grid state × verb × role of each life: what the tables do not allow is refused."""

from enum import StrEnum
from itertools import product

import pytest

from store.errors import MotiveRequired, RoleRequired, TransitionRefused
from store.service.transitions import NOTICES
from store.workflow import (
    EDITABLE,
    FINAL,
    SUBMISSION,
    TABLES,
    AuditState,
    AuditVerb,
    CallState,
    CallVerb,
    CandidacyState,
    CandidacyVerb,
    ListingState,
    ListingVerb,
    QuestionState,
    QuestionVerb,
    ReservationState,
    ReservationVerb,
    Role,
    SessionState,
    SessionVerb,
    SubmissionState,
    SubmissionVerb,
    apply,
    editable_sections,
    possible,
)

# Written out apart from the tables under test, as the procedure says it: verb → from → to, in whose hands.
# « = » leaves the state as it is, « - » is what does not exist yet.
EXAMINED = "submitted admissible in_evaluation complements_requested"
ALLOWED: dict[type[StrEnum], dict[str, tuple[str, str, str]]] = {
    SubmissionVerb: {
        "submit": ("draft", "submitted", "publisher"),
        "abandon": (f"draft {EXAMINED}", "abandoned", "publisher"),
        "archive": ("draft", "abandoned", "system"),
        "take_in_charge": (EXAMINED, "=", "reviewer"),
        "assign": (EXAMINED, "=", "reviewer"),
        "release": (EXAMINED, "=", "reviewer"),
        "declare_admissible": ("submitted", "admissible", "reviewer"),
        "declare_inadmissible": ("submitted", "inadmissible", "reviewer"),
        "start_evaluation": ("admissible", "in_evaluation", "reviewer"),
        "request_complements": ("in_evaluation", "complements_requested", "reviewer"),
        "answer_complements": ("complements_requested", "in_evaluation", "publisher"),
        "propose_opinion": ("in_evaluation", "=", "reviewer"),
        "resume_evaluation": ("in_evaluation", "=", "reviewer"),
        "give_opinion": ("in_evaluation", "opinion_given", "commission"),
        "accept": ("opinion_given", "accepted", "decider"),
        "refuse": ("opinion_given", "refused", "decider"),
        "sign_convention": ("accepted", "=", "publisher"),
        "countersign_convention": ("accepted", "convention_signed", "decider"),
        "carry_convention_over": ("accepted", "convention_signed", "system"),
        "start_interop_tests": ("convention_signed", "interop_tests", "system"),
        "pass_interop_tests": ("interop_tests", "=", "system"),
        "publish": ("interop_tests", "listed", "decider"),
    },
    ListingVerb: {
        "list": ("- listed expired", "listed", "decider"),
        "open_pilot": ("-", "listed", "decider"),
        "suspend": ("listed", "suspended", "decider publisher"),
        "reinstate": ("suspended", "listed", "decider"),
        "withdraw": ("listed suspended", "withdrawn", "decider publisher"),
        "expire": ("listed suspended", "expired", "system"),
    },
    QuestionVerb: {
        "ask": ("-", "open", "reviewer"),
        "answer": ("open", "answered", "publisher"),
        "reopen": ("answered closed", "open", "reviewer"),
        "close": ("open answered", "closed", "reviewer"),
    },
    ReservationVerb: {
        "express": ("-", "open", "commission"),
        "claim": ("open", "=", "publisher"),
        "decline": ("open", "=", "reviewer"),
        "lift": ("open", "lifted", "reviewer"),
        "lapse": ("open", "lapsed", "system"),
    },
    AuditVerb: {
        "plan": ("-", "planned", "reviewer"),
        "request_documents": ("planned", "documents", "reviewer"),
        "send_documents": ("documents", "=", "publisher"),
        "visit": ("documents", "on_site", "reviewer"),
        "issue_report": ("documents on_site", "report", "reviewer"),
        "require_corrections": ("report", "corrective_action", "reviewer"),
        "report_correction": ("corrective_action", "=", "publisher"),
        "close": ("report corrective_action", "closed", "reviewer"),
    },
    SessionVerb: {
        "plan": ("-", "planned", "reviewer commission"),
        "open": ("planned", "open", "commission"),
        "close": ("open", "closed", "commission"),
    },
    CallVerb: {
        "prepare": ("-", "draft", "reviewer decider"),
        "revise": ("draft", "=", "reviewer decider"),
        "publish": ("draft", "published", "decider"),
        "close": ("published", "closed", "decider system"),
        "conclude": ("closed", "selected", "decider"),
        "archive": ("draft closed selected", "archived", "decider"),
    },
    CandidacyVerb: {
        "file": ("- withdrawn", "filed", "publisher"),
        "revise": ("filed", "=", "publisher"),
        "withdraw": ("filed", "withdrawn", "publisher"),
        "score": ("filed", "=", "reviewer"),
        "select": ("filed rejected", "selected", "decider"),
        "reject": ("filed selected", "rejected", "decider"),
    },
}
STATES: dict[type[StrEnum], type[StrEnum]] = {
    SubmissionVerb: SubmissionState,
    ListingVerb: ListingState,
    QuestionVerb: QuestionState,
    ReservationVerb: ReservationState,
    AuditVerb: AuditState,
    SessionVerb: SessionState,
    CallVerb: CallState,
    CandidacyVerb: CandidacyState,
}
GRID = [
    (verb, state, role)
    for verbs, states in STATES.items()
    for verb, state, role in product(verbs, (None, *states), Role)
]


def name(case: tuple[StrEnum, StrEnum | None, Role]) -> str:
    verb, state, role = case
    return f"{type(verb).__name__}-{verb}-{state}-{role}"


@pytest.mark.parametrize("case", GRID, ids=name)
def test_a_verb_leads_where_the_procedure_says_or_is_refused(case: tuple[StrEnum, StrEnum | None, Role]) -> None:
    verb, state, role = case
    frm, to, roles = ALLOWED[type(verb)][verb]
    table = TABLES[type(verb)]
    if role in roles.split() and (state or "-") in frm.split():
        assert apply(state, verb, roles={role}, motive="Motif.") == (state if to == "=" else to)
        assert verb in possible(table, state, roles={role})
        return
    with pytest.raises(TransitionRefused if role in roles.split() else RoleRequired):
        apply(state, verb, roles={role}, motive="Motif.")
    assert verb not in possible(table, state, roles={role})


def test_every_verb_of_every_life_is_in_its_table() -> None:
    for verbs, table in TABLES.items():
        assert set(table) == set(verbs) == set(ALLOWED[verbs])


MOTIVES = [
    *(SubmissionVerb(verb) for verb in ("declare_inadmissible", "request_complements", "propose_opinion")),
    *(SubmissionVerb(verb) for verb in ("give_opinion", "accept", "refuse")),
    *(ListingVerb(verb) for verb in ("suspend", "reinstate", "withdraw")),
    *(ReservationVerb(verb) for verb in ("decline", "lift")),
    *(AuditVerb(verb) for verb in ("visit", "close")),
    ListingVerb.OPEN_PILOT,
    CallVerb.ARCHIVE,
    CandidacyVerb.SELECT,
    CandidacyVerb.REJECT,
]


@pytest.mark.parametrize("verb", MOTIVES, ids=lambda verb: f"{type(verb).__name__}-{verb}")
@pytest.mark.parametrize("motive", ["", "  \n"], ids=["empty", "blank"])
def test_an_act_that_goes_against_somebody_says_why(verb: StrEnum, motive: str) -> None:
    frm, _, roles = ALLOWED[type(verb)][verb]
    first = frm.split()[0]
    state = STATES[type(verb)](first) if first != "-" else None
    with pytest.raises(MotiveRequired):
        apply(state, verb, roles={roles.split()[0]}, motive=motive)


def test_no_other_act_needs_a_motive() -> None:
    needing = {(type(verb), verb) for table in TABLES.values() for verb, t in table.items() if t.motive}
    assert needing == {(type(verb), verb) for verb in MOTIVES}


@pytest.mark.parametrize(
    ("verbs", "state"),
    [
        *((SubmissionVerb, state) for state in sorted(FINAL)),
        (ListingVerb, ListingState.WITHDRAWN),
        (ReservationVerb, ReservationState.LIFTED),
        (ReservationVerb, ReservationState.LAPSED),
        (AuditVerb, AuditState.CLOSED),
        (SessionVerb, SessionState.CLOSED),
        (CallVerb, CallState.ARCHIVED),
    ],
)
def test_nothing_leaves_a_final_state(verbs: type[StrEnum], state: StrEnum) -> None:
    assert possible(TABLES[verbs], state, roles=set(Role)) == ()


def test_every_state_of_a_submission_but_the_final_ones_goes_on() -> None:
    for state in set(SubmissionState) - FINAL:
        assert any(t.to and t.to != state for verb, t in SUBMISSION.items() if state in t.frm)


@pytest.mark.parametrize("state", list(SubmissionState))
def test_a_draft_is_open_whole_complements_open_what_is_flagged_and_the_rest_is_closed(state: SubmissionState) -> None:
    found = editable_sections(state, flagged=["hosting", "SEC-01"], sections=["hosting", "privacy"])
    expected = {
        SubmissionState.DRAFT: {"hosting", "privacy"},
        SubmissionState.COMPLEMENTS_REQUESTED: {"hosting", "SEC-01"},
    }
    assert found == expected.get(state, set())
    assert bool(found) is (state in EDITABLE)


def test_a_notice_goes_to_the_other_side_and_never_quotes_the_motive() -> None:
    tables = {
        "submission": SubmissionVerb,
        "listing": ListingVerb,
        "question": QuestionVerb,
        "reservation": ReservationVerb,
        "audit": AuditVerb,
    }
    assert set(NOTICES) == set(tables)
    for subject, notices in NOTICES.items():
        for verb, notice in notices.items():
            actors = TABLES[tables[subject]][tables[subject](verb)].roles
            assert notice["to"] in set(Role)
            assert notice["to"] == Role.REVIEWER or {notice["to"]} != actors
            for part in (notice["title"], notice["body"]):
                assert "{" not in part.replace("{name}", "").replace("{number}", "")
