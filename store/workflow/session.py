"""The life of a session of the commission."""

from enum import StrEnum

from store.workflow.transitions import Role, Table, leads


class SessionState(StrEnum):
    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"


class SessionVerb(StrEnum):
    """Reviewers prepare a session, its members hold it."""

    PLAN = "plan"
    OPEN = "open"
    CLOSE = "close"


_C, _V = SessionState, SessionVerb

SESSION: Table = {
    _V.PLAN: leads(None, to=_C.PLANNED, by={Role.REVIEWER, Role.COMMISSION}),
    _V.OPEN: leads(_C.PLANNED, to=_C.OPEN, by={Role.COMMISSION}),
    _V.CLOSE: leads(_C.OPEN, to=_C.CLOSED, by={Role.COMMISSION}),
}
