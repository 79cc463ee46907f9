"""A data call of professionals' software: the professional signed in decides what it reaches, not a consent.

The order of the checks: token → proof → client → structure in service → patient named → scope → then, for reading, what
the patient agreed to and the access matrix; for filing, the patient's identity, opposition, and the same matrix.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from dmp_core.rules.professionals.matrix import Level, Reach
from dmp_core.service.professionals import records, writing
from identity_core import queries as identity
from oauth.rules import user_scopes
from oauth.workflow import StructureState
from platform_core import crypto
from platform_core.access import ALWAYS, Access, Actor, ActorKind, DatePeriod, Interaction, Permit
from platform_core.categories import registry
from platform_core.database import bind_patient
from platform_core.errors import Forbidden, Malformed, NotFound

_BY_ID = frozenset({"read", "history"})


@dataclass(slots=True)
class SoftwareCall:
    """A data call in progress (`platform_core.access.DataCall`) in the name of a professional.

    `quality` is that in which they read: by what agreement.
    """

    actor: Actor
    structure_id: UUID
    client_id: str
    scope: str
    interaction: Interaction
    patient: UUID | None = None
    quality: str = ""
    access: str = ""
    categories: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, row: Any, interaction: Interaction) -> "SoftwareCall":
        """The call of a token that stands for a professional; `row` is that of `ens_authorize`."""
        name = f"{identity.get_professional(row.professional_id).display_name} ({row.structure_name})"
        actor = Actor(ActorKind.PROFESSIONAL, row.professional_id, name, assurance=row.assurance)
        return cls(actor, row.structure_id, row.client_id, row.scope, interaction)

    @property
    def patient_id(self) -> UUID:
        """The patient of the call. Raises `Malformed` (`patient-missing`) while there is none."""
        if self.patient is None:
            raise Malformed("Name the patient: patient=<id>, or the subject of the resource.", code="patient-missing")
        return self.patient

    @property
    def patient_reference(self) -> str:
        return crypto.sealed_id(self.structure_id, self.patient_id)

    @property
    def grant_id(self) -> None:
        return None

    @property
    def caller(self) -> str:
        return f"{self.client_id}:{self.actor.id}"

    def check(self, state: str) -> None:
        """The checks before the record, and the patient whom the request names.

        Raises `Forbidden` (`structure-suspended`, `insufficient_scope`, `patient-mismatch` for several patients),
        `Malformed` (`patient-missing`), `NotFound` for an id that this structure was not given.
        """
        self._name_patient()
        if state != StructureState.ACTIVE:
            raise Forbidden("The structure of this software is suspended.", code="structure-suspended")
        if self.interaction.resource != "Bundle":
            self._check_scope(self.interaction.resource)
        if self._searches_patients:
            return
        bind_patient(self.patient_id)

    def require(
        self,
        categories: Iterable[str],
        access: Access,
        *,
        period: DatePeriod = ALWAYS,
        narrow: bool = False,
    ) -> Permit:
        """What the professional may read or file of these categories, all or nothing unless `narrow`.

        Raises `Forbidden`: `no-agreement`, `outside-access-matrix`, and those of `writing.check_filing`; `NotFound` for
        a resource, asked for by its id, that the profession does not reach.
        """
        self.access, self.categories = access, self.categories | set(categories)
        if self.interaction.resource == "Bundle":
            for resource in sorted({registry.get(code).smart.resource for code in self.categories}):
                self._check_scope(resource)
        reach, least = (self._read(), Level.READ) if access is Access.READ else (self._filed(), Level.WRITE)
        covered = {code for code in self.categories if reach.covers(code, least)}
        if not covered or (covered < self.categories and not narrow):
            raise self._out_of_reach()
        self.categories = covered
        return Permit(
            actor=self.actor,
            patient_id=self.patient_id,
            patient_reference=self.patient_reference,
            categories=dict.fromkeys(covered, ALWAYS),
            source=f"urn:oid:2.25.{self.structure_id.int}",
            author_id=self.actor.id,
            app_id=self.structure_id,
            client_id=self.client_id,
            types=frozenset(reach.types_at(least)),
        )

    def turn_to(self, patient_id: UUID) -> str:
        self.patient = patient_id
        bind_patient(patient_id)
        return self.patient_reference

    def served(self, counts: Mapping[str, int], ids: Sequence[str] = ()) -> None:
        for category, count in counts.items():
            self.counts[category] = self.counts.get(category, 0) + count
        self.ids.extend(ids)

    @property
    def _searches_patients(self) -> bool:
        return (self.interaction.name, self.interaction.resource) == ("search", "Patient")

    def _name_patient(self) -> None:
        if self._searches_patients:
            return
        named = self.interaction.patients()
        if len(named) > 1:
            raise Forbidden("The request names several patients.", code="patient-mismatch")
        for text in named:
            found = crypto.unseal_id(self.structure_id, text)
            if found is None or not _exists(found):
                raise NotFound("Your structure was not given this id: search the patient by INS first.")
            self.patient = found

    def _check_scope(self, resource: str) -> None:
        if not user_scopes.allows(self.scope, self.interaction.name, resource):
            message = f"The scope of the token does not let this software {self.interaction.name} {resource}."
            raise Forbidden(message, code="insufficient_scope")

    def _read(self) -> Reach:
        opening = records.open_record(patient_id=self.patient_id, by=self.actor)
        self.quality = opening.mode
        return opening.reach

    def _filed(self) -> Reach:
        return writing.check_filing(patient_id=self.patient_id, by=self.actor)

    def _out_of_reach(self) -> Forbidden | NotFound:
        """Within an open record, what the profession does not reach does not exist."""
        if self.interaction.name in _BY_ID:
            return NotFound("There is nothing of that id within your reach.")
        return Forbidden("Your profession does not reach all that this asks for.", code="outside-access-matrix")


def _exists(patient_id: UUID) -> bool:
    try:
        identity.get_patient(patient_id)
    except NotFound:
        return False
    return True
