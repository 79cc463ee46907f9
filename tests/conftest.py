"""What every test may ask for: a real PostgreSQL and Valkey, a database of its own, the application, a clock.

The servers live in a temporary directory of this run, shared by the xdist workers; the controller stops them.
"""

import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import settings
from werkzeug.serving import WSGIRequestHandler, make_server

from consent.queries import proofs
from platform_app import database_admin
from platform_app.factory import create_app
from platform_core import clock as clock_module
from platform_core.config import Config, from_environ
from platform_core.database import db
from platform_core.embedded import services
from platform_core.journal import service as journal
from tests.sweeping import Sweeper

pytest_plugins = ["tests.browser"]

_DIRECTORY = "ENS_TEST_SERVICES"
_PREFIX = f"ens-tests-{os.getuid()}-"


settings.register_profile("default", deadline=None)
settings.load_profile("default")


def pytest_configure(config: pytest.Config) -> None:
    """The controller makes the directory of the servers, and sweeps those of runs that were killed."""
    if hasattr(config, "workerinput"):
        return
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if not Path(f"/proc/{left.name.removeprefix(_PREFIX)}").exists():
            _erase(left)
    directory = Path(tempfile.gettempdir()) / f"{_PREFIX}{os.getpid()}"
    directory.mkdir(mode=0o700)
    os.environ[_DIRECTORY] = str(directory)


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        _erase(Path(os.environ.pop(_DIRECTORY)))


def _erase(directory: Path) -> None:
    services.stop(directory / "ens")
    services.erase(directory / "ens")
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def run_directory() -> Path:
    """A directory of this run, shared by its workers."""
    return Path(os.environ[_DIRECTORY])


@pytest.fixture(scope="session")
def worker_name() -> str:
    """The name of this xdist worker: gw0, gw1…, or main."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def addresses(run_directory: Path, worker_name: str) -> dict[str, str]:
    """The servers' addresses for this worker, with an empty database that has the extensions."""
    shared = services.start(run_directory / "ens", durable=False)
    own = services.create_database(shared, f"ens_{worker_name}")
    number = int(worker_name.removeprefix("gw")) + 1 if worker_name.startswith("gw") else 0
    return {**own, "redis_url": f"{own['redis_url'].rsplit('/', 1)[0]}/{number}"}


@pytest.fixture(scope="session")
def listener() -> Iterator[socket.socket]:
    """The loopback socket on which this worker's application is, or will be, served."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound


@pytest.fixture(scope="session")
def config(addresses: dict[str, str], listener: socket.socket, run_directory: Path, worker_name: str) -> Config:
    """The settings of the application under test; its database is migrated."""
    settings = from_environ(
        {
            "ENS_ENV": "testing",
            "ENS_PORT": str(listener.getsockname()[1]),
            "ENS_DATA_DIR": str(run_directory / worker_name),
            "ENS_SEMANTIC": "off",
            **{f"ENS_{key.upper()}": value for key, value in addresses.items()},
        }
    )
    database_admin.upgrade(settings)
    return settings


@pytest.fixture(scope="session")
def application(config: Config) -> Iterator[Flask]:
    """The application, made once. Ask for `app`, which leaves no rows behind."""
    made = create_app(config)
    yield made
    with made.app_context():
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture(scope="session")
def owner(config: Config) -> Iterator[sa.Engine]:
    """An engine that speaks as the owner of the database: it sees and changes all."""
    engine = database_admin.owner_engine(config)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def sweeper(owner: sa.Engine) -> Iterator[Sweeper]:
    """What empties the database between two tests."""
    made = Sweeper(owner)
    yield made
    made.dispose()


@pytest.fixture
def app(application: Flask, config: Config, sweeper: Sweeper) -> Iterator[Flask]:
    """The application inside its context; what the test commits is swept away after it."""
    with application.app_context():
        yield application
        db.session.remove()
    sweeper.sweep()
    for exported in (journal.export_path(), proofs.export_path()):
        exported.unlink(missing_ok=True)
    with redis.Redis.from_url(config.redis_url) as broker:
        broker.flushdb()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client that talks to the application without a network."""
    return app.test_client()


@pytest.fixture
def clock() -> Iterator[clock_module.FrozenClock]:
    """The platform's clock, frozen on an ordinary Saturday, 10:00 in Paris; `clock.move(hours=1)`."""
    with clock_module.frozen_at(datetime(2026, 11, 21, 9, 0, tzinfo=UTC)) as frozen:
        yield frozen


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Keep the output of tests for tests."""


@pytest.fixture(scope="session")
def _server(application: Flask, listener: socket.socket) -> Iterator[None]:
    listener.listen(128)
    host, port = listener.getsockname()
    server = make_server(host, port, application, threaded=True, request_handler=_Silent, fd=listener.fileno())
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def live_server(app: Flask, _server: None, config: Config) -> str:
    """The address of the application, served from threads of this process: a frozen clock holds there too."""
    return config.base_url
