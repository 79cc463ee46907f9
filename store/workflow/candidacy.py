"""The life of a candidacy to a call: filed, revised or withdrawn until the close, scored, then selected or rejected.

A choice may be made anew until the call is concluded: nobody is told before.
"""

from enum import StrEnum

from store.workflow.transitions import Role, Table, leads


class CandidacyState(StrEnum):
    FILED = "filed"
    WITHDRAWN = "withdrawn"
    SELECTED = "selected"
    REJECTED = "rejected"


class CandidacyVerb(StrEnum):
    FILE = "file"
    REVISE = "revise"
    WITHDRAW = "withdraw"
    SCORE = "score"
    SELECT = "select"
    REJECT = "reject"


_C, _V = CandidacyState, CandidacyVerb
_PUBLISHER, _DECIDER = {Role.PUBLISHER}, {Role.DECIDER}

CANDIDACY: Table = {
    _V.FILE: leads(None, _C.WITHDRAWN, to=_C.FILED, by=_PUBLISHER),
    _V.REVISE: leads(_C.FILED, to=None, by=_PUBLISHER),
    _V.WITHDRAW: leads(_C.FILED, to=_C.WITHDRAWN, by=_PUBLISHER),
    _V.SCORE: leads(_C.FILED, to=None, by={Role.REVIEWER}),
    _V.SELECT: leads(_C.FILED, _C.REJECTED, to=_C.SELECTED, by=_DECIDER, motive=True),
    _V.REJECT: leads(_C.FILED, _C.SELECTED, to=_C.REJECTED, by=_DECIDER, motive=True),
}
