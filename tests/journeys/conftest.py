"""A partner with the published SDK, against the served application."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from flask import Flask

from identity_core.service.seeding import create_synthetic_patients
from oauth import service as oauth
from oauth.rules.clients import Profile
from partner_sdk import Grant, PartnerClient
from partner_sdk import Space as PartnerSpace
from platform_core.access import Actor, ActorKind
from platform_core.database import transaction

CALLBACK = "http://127.0.0.1:8001/callback"
OPERATOR = Actor(ActorKind.OPERATOR, None, "tests")


@dataclass(frozen=True)
class Sandbox:
    """A sandbox client, the synthetic patients it sees, and a way to be granted something by one."""

    client: PartnerClient
    patients: list[UUID]

    def grant(self, *, patient: int = 0, **asked: object) -> Grant:
        """What the patient grants when everything asked is accepted."""
        login = self.client.start_authorization(
            **{
                "datatypes": ["measures.body-weight"],
                "actions": ["read", "write"],
                "purpose": "prevention",
                "periodicity": {"max": 1, "per": "day"},
                **asked,
            }  # type: ignore[arg-type]
        )
        callback = self.client.sandbox.decide(login, str(self.patients[patient]))
        return self.client.finish_authorization(login, callback)

    def open(self, **asked: object) -> PartnerSpace:
        return self.client.open(self.grant(**asked))


@pytest.fixture
def sandbox(app: Flask, live_server: str) -> Iterator[Sandbox]:
    """A partner who has just got sandbox credentials."""
    key = oauth.generate_key(Profile.FAPI2)
    with transaction():
        patients = list(create_synthetic_patients())
        issued = oauth.issue_sandbox_client(
            name="Balance d’essai",
            profile=Profile.FAPI2,
            redirect_uris=[CALLBACK],
            jwk=oauth.public_half(key),
            by=OPERATOR,
        )
    with PartnerClient(live_server, client_id=issued.client_id, private_key=key, redirect_uri=CALLBACK) as client:
        yield Sandbox(client, patients)
