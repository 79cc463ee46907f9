"""The seals of the journal: every tampering is found, and named."""

from types import SimpleNamespace
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from platform_core.access import SYSTEM
from platform_core.database import DatabaseRole, transaction
from platform_core.journal import queries, rules, service


@pytest.fixture
def sealed(app):
    """Two batches of rows of several patients; the file of roots is fresh."""
    service.export_path().unlink(missing_ok=True)
    for _ in range(2):
        for _ in range(3):
            patient = uuid4()
            with transaction(patient_id=patient):
                for number in range(2):
                    service.record(
                        service.Entry(
                            patient,
                            SYSTEM,
                            "search",
                            "Observation",
                            "read",
                            service.SERVED,
                            f"request-{number}",
                            ["measures.body-weight"],
                            number,
                        )
                    )
        with transaction(role=DatabaseRole.BATCH):
            assert service.seal_batch() == 6


def _findings():
    with transaction(role=DatabaseRole.BATCH):
        return list(queries.verify())


def test_an_untouched_journal_is_whole(sealed):
    assert _findings() == []


def test_nothing_waits_twice(sealed):
    with transaction(role=DatabaseRole.BATCH):
        assert service.seal_batch() == 0


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE core_journal SET count = 99 WHERE batch = 1 AND position = 2", "the row was changed"),
        ("UPDATE core_journal SET categories = '{x}' WHERE batch = 2 AND position = 0", "the row was changed"),
        ("DELETE FROM core_journal WHERE batch = 1 AND position = 5", "the row was removed"),
        (
            "INSERT INTO core_journal SELECT patient_id, gen_random_uuid(), occurred_at, actor_kind, actor_id,"
            " actor_name, on_behalf_of, app_id, grant_id, interaction, resource, access, categories, count, outcome,"
            " code, request_id, batch, 6, leaf FROM core_journal WHERE batch = 2 AND position = 1",
            "the row was inserted after the sealing",
        ),
        (
            "UPDATE core_journal SET resources = ARRAY[gen_random_uuid()] WHERE batch = 2 AND position = 3",
            "the row was changed",
        ),
        ("UPDATE core_journal SET leaf = sha256('x') WHERE batch = 1 AND position = 3", "the row was changed"),
        ("UPDATE core_journal SET batch = NULL WHERE batch = 2 AND position = 5", "the row was removed"),
        (
            "INSERT INTO core_journal SELECT gen_random_uuid(), id, occurred_at, actor_kind, actor_id,"
            " actor_name, on_behalf_of, app_id, grant_id, interaction, resource, access, categories, count, outcome,"
            " code, request_id, 77, 0, leaf FROM core_journal WHERE batch = 2 AND position = 1",
            "the row stands in a batch that does not exist",
        ),
    ],
)
def test_a_tampered_row_is_named(sealed, owner, statement, fault):
    with owner.begin() as connection:
        connection.execute(sa.text(statement))
    named = [finding for finding in _findings() if finding.row]
    assert [finding.fault for finding in named] == [fault]


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        (["DELETE FROM core_journal_batch WHERE number = 1"], "the batch is missing"),
        (
            ["DELETE FROM core_journal WHERE batch = 2", "DELETE FROM core_journal_batch WHERE number = 2"],
            "the batch was exported but is no longer in the database",
        ),
        (
            [
                "UPDATE core_journal_batch SET dropped_at = now() WHERE number = 1",
                "DELETE FROM core_journal WHERE batch = 1",
            ],
            "the batch was dropped before its time",
        ),
        (
            ["UPDATE core_journal_batch SET sealed_at = sealed_at - interval '5 years' WHERE number = 1"],
            "the exported root differs",
        ),
        (["UPDATE core_journal_batch SET root = sha256('x') WHERE number = 1"], "does not chain"),
        (["UPDATE core_journal_batch SET signature = 'a.b.c' WHERE number = 1"], "the signature does not match"),
    ],
)
def test_a_tampered_batch_is_named(sealed, owner, statements, fault):
    with owner.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    assert any(fault in finding.fault for finding in _findings())


def test_rows_that_changed_places_are_named(sealed, owner):
    swap = "UPDATE core_journal SET position = 5 - position WHERE batch = 1 AND position IN (2, 3)"
    with owner.begin() as connection:
        connection.execute(sa.text(swap))
    assert [finding.fault for finding in _findings() if finding.row] == ["the row was moved"] * 2


def test_what_retention_drops_leaves_the_journal_whole(clock, sealed, owner):
    with transaction(role=DatabaseRole.BATCH):
        assert service.drop_batches() == 0
    clock.move(days=service.RETENTION.days + 1)
    with transaction(role=DatabaseRole.BATCH):
        assert service.drop_batches(most=1) == 1
    assert _findings() == []
    with owner.begin() as connection:
        assert connection.execute(sa.text("SELECT DISTINCT batch FROM core_journal")).scalars().all() == [2]
        connection.execute(sa.text("UPDATE core_journal SET batch = 1 WHERE position = 0"))
    assert {finding.fault for finding in _findings() if finding.row} == {
        "the row was inserted after the sealing",
        "the row was removed",
    }


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40), st.data())
def test_changing_any_leaf_changes_the_root(leaves, data):
    position = data.draw(st.integers(0, len(leaves) - 1))
    changed = [*leaves]
    changed[position] = bytes(b ^ 1 for b in leaves[position])
    assert rules.merkle_root(changed) != rules.merkle_root(leaves)


def test_a_row_without_resources_keeps_the_hash_that_it_had_before_they_existed():
    """Journals sealed by earlier versions stay whole."""
    row = SimpleNamespace(**{name: name for name in rules.SEALED_FIELDS} | {"resources": None})
    assert rules.leaf_hash(row).hex() == "67d3b69efe41277d1a8c24d5c353d81d3988ef7e8e6b2e4e14cca350464daac3"
    assert rules.leaf_hash(SimpleNamespace(**vars(row) | {"resources": [uuid4()]})) != rules.leaf_hash(row)
