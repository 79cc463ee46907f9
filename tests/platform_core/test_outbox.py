"""The outbox: nothing leaves before the commit, nothing is lost when the broker is away."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from platform_core import outbox
from platform_core.database import DatabaseRole, db, transaction
from platform_core.outbox import OutboxMessage


@pytest.fixture
def sent(monkeypatch):
    """The messages handed to the broker."""
    messages = []

    class Broker:
        def send_task(self, task, args, task_id, **options):
            messages.append((task, args, task_id))

    monkeypatch.setattr(outbox, "current_app", Broker())
    monkeypatch.setattr(outbox, "_broker_silent_until", 0.0)
    return messages


@pytest.fixture
def broken_broker(monkeypatch):
    class Broker:
        calls = 0

        def send_task(self, *args, **options):
            Broker.calls += 1
            raise OSError("the broker is away")

    monkeypatch.setattr(outbox, "current_app", Broker())
    monkeypatch.setattr(outbox, "_broker_silent_until", 0.0)
    return Broker


def _rows():
    with transaction():
        return db.session.scalars(sa.select(OutboxMessage)).all()


def test_a_message_leaves_after_the_commit(app, sent):
    with transaction():
        identifier = outbox.enqueue("room.task", "id-1")
        assert sent == []
    assert sent == [("room.task", ["id-1"], str(identifier))]


def test_a_message_of_an_act_that_failed_never_leaves(app, sent):
    with pytest.raises(ZeroDivisionError), transaction():
        outbox.enqueue("room.task", "id-1")
        raise ZeroDivisionError
    assert sent == [] and _rows() == []


def test_a_broker_away_neither_fails_the_act_nor_loses_the_message(app, broken_broker):
    for _ in range(3):
        with transaction():
            outbox.enqueue("room.task", "id-1")
    assert len(_rows()) == 3
    assert broken_broker.calls == 1, "after one failure the broker is left alone for a while"


def test_the_sweep_sends_what_was_not_done_and_only_that(app, sent, clock):
    with transaction():
        lost = outbox.enqueue("room.task", "lost")
        done = outbox.enqueue("room.task", "done")
        later = outbox.enqueue("room.task", "later", delay=timedelta(hours=1))
    with transaction():
        outbox.mark_done(done)
    sent.clear()
    with transaction(role=DatabaseRole.BATCH):
        assert outbox.redispatch() == 0, "what was sent after its commit is left some time"
    clock.move(minutes=1)
    with transaction(role=DatabaseRole.BATCH):
        assert outbox.redispatch() == 1
    assert [m[2] for m in sent] == [str(lost)]
    with transaction(role=DatabaseRole.BATCH):
        assert outbox.redispatch() == 0, "what was just sent is left its lease"
    clock.move(hours=2)
    sent.clear()
    with transaction(role=DatabaseRole.BATCH):
        outbox.redispatch()
    assert {m[2] for m in sent} == {str(lost), str(later)}


def test_a_message_that_never_succeeds_is_given_up_visibly(app, sent, clock):
    with transaction():
        outbox.enqueue("room.task", "poison")
    for _ in range(outbox.MAX_ATTEMPTS + 1):
        clock.move(hours=7)
        with transaction(role=DatabaseRole.BATCH):
            outbox.redispatch()
    (row,) = _rows()
    assert row.gave_up_at is not None
