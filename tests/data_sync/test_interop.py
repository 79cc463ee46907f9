"""The interoperability tests tick themselves: from what an app does in the sandbox, read in the journal."""

import json
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from data_sync import tasks
from oauth.rules.clients import Profile
from platform_core.clock import FrozenClock
from platform_core.database import DatabaseRole, transaction
from platform_core.ids import uuid7
from platform_core.journal import service as journal
from store.rules.interop import Behaviour
from tests.data_sync.test_usage import call, seal
from tests.oauth.conftest import insert_patient
from tests.oauth.partner import WEIGHT, Partner
from tests.oauth.test_credentials_api import partner_of
from tests.store.conftest import People, bring_to

TOO_OFTEN, ENDED = "consent-frequency-exceeded", "consent-ended"


@pytest.fixture
def own(app: Flask, clock: FrozenClock, people: People) -> Partner:
    application_id, _ = bring_to("draft", people)
    return partner_of(app, application_id, people.alice)


@pytest.fixture
def somebody(app: Flask, owner: sa.Engine) -> UUID:
    return insert_patient(owner, "Une", synthetic=True)


def seen(owner: sa.Engine) -> set[Behaviour]:
    """What the store has noted since nothing was."""
    tasks.observe_sandbox()
    with owner.connect() as connection:
        return {Behaviour(one) for one in connection.scalars(sa.text("SELECT behaviour FROM store_observation"))}


def play(own: Partner, patient: UUID, clock: FrozenClock, *steps: tuple[int, str, str]) -> None:
    """Calls of one grant: minutes after the one before, access, code of refusal."""
    grant = uuid7()
    for minutes, access, code in steps:
        clock.move(minutes=minutes)
        call(own.client.app_id, patient, grant, code, access)
    seal()


def test_nothing_is_noted_of_an_app_that_did_nothing(own: Partner, owner: sa.Engine) -> None:
    assert seen(owner) == set()


def test_a_served_call_shows_a_proof_of_possession(
    own: Partner, somebody: UUID, clock: FrozenClock, owner: sa.Engine
) -> None:
    play(own, somebody, clock, (0, "read", ""))
    assert seen(owner) == {Behaviour.PROOF_OF_POSSESSION}


@pytest.mark.parametrize(
    ("steps", "waited"),
    [
        ([(0, "read", ""), (1, "read", TOO_OFTEN), (60, "read", "")], True),
        ([(0, "read", ""), (1, "read", TOO_OFTEN)], False),
        ([(0, "read", TOO_OFTEN), (1, "read", TOO_OFTEN), (60, "read", "")], False),
        ([(0, "read", TOO_OFTEN), (1, "write", "")], False),
        ([(0, "read", TOO_OFTEN), (60, "read", "consent-paused")], False),
    ],
    ids=["one-then-served", "no-call-since", "insisted", "another-access", "refused-otherwise"],
)
def test_an_app_that_waits_after_a_429_is_told_from_one_that_insists(
    own: Partner,
    somebody: UUID,
    clock: FrozenClock,
    owner: sa.Engine,
    steps: list[tuple[int, str, str]],
    waited: bool,
) -> None:
    play(own, somebody, clock, *steps)
    assert (Behaviour.HONOURS_RETRY_AFTER in seen(owner)) is waited


@pytest.mark.parametrize(
    ("steps", "stopped"),
    [
        ([(0, "read", ""), (1, "read", ENDED), (16, "", "")], True),
        ([(0, "read", ENDED), (0, "read", ENDED), (16, "", "")], True),
        ([(0, "read", ENDED), (14, "", "")], False),
        ([(0, "read", ENDED), (5, "read", ENDED), (16, "", "")], False),
        ([(0, "read", ""), (16, "", "")], False),
    ],
    ids=["silent", "two-at-once", "too-early-to-say", "went-on", "never-ended"],
)
def test_an_app_that_falls_silent_is_told_from_one_that_goes_on(
    own: Partner,
    somebody: UUID,
    clock: FrozenClock,
    owner: sa.Engine,
    steps: list[tuple[int, str, str]],
    stopped: bool,
) -> None:
    *calls, (wait, _, _) = steps
    play(own, somebody, clock, *calls)
    clock.move(minutes=wait)
    assert (Behaviour.STOPS_AFTER_REVOCATION in seen(owner)) is stopped


def test_a_write_counts_when_something_was_stored(
    own: Partner, somebody: UUID, clock: FrozenClock, owner: sa.Engine
) -> None:
    play(own, somebody, clock, (0, "write", ""))
    assert Behaviour.VALID_WRITE not in seen(owner), "the line says that nothing was stored"
    call(own.client.app_id, somebody, uuid7(), access="write", count=1)
    seal()
    assert Behaviour.VALID_WRITE in seen(owner)


def test_what_is_old_or_of_production_is_not_looked_at(
    app: Flask, people: People, somebody: UUID, clock: FrozenClock, owner: sa.Engine
) -> None:
    application_id, _ = bring_to("draft", people)
    own = partner_of(app, application_id, people.alice)
    call(application_id, somebody, uuid7())
    play(own, somebody, clock, (0, "read", ""))
    clock.move(minutes=61)
    assert seen(owner) == set()


def test_a_code_redeemed_in_the_sandbox_shows_pkce(own: Partner, somebody: UUID, owner: sa.Engine) -> None:
    assert own.client.profile is Profile.FAPI2
    asked = {**WEIGHT, "datatypes": ["storetest.weight"], "actions": ["read"]}
    own.grant(somebody, authorization_details=json.dumps([asked]))
    with owner.connect() as connection:
        noted = connection.scalars(sa.text("SELECT behaviour FROM store_observation")).all()
    assert noted == [Behaviour.PKCE]


def test_the_batch_role_alone_reads_the_journal_of_all(own: Partner, somebody: UUID, clock: FrozenClock) -> None:
    play(own, somebody, clock, (0, "read", ""))
    counted = "SELECT count(*) FROM core_journal"
    with transaction() as session:
        assert session.scalar(sa.text(counted)) == 0
    with transaction(role=DatabaseRole.BATCH) as session:
        assert session.scalar(sa.text(counted)) == 1
    assert journal.SERVED == "served"
