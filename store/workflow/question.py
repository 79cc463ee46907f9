"""The life of a question that a reviewer asks the publisher."""

from enum import StrEnum

from store.workflow.transitions import Role, Table, leads


class QuestionState(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"


class QuestionVerb(StrEnum):
    ASK = "ask"
    ANSWER = "answer"
    REOPEN = "reopen"
    CLOSE = "close"


_Q, _V = QuestionState, QuestionVerb
_REVIEWER = {Role.REVIEWER}

QUESTION: Table = {
    _V.ASK: leads(None, to=_Q.OPEN, by=_REVIEWER),
    _V.ANSWER: leads(_Q.OPEN, to=_Q.ANSWERED, by={Role.PUBLISHER}),
    _V.REOPEN: leads(_Q.ANSWERED, _Q.CLOSED, to=_Q.OPEN, by=_REVIEWER),
    _V.CLOSE: leads(_Q.OPEN, _Q.ANSWERED, to=_Q.CLOSED, by=_REVIEWER),
}
