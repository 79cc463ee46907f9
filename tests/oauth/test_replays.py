"""Values seen once: the ring of slots forgets nothing that still counts, at the turn of an hour either."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from oauth.errors import InvalidClient, OAuthRefusal
from oauth.rules.replays import LONGEST, SLOT, SLOTS, idle_slot, slots_of
from oauth.service import replays
from oauth.tasks import forget_expired
from platform_core.clock import FrozenClock, now
from platform_core.database import run, transaction
from tests.oauth.partner import Partner

MINUTE = timedelta(minutes=1)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
instants = st.timedeltas(timedelta(0), timedelta(days=800)).map(lambda since: NEW_YEAR + since)
lives = st.timedeltas(timedelta(0), LONGEST)


@given(instants, lives, st.floats(0, 1))
def test_whoever_shows_a_value_again_in_time_writes_where_it_was_written(
    first: datetime, life: timedelta, share: float
) -> None:
    again = first + life * share
    assert set(slots_of(first, first + life)) & set(slots_of(again, first + life))
    assert slots_of(again, first + life)[0] in slots_of(first, first + life)


@given(instants, lives, st.timedeltas(-SLOT, SLOT))
def test_the_slot_that_is_emptied_is_never_one_that_a_clock_near_ours_uses(
    instant: datetime, life: timedelta, skew: timedelta
) -> None:
    used = set(slots_of(instant, instant + life))
    if abs(skew) < SLOT - LONGEST:
        assert idle_slot(instant + skew) not in used
    assert used <= set(range(SLOTS))


def test_a_value_is_not_remembered_longer_than_a_slot_can_hold() -> None:
    with pytest.raises(ValueError, match="at most"):
        slots_of(NEW_YEAR, NEW_YEAR + SLOT)


def remember(value: str, minutes: int, kind: str = replays.PROOF) -> bool:
    """Whether the value was new."""
    with transaction():
        try:
            replays.use_up([replays.Once(kind, value, now() + minutes * MINUTE)])
        except (OAuthRefusal, InvalidClient):
            return False
        return True


@pytest.mark.requirement("A6.3", "A7.2")
def test_the_turn_of_an_hour_opens_no_door(app: Flask, clock: FrozenClock) -> None:
    clock.move(minutes=59)
    assert remember("jti", 5)
    assert not remember("jti", 5)
    clock.move(minutes=2)
    assert not remember("jti", 3)
    assert remember("autre", 3)


def test_of_two_at_the_same_moment_across_the_turn_one_passes(app: Flask, clock: FrozenClock) -> None:
    clock.move(minutes=58)
    start = Barrier(2)

    def show(_: int) -> bool:
        with app.app_context():
            start.wait(timeout=30)
            return remember("jti", 5)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(show, range(2))) == [False, True]


def test_one_kind_of_value_does_not_hide_another(app: Flask) -> None:
    for kind in (replays.PROOF, replays.ASSERTION):
        assert remember("x", 1, kind)
        assert not remember("x", 1, kind)


@pytest.mark.requirement("A6.3", "A7.2")
@pytest.mark.parametrize("minutes", [0, 58])
def test_of_values_recorded_together_the_one_seen_before_is_named(app: Flask, clock: FrozenClock, minutes: int) -> None:
    clock.move(minutes=minutes)
    until = now() + 5 * MINUTE
    proofs = [replays.Once(replays.PROOF, f"preuve {number}", until) for number in range(3)]
    assertion = replays.Once(replays.ASSERTION, "assertion", until)
    with transaction():
        replays.use_up([assertion, proofs[0]])
        replays.use_up([])
    with transaction(), pytest.raises(OAuthRefusal):
        replays.use_up([replays.Once(replays.ASSERTION, "autre", until), proofs[0]])
    with transaction(), pytest.raises(InvalidClient):
        replays.use_up([assertion, proofs[1]])


@pytest.mark.requirement("A6.3", "A7.2")
def test_a_replay_stores_no_token(partner: Partner) -> None:
    proof, assertion = partner.proof("POST", "/oauth/token"), partner.assertion()
    form = {"grant_type": "client_credentials", "client_assertion": assertion}
    assert partner.post("/oauth/token", form, proofs=[proof]).status_code == 200
    assert partner.post("/oauth/token", form, proofs=None).json["error"] == "invalid_client"
    again = {"grant_type": "client_credentials"}
    assert partner.post("/oauth/token", again, proofs=[proof]).json["error"] == "invalid_dpop_proof"
    with transaction():
        assert run("SELECT count(*) AS stored FROM oauth_token", {})[0].stored == 1


def test_idle_values_are_dropped_and_those_of_the_hour_stay(app: Flask, clock: FrozenClock, owner: sa.Engine) -> None:
    assert remember("jti", 5)
    clock.move(hours=1)
    assert remember("suivant", 5)
    for expected in (2, 1, 0):
        forget_expired()
        with owner.connect() as connection:
            assert connection.scalar(sa.text("SELECT count(*) FROM oauth_replay")) == expected
        clock.move(hours=1)


@pytest.mark.requirement("A6.3")
def test_a_replayed_proof_is_refused_after_the_hour_has_turned(partner: Partner, clock: FrozenClock) -> None:
    clock.move(minutes=59, seconds=40)
    proof = partner.proof("POST", "/oauth/token")
    form = {"grant_type": "client_credentials"}
    assert partner.post("/oauth/token", form, proofs=[proof]).status_code == 200
    clock.move(seconds=30)
    replayed = partner.post("/oauth/token", form, proofs=[proof])
    assert (replayed.status_code, replayed.json["error"]) == (400, "invalid_dpop_proof")
    assert "before" in replayed.json["error_description"]
