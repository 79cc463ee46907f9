"""Blobs in a folder and in an S3-compatible store: kept once, read in part, unreadable without their key, swept."""

import io
import os
import stat
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import requests
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer

from platform_core import config as settings_module
from platform_core import crypto
from platform_core.blobs import service as blobs
from platform_core.blobs.sealing import CHUNK, HEADER, SEALED_CHUNK, BlobAltered
from platform_core.blobs.stores import BlobStore, store_of
from platform_core.config import Config, ObjectStorage
from platform_core.database import DatabaseRole, transaction
from platform_core.errors import NotFound, TooLarge, Unavailable
from platform_core.ids import uuid7

CONTENT = os.urandom(3 * CHUNK + 100)
KEY, OTHER = bytes(range(32)), bytes(32)
MOST = 10 * CHUNK


@pytest.fixture(scope="session")
def object_server() -> Iterator[str]:
    """An S3 server of this process, on the loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def referenced() -> Iterator[set[str]]:
    """The names that rows refer to, in the collection `trial`."""
    names: set[str] = set()
    blobs.declare("trial", names.intersection)
    yield names
    blobs._referenced.pop("trial")


@pytest.fixture(params=["folder", "bucket"])
def store(
    request: pytest.FixtureRequest, app: Flask, config: Config, tmp_path: Path, referenced: set[str]
) -> Iterator[BlobStore]:
    """Each kind of store in turn, empty, as that of the process."""
    if request.param == "folder":
        used = replace(config, blob_url=f"file://{tmp_path}/blobs")
    else:
        endpoint = request.getfixturevalue("object_server")
        requests.post(f"{endpoint}/moto-api/reset", timeout=5)
        requests.put(f"{endpoint}/bucket", timeout=5)
        storage = ObjectStorage(endpoint, "us-east-1", "access", "secret")
        used = replace(config, blob_url="s3://bucket/ens", blob_storage=storage, data_dir=tmp_path)
    settings_module.configure(used)
    yield store_of(used)
    settings_module.configure(config)


def put(content: bytes, key: bytes = KEY) -> blobs.BlobRef:
    with transaction():
        return blobs.put(io.BytesIO(content), collection="trial", key=key, most=MOST)


def names(store: BlobStore) -> list[str]:
    return sorted(store.list_older("trial", datetime.now(UTC) + timedelta(minutes=1)))


def raw(store: BlobStore, name: str) -> bytes:
    return b"".join(store.read(name, 0, 2 * MOST))


def overwrite(store: BlobStore, name: str, content: bytes) -> None:
    prepared = store.incoming / "overwriting"
    prepared.write_bytes(content)
    store.adopt(prepared, name)


def content(blob: blobs.BlobRef, key: bytes = KEY) -> bytes:
    return b"".join(blobs.read(blob, key=key))


def test_what_was_put_comes_back_and_lies_encrypted(store: BlobStore) -> None:
    blob = put(CONTENT)
    assert content(blob) == CONTENT and blob.size == len(CONTENT)
    assert CONTENT[:64] not in raw(store, blob.name)
    assert list(store.incoming.iterdir()) == []


def test_an_empty_content_comes_back_empty(store: BlobStore) -> None:
    assert content(put(b"")) == b""


def test_the_same_content_is_kept_once_for_an_owner_and_apart_for_another(store: BlobStore) -> None:
    first, again, other = put(CONTENT), put(CONTENT), put(CONTENT, OTHER)
    assert first == again and names(store) == sorted([first.name, other.name])
    assert raw(store, first.name) != raw(store, other.name)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(data=st.data())
def test_any_range_is_that_of_the_content(store: BlobStore, data: st.DataObject) -> None:
    blob = put(CONTENT)
    near = st.builds(lambda chunk, more: max(0, chunk * CHUNK + more), st.integers(0, 4), st.integers(-2, 2))
    start, stop = data.draw(near), data.draw(near)
    assert b"".join(blobs.read(blob, key=KEY, start=start, stop=stop)) == CONTENT[start:stop]


def test_a_range_reads_its_own_chunks_only(store: BlobStore) -> None:
    blob = put(CONTENT)
    sealed = bytearray(raw(store, blob.name))
    sealed[HEADER] ^= 1
    overwrite(store, blob.name, bytes(sealed))
    assert b"".join(blobs.read(blob, key=KEY, start=CHUNK, stop=2 * CHUNK)) == CONTENT[CHUNK : 2 * CHUNK]
    with pytest.raises(BlobAltered):
        content(blob)


def cut_the_end(sealed: bytes) -> bytes:
    return sealed[: HEADER + 2 * SEALED_CHUNK]


def swap_two_chunks(sealed: bytes) -> bytes:
    first, second, rest = HEADER, HEADER + SEALED_CHUNK, HEADER + 2 * SEALED_CHUNK
    return sealed[:first] + sealed[second:rest] + sealed[first:second] + sealed[rest:]


def lose_the_header(sealed: bytes) -> bytes:
    return sealed[HEADER:]


@pytest.mark.parametrize("damage", [cut_the_end, swap_two_chunks, lose_the_header])
def test_a_damaged_blob_is_not_read(store: BlobStore, damage: Callable[[bytes], bytes]) -> None:
    blob = put(CONTENT)
    overwrite(store, blob.name, damage(raw(store, blob.name)))
    with pytest.raises(BlobAltered):
        content(blob)


def test_a_blob_put_in_the_place_of_another_is_not_read(store: BlobStore) -> None:
    blob, other = put(CONTENT), put(CONTENT[::-1])
    overwrite(store, blob.name, raw(store, other.name))
    with pytest.raises(BlobAltered):
        content(blob)


def test_a_missing_blob_is_said_missing_before_anything_is_sent(store: BlobStore) -> None:
    blob = put(CONTENT)
    store.delete(blob.name)
    store.delete(blob.name)
    with pytest.raises(NotFound, match="not in the store"):
        blobs.read(blob, key=KEY)


def test_a_content_past_the_limit_leaves_nothing(store: BlobStore) -> None:
    with pytest.raises(TooLarge), transaction():
        blobs.put(io.BytesIO(CONTENT), collection="trial", key=KEY, most=len(CONTENT) - 1)
    assert names(store) == [] and list(store.incoming.iterdir()) == []


def test_a_collection_that_nobody_sweeps_takes_nothing(store: BlobStore) -> None:
    with pytest.raises(RuntimeError), transaction():
        blobs.put(io.BytesIO(b"a"), collection="unknown", key=KEY, most=MOST)


def sweep(collection: str = "trial") -> int:
    deleted = 0
    for found in blobs.list_settled(collection):
        with transaction(role=DatabaseRole.BATCH):
            deleted += blobs.delete_orphans(collection, found)
    return deleted


@pytest.fixture
def a_day_later(clock: object) -> Callable[[], None]:
    """Put the clock more than a day after what is on the disk was written."""

    def move() -> None:
        clock.instant = datetime.now(UTC) + timedelta(hours=25)  # type: ignore[attr-defined]

    return move


def test_the_sweep_takes_orphans_and_never_a_fresh_blob(
    store: BlobStore, referenced: set[str], a_day_later: Callable[[], None], clock: object
) -> None:
    clock.instant = datetime.now(UTC)  # type: ignore[attr-defined]
    kept, orphan = put(CONTENT), put(b"orphan")
    referenced.add(kept.name)
    assert sweep() == 0
    a_day_later()
    assert sweep() == 1 and sweep() == 0
    assert names(store) == [kept.name] and content(kept) == CONTENT
    assert orphan.name not in names(store)


def test_the_sweep_leaves_a_blob_that_an_open_transaction_refers_to(
    store: BlobStore, owner: object, a_day_later: Callable[[], None]
) -> None:
    blob = put(CONTENT)
    a_day_later()
    with owner.begin() as another:  # type: ignore[attr-defined]
        another.exec_driver_sql("SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))", (blob.name,))
        assert sweep() == 0
    assert sweep() == 1


def test_what_a_dead_process_left_half_received_is_removed(store: BlobStore, a_day_later: Callable[[], None]) -> None:
    put(b"to make the folder")
    (store.incoming / "left").write_bytes(b"half")
    assert blobs.sweep_incoming() == 0
    a_day_later()
    assert blobs.sweep_incoming() == 1 and list(store.incoming.iterdir()) == []


def test_the_object_store_being_away_is_an_outage(app: Flask, config: Config, tmp_path: Path) -> None:
    storage = ObjectStorage("http://127.0.0.1:9", "us-east-1", "access", "secret")
    away = store_of(replace(config, blob_url="s3://bucket", blob_storage=storage, data_dir=tmp_path))
    with pytest.raises(Unavailable):
        away.exists("trial/a")


def test_files_are_for_their_owner_only(
    app: Flask, config: Config, tmp_path: Path, referenced: Collection[str]
) -> None:
    settings_module.configure(replace(config, blob_url=f"file://{tmp_path}/blobs"))
    try:
        put(CONTENT)
    finally:
        settings_module.configure(config)
    modes = {path.is_dir(): stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "blobs").rglob("*")}
    assert modes == {True: 0o700, False: 0o600}


def test_destroying_the_key_of_an_organisation_makes_its_blobs_unreadable(store: BlobStore) -> None:
    organisation: UUID = uuid7()
    with transaction():
        key = crypto.organisation_key(organisation)
        assert crypto.organisation_key(organisation) == key
        crypto.destroy_organisation_key(organisation)
    with transaction(), pytest.raises(NotFound, match="destroyed"):
        crypto.organisation_key(organisation, create=False)
    blob = put(CONTENT, key)
    with transaction():
        new = crypto.organisation_key(organisation)
    with pytest.raises(BlobAltered):
        content(blob, new)
