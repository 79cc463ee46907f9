"""The local services of a data directory: start, stop, look, erase.

Their addresses and passwords stand in `services.json`, readable by the owner only and kept between starts.
"""

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from platform_core.config import local_services
from platform_core.database import DatabaseRole
from platform_core.embedded import account, postgres, valkey
from platform_core.errors import ConfigurationError

_MARK = "ens-data"
_MADE_BEFORE_THE_SERVERS = {"secrets.json", "run.lock", "metrics", "blobs"}
_ROLE_OF = {
    "database_url": DatabaseRole.APP,
    "batch_database_url": DatabaseRole.BATCH,
    "owner_database_url": DatabaseRole.OWNER,
}


@dataclass(frozen=True, slots=True)
class Service:
    """One local server: its name and, while it runs, its pid."""

    name: str
    pid: int | None


def start(data_dir: Path, *, durable: bool = True) -> dict[str, str]:
    """Start PostgreSQL and Valkey, or find them running, and return the contents of `services.json`.

    May be called again at any time, by several processes at once. Raises `ConfigurationError` with a remedy.
    """
    data_dir = data_dir.resolve()
    with _locked(data_dir):
        known = local_services(data_dir)
        passwords = {role: _password(known.get(key)) for key, role in _ROLE_OF.items()}
        port = postgres.start(
            account.account_for(data_dir),
            preferred_port=_port(known.get("database_url")),
            passwords=passwords,
            renew_passwords=not known.keys() >= _ROLE_OF.keys(),
            durable=durable,
        )
        addresses = {key: postgres.address(port, role, passwords) for key, role in _ROLE_OF.items()}
        password = _password(known.get("redis_url"))
        redis_port = valkey.start(data_dir / "valkey", preferred_port=_port(known.get("redis_url")), password=password)
        addresses["redis_url"] = valkey.address(redis_port, password)
        if addresses != known:
            _save(data_dir / "services.json", addresses)
    return addresses


def stop(data_dir: Path) -> None:
    """Stop both servers; their data stay."""
    data_dir = data_dir.resolve()
    if not data_dir.exists():
        return
    with _locked(data_dir):
        for home in _postgres_homes(data_dir):
            postgres.stop(home / "data")
        valkey.stop(data_dir / "valkey")


def status(data_dir: Path) -> list[Service]:
    """Both servers, and which of them run."""
    data_dir = data_dir.resolve()
    found = (postgres.find(home / "data") for home in _postgres_homes(data_dir))
    running = next((server.pid for server in found if server), None)
    return [Service("PostgreSQL", running), Service("Valkey", valkey.find(data_dir / "valkey"))]


def erase(data_dir: Path) -> None:
    """Stop the servers and delete everything they and the platform kept here.

    Raises `ConfigurationError` on a directory that held other files before the platform came.
    """
    data_dir = data_dir.resolve()
    if not data_dir.exists():
        return
    stop(data_dir)
    if not (data_dir / _MARK).exists():
        raise ConfigurationError(f"{data_dir} holds files that are not the platform's: delete it by hand.")
    account.forget(data_dir)
    shutil.rmtree(data_dir)


def create_database(addresses: dict[str, str], name: str) -> dict[str, str]:
    """Make a database with the extensions on a running server; the addresses by which the roles reach it."""
    postgres.create_database(addresses["owner_database_url"], name)
    return {
        key: urlunsplit(urlsplit(url)._replace(path=f"/{name}")) if key in _ROLE_OF else url
        for key, url in addresses.items()
    }


def drop_database(addresses: dict[str, str], name: str) -> None:
    """Drop a database made by `create_database`."""
    postgres.drop_database(addresses["owner_database_url"], name)


def _postgres_homes(data_dir: Path) -> list[Path]:
    return [data_dir / "postgres", account.system_directory(data_dir) / "postgres"]


@contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    """One starter or stopper at a time."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if {entry.name for entry in data_dir.iterdir()} <= _MADE_BEFORE_THE_SERVERS:
            (data_dir / _MARK).touch(mode=0o600)
        handle = os.open(data_dir / "services.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"{data_dir} cannot be used ({error.strerror}): set ENS_DATA_DIR to a directory of your own."
        ) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _password(url: str | None) -> str:
    return (urlsplit(url).password if url else None) or secrets.token_urlsafe(32)


def _port(url: str | None) -> int | None:
    return urlsplit(url).port if url else None


def _save(path: Path, addresses: dict[str, str]) -> None:
    """Replace the file in one step, so that no reader sees half of it."""
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(addresses, file, indent=1)
    partial.replace(path)
