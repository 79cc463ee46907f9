"""The lives of the referencing: states, verbs, and one table of transitions each. Pure.

The request is not the listing: a submission ends in the catalogue, refused or abandoned; what it puts in the catalogue
lives on by itself. Around them: questions, reservations, sessions of the commission, audits;
calls for applications and the candidacies to them.
"""

from store.workflow.audit import AUDIT, AuditState, AuditVerb
from store.workflow.call import CALL, CallState, CallVerb
from store.workflow.candidacy import CANDIDACY, CandidacyState, CandidacyVerb
from store.workflow.listing import LISTING, ListingState, ListingVerb
from store.workflow.lives import TABLES, apply, possible
from store.workflow.question import QUESTION, QuestionState, QuestionVerb
from store.workflow.reservation import RESERVATION, ReservationState, ReservationVerb
from store.workflow.session import SESSION, SessionState, SessionVerb
from store.workflow.submission import (
    AGREED,
    EDITABLE,
    EXAMINED,
    FINAL,
    SUBMISSION,
    Opinion,
    SubmissionKind,
    SubmissionState,
    SubmissionVerb,
    editable_sections,
)
from store.workflow.transitions import Role, Table, Transition

__all__ = [
    "AGREED",
    "AUDIT",
    "CALL",
    "CANDIDACY",
    "EDITABLE",
    "EXAMINED",
    "FINAL",
    "LISTING",
    "QUESTION",
    "RESERVATION",
    "SESSION",
    "SUBMISSION",
    "TABLES",
    "AuditState",
    "AuditVerb",
    "CallState",
    "CallVerb",
    "CandidacyState",
    "CandidacyVerb",
    "ListingState",
    "ListingVerb",
    "Opinion",
    "QuestionState",
    "QuestionVerb",
    "ReservationState",
    "ReservationVerb",
    "Role",
    "SessionState",
    "SessionVerb",
    "SubmissionKind",
    "SubmissionState",
    "SubmissionVerb",
    "Table",
    "Transition",
    "apply",
    "editable_sections",
    "possible",
]
