"""A partner app and the patient's choices: windows, pauses, revocation, seen by both and journaled."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
import requests
import sqlalchemy as sa

from consent.service import lifecycle
from partner_sdk import Grant, Measure
from partner_sdk._keys import ProofKey
from partner_sdk._observations import to_observation
from partner_sdk.errors import (
    ConsentEnded,
    ConsentExhausted,
    ConsentMissing,
    ConsentPaused,
    FrequencyExceeded,
)
from platform_core import config
from platform_core.access import Actor, ActorKind
from platform_core.clock import PARIS
from platform_core.database import db, transaction
from tests.journeys.conftest import Sandbox

NOW = datetime.now(UTC).replace(microsecond=0)
WEIGHT = {"kind": "body-weight", "unit": "kg"}


def patient(sandbox: Sandbox, number: int = 0) -> Actor:
    return Actor(ActorKind.PATIENT, sandbox.patients[number], "Patient d’essai")


def journal(patient_id: UUID) -> Counter[tuple[str, str]]:
    with transaction(patient_id=patient_id):
        return Counter(tuple(row) for row in db.session.execute(sa.text("SELECT outcome, code FROM core_journal")))


def act(sandbox: Sandbox, verb: str, grant_id: str) -> None:
    """The patient pauses, resumes or revokes."""
    patient_id = sandbox.patients[0]
    with transaction(patient_id=patient_id):
        getattr(lifecycle, f"{verb}_consent")(patient_id=patient_id, grant_id=UUID(grant_id), by=patient(sandbox))


def weight_in_ounces(patient: str) -> dict[str, Any]:
    observation = to_observation(Measure(**WEIGHT, value="72.4", at=NOW), patient=patient)
    quantity = {"value": 160, "unit": "oz", "system": "http://unitsofmeasure.org", "code": "[oz_av]"}
    return {**observation, "valueQuantity": quantity}


def post(grant: Grant, resource: dict[str, Any]) -> requests.Response:
    """A write past the checks of the SDK."""
    url = f"{config.current().base_url}/fhir/Observation"
    proof = ProofKey.from_jwk(grant.dpop_key).proof("POST", url, access_token=grant.access_token)
    headers = {"Authorization": f"DPoP {grant.access_token}", "DPoP": proof, "Content-Type": "application/fhir+json"}
    return requests.post(url, json=resource, headers=headers, timeout=10)


def weights(count: int) -> list[Measure]:
    return [Measure(**WEIGHT, value=f"{70 + n % 9}.{n % 10}0", at=NOW - timedelta(hours=n)) for n in range(count)]


def test_paging_through_500_measures_uses_one_window_and_the_next_day_gives_another(sandbox):
    space = sandbox.open(periodicity={"max": 1, "per": "day"})
    clock = partial(sandbox.client.sandbox.move_clock, str(sandbox.patients[0]))
    tomorrow = NOW.astimezone(PARIS).date() + timedelta(days=1)
    midnight = datetime.combine(tomorrow + timedelta(days=1), time(), PARIS)
    clock(set=datetime.combine(tomorrow, time(10), PARIS))

    report = space.measures.add_many(weights(500))
    assert (len(report.accepted), len(report.failed)) == (500, 0)
    read = list(space.measures.list(kind="body-weight"))
    assert len(read) == 500
    assert [str(m.value) for m in read[:3]] == ["70.00", "71.10", "72.20"], "decimals come back as written"
    items = {(item.category, item.access): item for item in space.consent().items}
    assert items["measures.body-weight", "read"].used == 1

    there = clock(forward_seconds=16 * 60)
    with pytest.raises(FrequencyExceeded) as refusal:
        list(space.measures.list(kind="body-weight"))
    assert abs(refusal.value.retry_at - (datetime.now(UTC) + (midnight - there))) < timedelta(seconds=5)

    clock(set=midnight - timedelta(seconds=30))
    with pytest.raises(FrequencyExceeded):
        list(space.measures.list(kind="body-weight"))
    clock(set=midnight)
    assert len(list(space.measures.list(kind="body-weight"))) == 500


def test_fifty_parallel_first_calls_open_one_window(sandbox):
    grant = sandbox.grant(periodicity={"max": 1, "per": "day"})

    def call(_: int) -> int:
        return len(list(sandbox.client.open(grant).measures.list(kind="body-weight")))

    with ThreadPoolExecutor(50) as pool:
        assert list(pool.map(call, range(50))) == [0] * 50
    items = {(item.category, item.access): item for item in sandbox.client.open(grant).consent().items}
    assert items["measures.body-weight", "read"].used == 1


def test_a_pause_stops_the_next_call_and_resuming_gives_it_back(sandbox):
    space = sandbox.open(periodicity={"continuous": True})
    space.measures.add(**WEIGHT, value="72.4", at=NOW)
    grant_id = space.grant().grant_id
    act(sandbox, "pause", grant_id)
    with pytest.raises(ConsentPaused):
        list(space.measures.list(kind="body-weight"))
    assert space.consent().status == "paused", "the app may ask about the consent while it is paused"
    act(sandbox, "resume", grant_id)
    assert len(list(space.measures.list(kind="body-weight"))) == 1
    assert journal(sandbox.patients[0]) == {("served", ""): 2, ("refused", "consent-paused"): 1}


def test_after_a_revocation_the_very_next_call_is_refused_and_journaled(sandbox):
    space = sandbox.open(periodicity={"continuous": True})
    space.measures.add(**WEIGHT, value="72.4", at=NOW)
    act(sandbox, "revoke", space.grant().grant_id)
    with pytest.raises(ConsentEnded):
        list(space.measures.list(kind="body-weight"))
    with pytest.raises(ConsentEnded):
        space.measures.add(**WEIGHT, value="72.5", at=NOW)
    lines = journal(sandbox.patients[0])
    assert lines["served", ""] == 1
    assert lines["refused", "consent-ended"] >= 2


def test_nothing_beyond_the_items_is_served(sandbox):
    space = sandbox.open(actions=["read"], periodicity={"continuous": True})
    with pytest.raises(ConsentMissing):
        space.measures.add(**WEIGHT, value="72.4", at=NOW)
    with pytest.raises(ConsentMissing):
        list(space.measures.list(kind="heart-rate"))


def test_a_single_access_is_exhausted_when_its_hour_ends(sandbox):
    space = sandbox.open(actions=["read"], periodicity={"once": True})
    assert list(space.measures.list(kind="body-weight")) == []
    sandbox.client.sandbox.move_clock(str(sandbox.patients[0]), forward_seconds=59 * 60)
    assert list(space.measures.list(kind="body-weight")) == []
    sandbox.client.sandbox.move_clock(str(sandbox.patients[0]), forward_seconds=2 * 60)
    with pytest.raises((ConsentExhausted, ConsentEnded)):
        list(space.measures.list(kind="body-weight"))


def test_a_failed_write_opens_no_window(sandbox):
    space = sandbox.open(periodicity={"max": 1, "per": "day"})
    refused = post(space.grant(), weight_in_ounces(space.grant().patient))
    assert (refused.status_code, refused.json()["issue"][0]["details"]["coding"][0]["code"]) == (
        422,
        "invalid-resource",
    )
    items = {(item.category, item.access): item for item in space.consent().items}
    assert items["measures.body-weight", "write"].used == 0


def test_on_demand_waits_for_the_patient(sandbox):
    space = sandbox.open(periodicity={"on_demand": True})
    with pytest.raises(FrequencyExceeded) as refusal:
        list(space.measures.list(kind="body-weight"))
    assert refusal.value.retry_at is None
    patient_id = sandbox.patients[0]
    with transaction(patient_id=patient_id):
        lifecycle.request_presence_window(
            patient_id=patient_id, grant_id=UUID(space.grant().grant_id), by=patient(sandbox)
        )
    assert list(space.measures.list(kind="body-weight")) == []


def test_the_app_ends_its_own_grant(sandbox):
    space = sandbox.open()
    space.end()
    with pytest.raises(ConsentEnded):
        list(space.measures.list(kind="body-weight"))


def test_a_second_authorization_amends_the_same_grant(sandbox):
    first = sandbox.grant(datatypes=["measures.body-weight"], periodicity={"max": 1, "per": "day"})
    list(sandbox.client.open(first).measures.list(kind="body-weight"))
    second = sandbox.grant(
        datatypes=["measures.body-weight", "measures.heart-rate"], periodicity={"max": 2, "per": "day"}
    )
    assert second.grant_id == first.grant_id
    items = {(item.category, item.access): item for item in sandbox.client.open(second).consent().items}
    assert items["measures.body-weight", "read"].used == 1, "counters survive the amendment"
    assert items["measures.body-weight", "read"].remaining == 1
    assert items["measures.heart-rate", "read"].remaining == 2
