"""Where sealed blobs lie: a local folder, or a bucket of an S3-compatible store. Neither knows what they hold."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from platform_core import config
from platform_core.config import Config, ObjectStorage
from platform_core.errors import NotFound, Unavailable

_PIECE = 256 * 1024
_PART = 8 * 1024 * 1024


class BlobStore(Protocol):
    """A place for blobs named `collection/hexadecimal`. What it is given is whole or not there at all."""

    @property
    def incoming(self) -> Path:
        """The local folder in which blobs are prepared."""

    def exists(self, name: str) -> bool: ...

    def adopt(self, prepared: Path, name: str) -> None:
        """Take a file of `incoming` in, durably, under this name."""

    def read(self, name: str, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` to `stop` (excluded), in pieces. Raises `NotFound` (`blob-missing`)."""

    def delete(self, name: str) -> None:
        """Remove a blob; one that is not there is no error."""

    def list_older(self, collection: str, instant: datetime) -> Iterator[str]:
        """The names of a collection whose blob was written before that instant."""


@lru_cache(maxsize=4)
def store_of(settings: Config) -> BlobStore:
    """The store that the settings name (`ENS_BLOB_URL`)."""
    parts = urlsplit(settings.blob_url)
    if settings.blob_storage:
        incoming = settings.data_dir / "blobs-incoming"
        return BucketStore(parts.netloc, parts.path.strip("/"), settings.blob_storage, incoming)
    return FolderStore(Path(unquote(parts.path)))


def store() -> BlobStore:
    """The store of this process."""
    return store_of(config.current())


def clear_incoming(instant: datetime) -> int:
    """Remove what processes that died left half prepared before that instant; returns how many files."""
    old = _written_before(store().incoming.glob("*"), instant)
    return sum(1 for path in old if _unlinked(path))


class FolderStore:
    """Blobs as files of their owner only, in two levels of folders."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.incoming = root / "incoming"

    def exists(self, name: str) -> bool:
        return self._path(name).exists()

    def adopt(self, prepared: Path, name: str) -> None:
        path = self._path(name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        prepared.replace(path)
        _sync_folder(path.parent)

    def read(self, name: str, start: int, stop: int) -> Iterator[bytes]:
        try:
            file = self._path(name).open("rb")
        except FileNotFoundError:
            raise _missing(name) from None
        with file:
            file.seek(start)
            while start < stop and (piece := file.read(min(_PIECE, stop - start))):
                start += len(piece)
                yield piece

    def delete(self, name: str) -> None:
        _unlinked(self._path(name))

    def list_older(self, collection: str, instant: datetime) -> Iterator[str]:
        paths = (self.root / collection).glob("??/??/*")
        return (f"{collection}/{path.name}" for path in _written_before(paths, instant))

    def _path(self, name: str) -> Path:
        collection, _, mark = name.partition("/")
        return self.root / collection / mark[:2] / mark[2:4] / mark


class BucketStore:
    """Blobs as objects of a bucket, over signed requests to the configured endpoint."""

    def __init__(self, bucket: str, prefix: str, storage: ObjectStorage, incoming: Path) -> None:
        self.incoming = incoming
        self._objects = S3Store(
            bucket,
            prefix=prefix or None,
            endpoint=storage.endpoint or None,
            region=storage.region,
            access_key_id=storage.access_key,
            secret_access_key=storage.secret_key,
            client_options={"allow_http": storage.endpoint.startswith("http://"), "connect_timeout": "3s"},
            retry_config={"max_retries": 3},
        )

    def exists(self, name: str) -> bool:
        try:
            obstore.head(self._objects, name)
        except (NotFoundError, FileNotFoundError):
            return False
        except BaseError as error:
            raise _away() from error
        return True

    def adopt(self, prepared: Path, name: str) -> None:
        try:
            obstore.put(self._objects, name, prepared, chunk_size=_PART, max_concurrency=2)
        except BaseError as error:
            raise _away() from error
        prepared.unlink()

    def read(self, name: str, start: int, stop: int) -> Iterator[bytes]:
        try:
            found = obstore.get(self._objects, name, options={"range": (start, stop)})
            for piece in found.stream(min_chunk_size=_PIECE):
                yield bytes(piece)
        except (NotFoundError, FileNotFoundError):
            raise _missing(name) from None
        except BaseError as error:
            raise _away() from error

    def delete(self, name: str) -> None:
        try:
            obstore.delete(self._objects, name)
        except BaseError as error:
            raise _away() from error

    def list_older(self, collection: str, instant: datetime) -> Iterator[str]:
        for page in obstore.list(self._objects, collection):
            yield from (found["path"] for found in page if found["last_modified"] < instant)


def _missing(name: str) -> NotFound:
    return NotFound(f"The blob {name} is not in the store.", code="blob-missing")


def _away() -> Unavailable:
    return Unavailable("The object store does not answer.")


def _written_before(paths: Iterator[Path], instant: datetime) -> Iterator[Path]:
    for path in paths:
        try:
            written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except FileNotFoundError:
            continue
        if written < instant:
            yield path


def _unlinked(path: Path) -> bool:
    path.unlink(missing_ok=True)
    return True


def _sync_folder(folder: Path) -> None:
    """Make a new name survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
