"""Another master key: everything opens, is sealed again, and the former key is of no use; ids stay what they were."""

import os
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from platform_core import config, crypto, rewrapping, signing
from platform_core.config import Config, from_environ
from platform_core.database import Base, transaction
from platform_core.errors import ConfigurationError
from platform_core.ids import uuid7

USE = "rewrapping"


@pytest.fixture
def former(app: Flask) -> Iterator[Config]:
    """The settings before; they are back after the test."""
    settings = config.current()
    yield settings
    config.configure(settings)


def change_key(settings: Config) -> Config:
    """The settings of every process during the change."""
    changed = replace(
        settings,
        master_key=os.urandom(32),
        previous_master_keys=(settings.master_key,),
        pseudonym_key=settings.pseudonym_key,
    )
    config.configure(changed)
    return changed


def seal_things(count: int) -> dict[UUID, bytes]:
    """Data keys of patients, by patient, and a signing key."""
    keys = {}
    for _ in range(count):
        patient = uuid7()
        with transaction(patient_id=patient):
            keys[patient] = crypto.patient_key(patient)
    with transaction():
        signing.key(USE, "ES256")
    return keys


def opens(keys: dict[UUID, bytes]) -> bool:
    signing._cache.clear()
    with transaction():
        signing.key(USE, "ES256")
    for patient, key in keys.items():
        with transaction(patient_id=patient):
            if crypto.patient_key(patient, create=False) != key:
                return False
    return True


def test_everything_moves_to_the_new_key_and_the_former_one_goes(
    former: Config, owner: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewrapping, "BATCH", 2)
    keys = seal_things(5)
    changed = change_key(former)
    assert opens(keys)
    counts = dict(rewrapping.rewrap(owner))
    assert counts["core_patient_key.wrapped"] == 5
    assert counts["core_signing_key.sealed"] >= 1
    config.configure(replace(changed, previous_master_keys=()))
    assert opens(keys)
    assert set(dict(rewrapping.rewrap(owner)).values()) == {0}
    config.configure(former)
    with pytest.raises(ValueError, match="does not open"):
        opens(keys)


def test_work_cut_short_is_taken_up_again(former: Config, owner: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = seal_things(5)
    changed = change_key(former)
    monkeypatch.setattr(rewrapping, "BATCH", 2)
    (column,) = [c for c in rewrapping.sealed_columns() if c.table.name == "core_patient_key"]
    batches = rewrapping._batches(owner, column)
    assert next(batches) == 2
    batches.close()
    assert opens(keys)
    assert dict(rewrapping.rewrap(owner))["core_patient_key.wrapped"] == 3
    config.configure(replace(changed, previous_master_keys=()))
    assert opens(keys)


def test_identifiers_outlive_the_master_key(former: Config) -> None:
    sector, subject = uuid7(), uuid7()
    before = crypto.pairwise_id(sector, subject), crypto.lookup_hash("180041234567890")
    change_key(former)
    assert (crypto.pairwise_id(sector, subject), crypto.lookup_hash("180041234567890")) == before


def test_no_sealed_column_is_forgotten(app: Flask) -> None:
    named = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name in {"sealed", "wrapped"} or column.name.endswith("_sealed")
    }
    assert len(named) >= 12
    assert {f"{column.table.name}.{column.name}" for column in rewrapping.sealed_columns()} == named


def test_a_former_key_needs_the_key_of_the_identifiers() -> None:
    key = crypto.base64url(os.urandom(32))
    with pytest.raises(ConfigurationError, match="ENS_PSEUDONYM_KEY"):
        from_environ({"ENS_PREVIOUS_MASTER_KEYS": key})
    settings = from_environ({"ENS_PREVIOUS_MASTER_KEYS": f"{key}, {key}", "ENS_PSEUDONYM_KEY": key})
    assert len(settings.previous_master_keys) == 2
    with pytest.raises(ConfigurationError, match="32 random bytes"):
        from_environ({"ENS_PSEUDONYM_KEY": "court"})
