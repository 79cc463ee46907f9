"""The life of a listing, which the catalogue shows: opened by an accepted submission, or as a pilot by a candidacy."""

from enum import StrEnum

from store.workflow.transitions import Role, Table, leads


class ListingState(StrEnum):
    LISTED = "listed"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class ListingVerb(StrEnum):
    LIST = "list"
    OPEN_PILOT = "open_pilot"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"


_L, _V = ListingState, ListingVerb
_EITHER = {Role.DECIDER, Role.PUBLISHER}

LISTING: Table = {
    _V.LIST: leads(None, _L.LISTED, _L.EXPIRED, to=_L.LISTED, by={Role.DECIDER}),
    _V.OPEN_PILOT: leads(None, to=_L.LISTED, by={Role.DECIDER}, motive=True),
    _V.SUSPEND: leads(_L.LISTED, to=_L.SUSPENDED, by=_EITHER, motive=True),
    _V.REINSTATE: leads(_L.SUSPENDED, to=_L.LISTED, by={Role.DECIDER}, motive=True),
    _V.WITHDRAW: leads(_L.LISTED, _L.SUSPENDED, to=_L.WITHDRAWN, by=_EITHER, motive=True),
    _V.EXPIRE: leads(_L.LISTED, _L.SUSPENDED, to=_L.EXPIRED, by={Role.SYSTEM}),
}
