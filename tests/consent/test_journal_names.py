"""What the guard writes of the resources of a call: their ids, when they are few and can be named."""

from dataclasses import replace
from uuid import UUID

import pytest

from platform_app import guard
from platform_core.categories import registry
from platform_core.database import DatabaseRole, transaction
from platform_core.journal import queries as journal
from platform_core.journal import service
from platform_core.journal.queries import JournalFilter
from tests.journeys.test_attacks_on_records import Holder
from tests.oauth.conftest import partner, patient
from tests.oauth.partner import Partner

__all__ = ["partner", "patient"]


def journaled(holder: Holder) -> list[list[UUID] | None]:
    with transaction(patient_id=holder.patient):
        return [line.resources for line in journal.list_entries(holder.patient, JournalFilter())]


@pytest.fixture
def holder(partner: Partner, patient: UUID) -> Holder:
    return Holder(partner, patient)


def test_few_resources_are_kept_and_sealed_many_are_not(holder: Holder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_MOST_NAMED", 1)
    ids = [UUID(holder.add(value)["id"]) for value in ("73.25", "73.5")]
    holder.get(f"/fhir/Observation/{ids[0]}")
    holder.get("/fhir/Observation")
    assert journaled(holder) == [None, [ids[0]], [ids[1]], [ids[0]]]
    with transaction(role=DatabaseRole.BATCH):
        service.seal_batch()
    with transaction(role=DatabaseRole.BATCH):
        assert list(journal.verify()) == []


def test_a_category_that_cannot_name_them_keeps_none(holder: Holder, monkeypatch: pytest.MonkeyPatch) -> None:
    nameless = {code: replace(category, describe=None) for code, category in registry._categories.items()}
    monkeypatch.setattr(registry, "_categories", nameless)
    holder.add()
    assert journaled(holder) == [None]
