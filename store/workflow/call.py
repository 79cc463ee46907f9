"""The life of a call for applications: prepared, published, closed, its candidacies chosen, archived."""

from enum import StrEnum

from store.workflow.transitions import Role, Table, leads


class CallState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    CLOSED = "closed"
    SELECTED = "selected"
    ARCHIVED = "archived"


class CallVerb(StrEnum):
    PREPARE = "prepare"
    REVISE = "revise"
    PUBLISH = "publish"
    CLOSE = "close"
    CONCLUDE = "conclude"
    ARCHIVE = "archive"


_C, _V = CallState, CallVerb
_AUTHORITY, _DECIDER = {Role.REVIEWER, Role.DECIDER}, {Role.DECIDER}

CALL: Table = {
    _V.PREPARE: leads(None, to=_C.DRAFT, by=_AUTHORITY),
    _V.REVISE: leads(_C.DRAFT, to=None, by=_AUTHORITY),
    _V.PUBLISH: leads(_C.DRAFT, to=_C.PUBLISHED, by=_DECIDER),
    _V.CLOSE: leads(_C.PUBLISHED, to=_C.CLOSED, by={Role.DECIDER, Role.SYSTEM}),
    _V.CONCLUDE: leads(_C.CLOSED, to=_C.SELECTED, by=_DECIDER),
    _V.ARCHIVE: leads(_C.DRAFT, _C.CLOSED, _C.SELECTED, to=_C.ARCHIVED, by=_DECIDER, motive=True),
}
