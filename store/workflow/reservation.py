"""The life of a reservation that the commission attaches to a favourable opinion."""

from enum import StrEnum

from store.workflow.transitions import Role, Table, leads


class ReservationState(StrEnum):
    OPEN = "open"
    LIFTED = "lifted"
    LAPSED = "lapsed"


class ReservationVerb(StrEnum):
    """`CLAIM` is the publisher's « it is done »; a reservation lapses with the submission that it bears on."""

    EXPRESS = "express"
    CLAIM = "claim"
    DECLINE = "decline"
    LIFT = "lift"
    LAPSE = "lapse"


_R, _V = ReservationState, ReservationVerb

RESERVATION: Table = {
    _V.EXPRESS: leads(None, to=_R.OPEN, by={Role.COMMISSION}),
    _V.CLAIM: leads(_R.OPEN, to=None, by={Role.PUBLISHER}),
    _V.DECLINE: leads(_R.OPEN, to=None, by={Role.REVIEWER}, motive=True),
    _V.LIFT: leads(_R.OPEN, to=_R.LIFTED, by={Role.REVIEWER}, motive=True),
    _V.LAPSE: leads(_R.OPEN, to=_R.LAPSED, by={Role.SYSTEM}),
}
