"""Who acts, and the port through which the data cores ask whether a data call is allowed.

The cores know neither OAuth nor consent: they open a `data_call`, name the categories it touches, and serve within the
permit they get. `platform_app` plugs in the guard that answers.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class ActorKind(StrEnum):
    PATIENT = "patient"
    REPRESENTATIVE = "representative"
    HELPER = "helper"
    PROFESSIONAL = "professional"
    AGENT = "agent"
    APPLICATION = "application"
    OPERATOR = "operator"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who performs an act, as histories and journals name them.

    `on_behalf_of` is the patient whom a representative or a helper acts for; `organisation_id` and `roles` are those of
    an agent. The `roles` of a helper are the powers of the mandate, `excluded` the families of data that it leaves out.
    """

    kind: ActorKind
    id: UUID | None
    name: str
    on_behalf_of: UUID | None = None
    organisation_id: UUID | None = None
    roles: frozenset[str] = frozenset()
    assurance: str = ""
    excluded: frozenset[str] = frozenset()

    def has_role(self, role: str) -> bool:
        return role in self.roles

    def reaches(self, category: str) -> bool:
        """Whether a category of data, named by its code or that of its family, is not left out of a mandate."""
        return category.split(".", 1)[0] not in self.excluded


SYSTEM = Actor(ActorKind.SYSTEM, None, "Espace numérique de santé")


class Access(StrEnum):
    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class DatePeriod:
    """Calendar days in Europe/Paris, both inclusive; None leaves that side open."""

    start: date | None = None
    end: date | None = None

    def overlap(self, other: "DatePeriod") -> "DatePeriod | None":
        """The days common to both periods, or None when there are none."""
        starts = [day for day in (self.start, other.start) if day]
        ends = [day for day in (self.end, other.end) if day]
        common = DatePeriod(max(starts, default=None), min(ends, default=None))
        if common.start and common.end and common.start > common.end:
            return None
        return common

    def __contains__(self, day: date) -> bool:
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


ALWAYS = DatePeriod()


@dataclass(frozen=True, slots=True)
class Permit:
    """What a data call may do: on which patient, in which categories, over which dates of the data.

    `patient_reference` is the patient's id as this caller knows it (pairwise for an app). `source` is the `meta.source`
    of what the caller writes. `author_id` identifies the writer in stored rows; `app_id` is the sector of pairwise ids.
    `excluded` holds the resources that the patient keeps from this caller: to it, they do not exist. `types` are the
    types of document within the categories that it may read, or write; None for all.
    """

    actor: Actor
    patient_id: UUID
    patient_reference: str
    categories: Mapping[str, DatePeriod]
    source: str
    author_id: UUID | None
    app_id: UUID
    client_id: str = ""
    grant_id: UUID | None = None
    excluded: frozenset[UUID] = frozenset()
    types: frozenset[str] | None = None


class DataCall(Protocol):
    """A guarded call in progress: its transaction is open and bound to the patient.

    Only the search of a patient by professionals' software is bound to nobody, until it says whom it found.
    """

    @property
    def actor(self) -> Actor: ...

    @property
    def patient_id(self) -> UUID: ...

    @property
    def patient_reference(self) -> str: ...

    @property
    def grant_id(self) -> UUID | None:
        """The consent that the call stands on; None when it stands on none."""

    @property
    def caller(self) -> str:
        """Names the client and the grant of the call: what one of them keeps is not another's."""

    def require(
        self,
        categories: Iterable[str],
        access: Access,
        *,
        period: DatePeriod = ALWAYS,
        narrow: bool = False,
    ) -> Permit:
        """Decide on the categories, all or nothing, and open their synchronisation windows.

        `period` holds the dates that the caller explicitly asked for. With `narrow`, categories that no item covers are
        left out instead of refused (a search over a whole class). Raises `Forbidden` or `TooManyRequests`.
        """

    def turn_to(self, patient_id: UUID) -> str:
        """Bind the call to the patient whom it has just found; their id as the caller knows them from now on.

        Raises `Forbidden` for a caller whose token says whose record it is.
        """

    def served(self, counts: Mapping[str, int], ids: Sequence[str] = ()) -> None:
        """Say how many resources of each category were served or stored, and which, for the journal."""


@dataclass(frozen=True, slots=True)
class Interaction:
    """What the call is, in the journal's words: a FHIR interaction (`search`, `create`…) on a resource type.

    `patients` gives the ids of the patients whom the request names: it is asked for those whose token names none.
    """

    name: str
    resource: str
    patients: Callable[[], Collection[str]] = tuple


class DataGuard(Protocol):
    def __call__(self, interaction: Interaction) -> AbstractContextManager[DataCall]: ...


_guard: DataGuard | None = None


def plug_guard(guard: DataGuard) -> None:
    """Set the guard of the process. Called by the composition root; tests of a core plug in a fake."""
    global _guard
    _guard = guard


def data_call(interaction: Interaction) -> AbstractContextManager[DataCall]:
    """Open a guarded data call: authenticate the caller, open the transaction, bind the patient.

    Leaving the block commits and journals what was served; an error rolls back, and the refusal is journaled in a
    transaction of its own. Raises `Unauthenticated`, `Forbidden`.
    """
    if _guard is None:
        raise RuntimeError("No guard is plugged in: data calls are closed.")
    return _guard(interaction)
