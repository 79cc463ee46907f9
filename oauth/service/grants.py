"""The grant behind a token: the live consent, as token responses, introspection and the grants endpoint say it."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from consent import queries as consent
from consent.rules.calendar import end_of
from consent.service import lifecycle
from oauth.errors import OAuthRefusal
from oauth.rules.clients import Client
from oauth.rules.details import granted_details
from oauth.rules.grants import GrantChange, unknown_grant
from oauth.rules.scopes import reaches
from platform_core.access import Actor, ActorKind
from platform_core.crypto import pairwise_id
from platform_core.database import bind_patient
from platform_core.errors import NotFound
from platform_core.permission import PermissionItem, Purpose


@dataclass(frozen=True, slots=True)
class Grant:
    """What a patient granted an app, as it stands now.

    `status` is that of the consent, or `frozen` while the app is suspended; `valid_until` is its last day (Paris);
    `patient` is the pairwise id.
    """

    id: UUID
    patient: str
    status: str
    is_live: bool
    items: tuple[PermissionItem, ...]
    purpose: Purpose
    valid_until: date

    @property
    def ends_at(self) -> datetime:
        """The instant up to which it is valid (excluded)."""
        return end_of(self.valid_until)

    @property
    def details(self) -> list[dict[str, Any]]:
        """The authorization details as granted."""
        return self.details_within("")

    def details_within(self, scope: str) -> list[dict[str, Any]]:
        """The part of them that a token of this scope reaches."""
        items = [item for item in self.items if reaches(scope, item.category, item.access)]
        return granted_details(items, purpose=self.purpose, valid_until=self.valid_until)


def get_grant(*, client: Client, patient_id: UUID, grant_id: UUID) -> Grant:
    """The grant of an app on a patient; the transaction is bound to that patient. Raises `NotFound`."""
    bind_patient(patient_id)
    state = consent.get_state(patient_id, grant_id)
    return Grant(
        grant_id,
        pairwise_id(client.app_id, patient_id),
        state.status,
        state.is_live,
        state.permissions,
        state.purpose,
        state.valid_until,
    )


def require_live_grant(*, client: Client, patient_id: UUID, grant_id: UUID) -> Grant:
    """The grant, unless it is over; a paused one and a suspended app keep theirs.

    Raises `OAuthRefusal` (`invalid_grant`, `consent-ended`): the app must ask the patient again.
    """
    grant = get_grant(client=client, patient_id=patient_id, grant_id=grant_id)
    if not grant.is_live:
        raise OAuthRefusal("invalid_grant", "consent-ended")
    return grant


def find_own_grant(*, client: Client, grant_id: UUID) -> Grant:
    """A grant that the app itself asks about. Raises `NotFound`: another's is not told from an unknown one."""
    return get_grant(client=client, patient_id=_patient_of(client, grant_id), grant_id=grant_id)


def require_own_grant(*, client: Client, change: GrantChange, purpose: Purpose) -> None:
    """Check that a request may change the grant it names. A merge keeps the purpose: it is common to all items.

    Raises `OAuthRefusal`: `invalid_grant_id`, `invalid_request` for another purpose.
    """
    if change.grant_id is None:
        return
    try:
        grant = find_own_grant(client=client, grant_id=change.grant_id)
    except NotFound:
        raise unknown_grant() from None
    if not grant.is_live:
        raise unknown_grant()
    if change.merges and grant.purpose != purpose:
        raise OAuthRefusal("invalid_request", f"A merge keeps the purpose of the grant, which is {grant.purpose}.")


def end_own_grant(*, client: Client, grant_id: UUID) -> None:
    """The app gives up its own grant; saying it twice does nothing. Raises `NotFound`."""
    patient_id = _patient_of(client, grant_id)
    bind_patient(patient_id)
    by = Actor(ActorKind.APPLICATION, client.app_id, client.name)
    lifecycle.end_consent(patient_id=patient_id, grant_id=grant_id, by=by)


def _patient_of(client: Client, grant_id: UUID) -> UUID:
    patient_id = consent.find_patient_of_grant(grant_id=grant_id, app_id=client.app_id)
    if patient_id is None:
        raise NotFound("This grant does not exist.", code="invalid_grant_id")
    return patient_id
