"""The grant behind a token: the live consent, as token responses, introspection and the grants endpoint say it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from consent import queries as consent
from consent import service as consent_service
from consent.workflow import FINAL, Status
from oauth import queries
from oauth.errors import OAuthRefusal
from oauth.rules.clients import Client
from oauth.rules.details import granted_details
from platform_core.access import Actor, ActorKind
from platform_core.clock import PARIS
from platform_core.crypto import pairwise_id
from platform_core.database import bind_patient
from platform_core.errors import NotFound
from platform_core.permission import PermissionItem


@dataclass(frozen=True, slots=True)
class Grant:
    """What a patient granted an app, as it stands now. `valid_until` is excluded; `patient` is pairwise."""

    id: UUID
    patient: str
    status: Status
    items: tuple[PermissionItem, ...]
    purpose: str
    valid_until: datetime

    @property
    def is_over(self) -> bool:
        return self.status in FINAL

    @property
    def details(self) -> list[dict[str, Any]]:
        """The authorization details as granted; the last day is inclusive, in Europe/Paris."""
        last = (self.valid_until - timedelta(microseconds=1)).astimezone(PARIS).date()
        return granted_details(self.items, purpose=self.purpose, valid_until=last)


def get_grant(*, client: Client, patient_id: UUID, grant_id: UUID, now: datetime) -> Grant:
    """The grant of an app on a patient; the transaction is bound to that patient. Raises `NotFound`."""
    bind_patient(patient_id)
    state = consent.get_state(patient_id, grant_id, now)
    items = tuple(PermissionItem(i.category, i.access, i.data, i.periodicity) for i in state.items)
    patient = pairwise_id(client.app_id, patient_id)
    return Grant(grant_id, patient, Status(state.status), items, state.purpose, state.valid_until)


def require_live_grant(*, client: Client, patient_id: UUID, grant_id: UUID, now: datetime) -> Grant:
    """The grant, unless it is over; a paused one and a suspended app keep theirs.

    Raises `OAuthRefusal` (`invalid_grant`, `consent-ended`): the app must ask the patient again.
    """
    grant = get_grant(client=client, patient_id=patient_id, grant_id=grant_id, now=now)
    if grant.is_over or grant.valid_until <= now:
        raise OAuthRefusal("invalid_grant", "consent-ended")
    return grant


def find_own_grant(*, client: Client, grant_id: UUID, now: datetime) -> Grant:
    """A grant that the app itself asks about. Raises `NotFound`: another's is not told from an unknown one."""
    return get_grant(client=client, patient_id=_patient_of(client, grant_id), grant_id=grant_id, now=now)


def end_own_grant(*, client: Client, grant_id: UUID) -> None:
    """The app gives up its own grant. Raises `NotFound`, `Conflict` when it is over already."""
    patient_id = _patient_of(client, grant_id)
    bind_patient(patient_id)
    by = Actor(ActorKind.APPLICATION, client.app_id, client.name)
    consent_service.end_consent(patient_id=patient_id, grant_id=grant_id, by=by)


def _patient_of(client: Client, grant_id: UUID) -> UUID:
    patient_id = queries.find_grant_patient(grant_id, client)
    if patient_id is None:
        raise NotFound("This grant does not exist.", code="invalid_grant_id")
    return patient_id
