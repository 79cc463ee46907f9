"""Every life of the referencing, found by the verb that is asked of it."""

from collections.abc import Collection, Mapping
from enum import StrEnum

from store.workflow.audit import AUDIT, AuditVerb
from store.workflow.call import CALL, CallVerb
from store.workflow.candidacy import CANDIDACY, CandidacyVerb
from store.workflow.listing import LISTING, ListingVerb
from store.workflow.question import QUESTION, QuestionVerb
from store.workflow.reservation import RESERVATION, ReservationVerb
from store.workflow.session import SESSION, SessionVerb
from store.workflow.submission import SUBMISSION, SubmissionVerb
from store.workflow.transitions import Table, step

TABLES: Mapping[type[StrEnum], Table] = {
    SubmissionVerb: SUBMISSION,
    ListingVerb: LISTING,
    QuestionVerb: QUESTION,
    ReservationVerb: RESERVATION,
    AuditVerb: AUDIT,
    SessionVerb: SESSION,
    CallVerb: CALL,
    CandidacyVerb: CANDIDACY,
}


def apply(state: StrEnum | None, verb: StrEnum, *, roles: Collection[str], motive: str = "") -> StrEnum:
    """The state that the verb leads to in its life. Raises as `transitions.step`."""
    return step(TABLES[type(verb)], state, verb, roles=roles, motive=motive)


def possible(table: Table, state: StrEnum | None, *, roles: Collection[str]) -> tuple[StrEnum, ...]:
    """The verbs of a life that these roles may use in this state, in the order of the table."""
    return tuple(verb for verb, t in table.items() if state in t.frm and not t.roles.isdisjoint(roles))
