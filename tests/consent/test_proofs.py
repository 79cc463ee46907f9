"""Tampering with a consent, as the owner of the database could: each kind, on each table, is found and named."""

from collections.abc import Callable
from uuid import UUID

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from consent.cli import consent as command
from consent.queries import proofs
from consent.service import granting, lifecycle
from platform_core.database import DatabaseRole, transaction
from tests.consent.builders import PRESSURE, WEIGHT, permission
from tests.consent.calls import state_of
from tests.consent.conftest import CAMILLE

_NEXT = "(SELECT max(sequence) + 1 FROM consent_event)"
_COPIED = "occurred_at, kind, version, actor_kind, actor_id, actor_name, on_behalf_of, details, hash"


@pytest.fixture
def grant_id(grant_consent: Callable[..., UUID], patient_id: UUID) -> UUID:
    """A consent with five acts, alone in the exported file."""
    proofs.export_path().unlink(missing_ok=True)
    grant_id = grant_consent(permission(WEIGHT), permission(PRESSURE))
    until = state_of(patient_id, grant_id).valid_until
    with transaction(patient_id=patient_id):
        granting.amend_consent(
            patient_id=patient_id, grant_id=grant_id, items=[permission(WEIGHT)], valid_until=until, by=CAMILLE
        )
    for act in (lifecycle.pause_consent, lifecycle.resume_consent, lifecycle.request_presence_window):
        with transaction(patient_id=patient_id):
            act(patient_id=patient_id, grant_id=grant_id, by=CAMILLE)
    return grant_id


def findings() -> set[tuple[str, str, str]]:
    with transaction(role=DatabaseRole.BATCH):
        return {(found.table.removeprefix("consent_"), found.row, found.fault) for found in proofs.verify()}


def test_what_nobody_touched_is_whole(grant_id: UUID) -> None:
    assert findings() == set()
    assert CliRunner().invoke(command, ["verify"]).exit_code == 0


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE consent_event SET actor_name = 'X' WHERE sequence = 3", ("event", "3", "the row was changed")),
        ("UPDATE consent_event SET hash = sha256('x') WHERE sequence = 5", ("event", "5", "the row was changed")),
        ("DELETE FROM consent_event WHERE sequence = 2", ("event", "2", "the row was removed")),
        ("DELETE FROM consent_event WHERE sequence = 5", ("event", "5", "the row was removed")),
        (
            f"INSERT INTO consent_event SELECT patient_id, consent_id, {_NEXT}, {_COPIED} FROM consent_event"
            " WHERE sequence = 3",
            ("event", "6", "the row was moved"),
        ),
        (
            f"INSERT INTO consent_event SELECT patient_id, consent_id, {_NEXT}, "
            f"{_COPIED.replace('hash', '')} sha256('x') FROM consent_event WHERE sequence = 3",
            ("event", "6", "the row was changed"),
        ),
        (
            "WITH cut AS (DELETE FROM consent_event WHERE sequence = 5) UPDATE consent_consent SET event_count = 4,"
            " event_head = (SELECT hash FROM consent_event WHERE sequence = 4)",
            ("event", "5", "the row was removed"),
        ),
        (
            "UPDATE consent_event AS e SET kind = o.kind, hash = o.hash, occurred_at = o.occurred_at"
            " FROM consent_event AS o WHERE e.sequence IN (3, 4) AND o.sequence = 7 - e.sequence",
            ("event", "3", "the row was moved"),
        ),
        ("UPDATE consent_version SET locale = 'x' WHERE version = 1", ("version", "1", "the row was changed")),
        ("DELETE FROM consent_version WHERE version = 2", ("version", "2", "the row was removed")),
        (
            "INSERT INTO consent_version SELECT patient_id, consent_id, 9, decided_at, decided_by, decider_kind,"
            " decider_name, assurance, locale, text_version, text_hash, snapshot FROM consent_version"
            " WHERE version = 1",
            ("version", "9", "the row was inserted"),
        ),
        ("UPDATE consent_receipt SET jws = jws || 'x' WHERE number = 3", ("receipt", "3", "the row was changed")),
        ("DELETE FROM consent_receipt WHERE number = 4", ("receipt", "4", "the row was removed")),
        (
            "INSERT INTO consent_receipt SELECT patient_id, consent_id, 5, version, kind, issued_at, jws"
            " FROM consent_receipt WHERE number = 3",
            ("receipt", "5", "the row was moved"),
        ),
        (
            "UPDATE consent_item SET periodicity_max = 4 WHERE category = 'measures.body-weight'",
            ("item", "measures.body-weight read", "the row was changed"),
        ),
        ("DELETE FROM consent_item", ("item", "measures.body-weight read", "the row was removed")),
        (
            "INSERT INTO consent_item SELECT patient_id, consent_id, category, 'write', data_from, data_to,"
            " periodicity_kind, periodicity_max, periodicity_unit FROM consent_item",
            ("item", "measures.body-weight write", "the row was inserted"),
        ),
    ],
)
def test_a_row_that_was_tampered_with_is_named(
    grant_id: UUID, owner: sa.Engine, statement: str, found: tuple[str, str, str]
) -> None:
    with owner.begin() as connection:
        connection.execute(sa.text(statement))
    assert found in findings()


@pytest.mark.parametrize("change", ["status = 'paused'", "version = 1", "event_head = sha256('x')"])
def test_a_consent_that_no_longer_says_what_its_last_act_left_is_named(
    grant_id: UUID, owner: sa.Engine, change: str
) -> None:
    with owner.begin() as connection:
        connection.execute(sa.text(f"UPDATE consent_consent SET {change}"))
    assert ("consent", str(grant_id), "the row was changed") in findings()


def test_a_consent_that_was_removed_with_all_its_rows_is_named(grant_id: UUID, owner: sa.Engine) -> None:
    with owner.begin() as connection:
        for table in ("receipt", "event", "version", "item", "usage", "consent"):
            connection.execute(sa.text(f"DELETE FROM consent_{table}"))
    assert findings() == {("consent", str(grant_id), "the row was removed")}
    outcome = CliRunner().invoke(command, ["verify"])
    assert (outcome.exit_code, str(grant_id) in outcome.output) == (1, True)


def test_an_act_that_was_undone_is_not_exported(grant_id: UUID, patient_id: UUID) -> None:
    with pytest.raises(ZeroDivisionError), transaction(patient_id=patient_id):
        lifecycle.pause_consent(patient_id=patient_id, grant_id=grant_id, by=CAMILLE)
        raise ZeroDivisionError
    assert findings() == set()
