"""Closing a space turns every app out at once."""

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask

from consent import queries
from consent.service import lifecycle
from consent.workflow import Status
from identity_core.service import spaces
from identity_core.service.seeding import create_synthetic_patients
from platform_core.access import Actor, ActorKind
from platform_core.database import transaction
from platform_core.ids import uuid7


@pytest.fixture
def patient_id(app: Flask) -> UUID:
    """A patient whose space is open."""
    with transaction():
        return create_synthetic_patients()[0]


def test_closing_a_space_revokes_what_is_live_in_the_name_of_who_closed(
    patient_id: UUID, grant_consent: Callable[..., UUID]
) -> None:
    active, paused, ended = (grant_consent() for _ in range(3))
    mother = Actor(ActorKind.REPRESENTATIVE, uuid7(), "Camille Durand", on_behalf_of=patient_id)
    with transaction(patient_id=patient_id):
        lifecycle.pause_consent(patient_id=patient_id, grant_id=paused, by=mother)
        lifecycle.end_consent(patient_id=patient_id, grant_id=ended, by=mother)
    with transaction(patient_id=patient_id):
        spaces.close_space(patient_id=patient_id, by=mother)
    with transaction(patient_id=patient_id):
        stored = {state.grant_id: state.stored for state in queries.list_states(patient_id)}
        last = queries.list_events(patient_id, active)[-1]
    assert stored == {active: Status.REVOKED, paused: Status.REVOKED, ended: Status.ENDED}
    assert (last.kind, last.actor_name, last.on_behalf_of) == ("revoked", "Camille Durand", patient_id)
