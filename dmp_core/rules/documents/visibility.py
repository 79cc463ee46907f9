"""Who sees a document. `SEEN` says in SQL what `is_visible` says of values: a test compares them on every case."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from dmp_core.workflow import DocumentState
from platform_core.access import Actor, ActorKind, Permit


class ViewerKind(StrEnum):
    PATIENT = "patient"
    REPRESENTATIVE = "representative"
    PROFESSIONAL = "professional"
    APPLICATION = "application"
    AUTHOR = "author"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks; a helper sees what a representative does.

    `id` is that of what they wrote; `excluded` holds the documents that the patient keeps from an app.
    The viewer `AUTHOR` sees what it wrote, only to change it.
    """

    kind: ViewerKind
    id: UUID | None = None
    excluded: frozenset[UUID] = frozenset()

    @classmethod
    def reading(cls, permit: Permit) -> "Viewer":
        """The one who reads within a permit."""
        kind = _KINDS.get(permit.actor.kind, ViewerKind.APPLICATION)
        return cls(kind, permit.author_id, permit.excluded)

    @classmethod
    def writing(cls, actor: Actor) -> "Viewer":
        """The one who comes back to what it wrote."""
        return cls(ViewerKind.AUTHOR, actor.id)

    @classmethod
    def of(cls, actor: Actor) -> "Viewer":
        """The one who looks, before it is known what is kept from them."""
        return cls(_KINDS.get(actor.kind, ViewerKind.APPLICATION), actor.id)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that `SEEN` speaks of."""
        return {"viewer": self.id, "excluded": list(self.excluded)}


class Shown(Protocol):
    """What decides on whether a document is seen."""

    @property
    def id(self) -> UUID: ...
    @property
    def state(self) -> str: ...
    @property
    def masked(self) -> bool: ...
    @property
    def invisible_to_patient(self) -> bool: ...
    @property
    def invisible_to_representatives(self) -> bool: ...
    @property
    def author_id(self) -> UUID | None: ...


_KINDS = {
    ActorKind.PATIENT: ViewerKind.PATIENT,
    ActorKind.REPRESENTATIVE: ViewerKind.REPRESENTATIVE,
    ActorKind.HELPER: ViewerKind.REPRESENTATIVE,
    ActorKind.PROFESSIONAL: ViewerKind.PROFESSIONAL,
}
_LIVE = "d.state <> 'deleted'"
_ANNOUNCED = "NOT d.invisible_to_patient"
_OWN = "d.author_id = %(viewer)s::uuid"
SEEN: Mapping[ViewerKind, str] = {
    ViewerKind.PATIENT: f"{_LIVE} AND {_ANNOUNCED}",
    ViewerKind.REPRESENTATIVE: f"{_LIVE} AND {_ANNOUNCED} AND NOT d.invisible_to_representatives",
    ViewerKind.PROFESSIONAL: f"{_LIVE} AND (NOT d.masked OR coalesce({_OWN}, false))",
    ViewerKind.APPLICATION: (
        f"{_LIVE} AND {_ANNOUNCED} AND NOT d.invisible_to_representatives AND NOT d.masked"
        " AND d.id <> ALL (%(excluded)s::uuid[])"
    ),
    ViewerKind.AUTHOR: f"{_LIVE} AND {_OWN}",
}


def is_visible(document: Shown, viewer: Viewer) -> bool:
    """Whether this viewer may see the document.

    Nobody sees a deleted one. INVISIBLE_PATIENT hides from the patient, and from those who act for them, what is not
    announced yet; INVISIBLE_REPRESENTANTS_LEGAUX from representatives; MASQUE_PS from professionals but the author. An
    app sees what hides from nobody, unless the patient keeps it from this app.
    """
    if document.state == DocumentState.DELETED:
        return False
    own = document.author_id is not None and document.author_id == viewer.id
    told = not document.invisible_to_patient
    match viewer.kind:
        case ViewerKind.PATIENT:
            return told
        case ViewerKind.REPRESENTATIVE:
            return told and not document.invisible_to_representatives
        case ViewerKind.PROFESSIONAL:
            return own or not document.masked
        case ViewerKind.AUTHOR:
            return own
    plain = told and not document.invisible_to_representatives and not document.masked
    return plain and document.id not in viewer.excluded
