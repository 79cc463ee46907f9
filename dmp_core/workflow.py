"""The life of a document: its states, what may be done to it, and by whom. Pure: values in, values out.

A document is current until another takes its place (superseded) or its author takes it back (deleted, logically: the
record keeps it, and shows it to nobody). The other acts change who sees it, or put it away; the state stays.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from platform_core.errors import Conflict, Forbidden


class DocumentState(StrEnum):
    CURRENT = "current"
    SUPERSEDED = "superseded"
    DELETED = "deleted"


class DocumentAct(StrEnum):
    PUBLISH = "publish"
    REPLACE = "replace"
    DELETE = "delete"
    ARCHIVE = "archive"
    UNARCHIVE = "unarchive"
    MASK = "mask"
    UNMASK = "unmask"
    WITHHOLD = "withhold"
    ANNOUNCE = "announce"
    HIDE = "hide"
    UNHIDE = "unhide"
    WITHDRAW = "withdraw"


class DocumentRole(StrEnum):
    """What somebody is to a document. The patient's representative has the patient's part."""

    AUTHOR = "author"
    PATIENT = "patient"
    PROFESSIONAL = "professional"


_Act, _State, _Role = DocumentAct, DocumentState, DocumentRole
ALIVE = frozenset({_State.CURRENT, _State.SUPERSEDED})


@dataclass(frozen=True, slots=True)
class Transition:
    """From which states, by whom, to which state (None: it stays)."""

    frm: frozenset[DocumentState]
    by: frozenset[DocumentRole]
    to: DocumentState | None = None


# Only the author replaces and deletes (PDSm). What the author kept from the patient until it is told, the patient
# cannot show; what the patient masks, only the patient shows again.
TRANSITIONS = {
    _Act.REPLACE: Transition(frozenset({_State.CURRENT}), frozenset({_Role.AUTHOR}), _State.SUPERSEDED),
    _Act.DELETE: Transition(ALIVE, frozenset({_Role.AUTHOR}), _State.DELETED),
    _Act.ARCHIVE: Transition(ALIVE, frozenset(_Role)),
    _Act.UNARCHIVE: Transition(ALIVE, frozenset(_Role)),
    _Act.MASK: Transition(ALIVE, frozenset({_Role.AUTHOR, _Role.PATIENT})),
    _Act.UNMASK: Transition(ALIVE, frozenset({_Role.PATIENT})),
    _Act.WITHHOLD: Transition(ALIVE, frozenset({_Role.AUTHOR, _Role.PROFESSIONAL})),
    _Act.ANNOUNCE: Transition(ALIVE, frozenset({_Role.AUTHOR, _Role.PROFESSIONAL})),
    _Act.HIDE: Transition(ALIVE, frozenset(_Role)),
    _Act.UNHIDE: Transition(ALIVE, frozenset(_Role)),
    _Act.WITHDRAW: Transition(ALIVE, frozenset({_Role.PATIENT}), _State.DELETED),
}


def apply(state: DocumentState, act: DocumentAct, roles: Collection[DocumentRole]) -> DocumentState:
    """The state after the act. Raises `Forbidden` (`not-author`) or `Conflict` (`conflict`)."""
    transition = TRANSITIONS[act]
    if not transition.by & set(roles):
        raise Forbidden(f"Only {' or '.join(sorted(transition.by))} may {act} a document.", code="not-author")
    if state not in transition.frm:
        raise Conflict(f"A document that is {state} cannot be the object of {act}.")
    return transition.to or state
