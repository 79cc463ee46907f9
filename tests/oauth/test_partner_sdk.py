"""The SDK against the running application: the sandbox without a browser, data, refresh, revocation."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from consent.service import lifecycle
from identity_core.service.seeding import create_synthetic_patients
from oauth import service
from oauth.rules.clients import Profile
from partner_sdk import Grant, PartnerClient
from partner_sdk.errors import AuthorizationRefused, ConsentEnded, ConsentPaused
from platform_core.access import SYSTEM
from platform_core.database import transaction
from tests.oauth.partner import CALLBACK, TESTER

ASKED: dict[str, Any] = {
    "datatypes": ["measures.body-weight"],
    "actions": ["read", "write"],
    "purpose": "prevention",
}


@pytest.fixture(params=[Profile.FAPI2, Profile.SMART])
def ens(app: Flask, live_server: str, request: pytest.FixtureRequest) -> Iterator[PartnerClient]:
    """The SDK of a sandbox client, in each profile."""
    private = service.generate_key(request.param)
    with transaction():
        create_synthetic_patients()
        client = service.issue_sandbox_client(
            name="Balance+",
            profile=request.param,
            redirect_uris=[CALLBACK],
            jwk=service.public_half(private),
            by=TESTER,
        )
    with PartnerClient(
        live_server,
        client_id=client.client_id,
        private_key=private,
        redirect_uri=CALLBACK,
        profile=str(request.param),
    ) as sdk:
        yield sdk


def connect(ens: PartnerClient, decision: str = "grant") -> tuple[Grant, UUID]:
    """A grant by the first synthetic patient, and who it is."""
    login = ens.start_authorization(**ASKED)
    patient = ens.sandbox.patients()[0]
    return ens.finish_authorization(login, ens.sandbox.decide(login, patient, decision)), UUID(patient.id)


def test_measures_go_in_and_come_back_until_the_consent_ends(ens: PartnerClient) -> None:
    grant, patient = connect(ens)
    space = ens.open(Grant.from_json(grant.to_json()))
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    space.measures.add(kind="body-weight", value=72.4, unit="kg", at=at)
    assert [float(measure.value) for measure in space.measures.list(kind="body-weight")] == [72.4]
    assert space.consent().status == "active"

    grant_id = UUID(grant.grant_id)
    with transaction(patient_id=patient):
        lifecycle.pause_consent(patient_id=patient, grant_id=grant_id, by=SYSTEM)
    with pytest.raises(ConsentPaused):
        list(space.measures.list(kind="body-weight"))
    with transaction(patient_id=patient):
        lifecycle.resume_consent(patient_id=patient, grant_id=grant_id, by=SYSTEM)
    assert len(list(space.measures.list(kind="body-weight"))) == 1
    with transaction(patient_id=patient):
        lifecycle.revoke_consent(patient_id=patient, grant_id=grant_id, by=SYSTEM)
    with pytest.raises(ConsentEnded):
        list(space.measures.list(kind="body-weight"))


def test_a_refusal_is_told(ens: PartnerClient) -> None:
    with pytest.raises(AuthorizationRefused, match="access_denied"):
        connect(ens, "refuse")
