"""`ens run`: the whole platform on one machine, from nothing to served, until it is told to stop."""

import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
import requests

from platform_app import database_admin, supervisor
from platform_core.config import Config, from_environ
from platform_core.embedded import processes, services
from platform_core.errors import ConfigurationError

ROOT = Path(__file__).resolve().parent.parent
_READY_SECONDS = 120
_WELCOME = """
The platform is ready.
  Site               {site}
  Demo partner app   {partner}
  Mailbox            {site}/boite-aux-lettres

Demo people, all fictitious: choose one on the sign-in page, there is no password.
  Patients           camille, dominique (helped by paul), lea (represented by camille), paul, ruth
  Professionals      dr-martin, dr-benali, ide-costa
  Publishers         alice (Balance+, TensioConnect), bruno (RDV Facile)
  Authority          ines (reviewer), omar (decider), claire (commission)

Ctrl-C stops everything.
"""


def run(prepare: Callable[[Config], None]) -> None:
    """Start what is not running, prepare the data, keep the processes of the Procfile until Ctrl-C, TERM or HUP.

    `prepare(config)` fills a fresh database; it is called at each start and does its work once.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    data_dir = from_environ().data_dir
    try:
        with _alone(data_dir), _services(data_dir):
            _keep(data_dir, prepare)
    except KeyboardInterrupt:
        click.echo("Everything is stopped. The data stay for the next run.")


def stop(data_dir: Path) -> None:
    """End the run of a data directory, or what a killed one left."""
    lock = data_dir / "run.lock"
    if lock.exists() and not _is_free(lock):
        os.kill(int(lock.read_text()), signal.SIGTERM)
        if not processes.wait_until(lambda: _is_free(lock), seconds=60):
            raise ConfigurationError(f"The platform on {data_dir} does not stop: end process {lock.read_text()}.")
    supervisor.stop_leftovers(data_dir / "run.json")


def _keep(data_dir: Path, prepare: Callable[[Config], None]) -> None:
    supervisor.stop_leftovers(data_dir / "run.json")
    config = from_environ()
    for name, port in (("ENS_PORT", config.port), ("ENS_DEMO_PARTNER_PORT", config.demo_partner_port)):
        if not processes.port_is_free(port):
            raise ConfigurationError(f"Port {port} is taken: end what listens there, or set {name}.")
    database_admin.upgrade(config)
    prepare(config)
    threading.Thread(target=_announce, args=(config,), daemon=True).start()
    supervisor.supervise(ROOT / "Procfile", _environment(config), data_dir / "run.json")


def _interrupt(number: int, _frame: object) -> None:
    """Stop once: signals that follow do not disturb the stopping."""
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """One run at a time in a data directory; the lock file holds its pid."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data_dir / "run.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(
                f"The platform already runs on {data_dir}: stop it, or set ENS_DATA_DIR to another directory."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _is_free(lock: Path) -> bool:
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


@contextmanager
def _services(data_dir: Path) -> Iterator[None]:
    """The local servers, stopped afterwards unless somebody else than a killed run had started them."""
    was_killed = (data_dir / "run.json").exists()
    were_running = not was_killed and all(service.pid for service in services.status(data_dir))
    click.echo("Starting PostgreSQL and Valkey.")
    services.start(data_dir)
    try:
        yield
    finally:
        if not were_running:
            services.stop(data_dir)


def _environment(config: Config) -> Mapping[str, str]:
    """The environment of the processes: this Python's programs first, every path absolute."""
    programs = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "ENS_DATA_DIR": str(config.data_dir),
        "ENS_DEMO_PARTNER_PORT": str(config.demo_partner_port),
    }


def _announce(config: Config) -> None:
    """Print the addresses once the platform is ready to serve."""
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        time.sleep(0.5)
        try:
            if requests.get(f"http://127.0.0.1:{config.port}/health/ready", timeout=5).ok:
                partner = f"http://127.0.0.1:{config.demo_partner_port}"
                return click.echo(_WELCOME.format(site=config.base_url, partner=partner))
        except requests.RequestException:
            continue
    return click.echo("The platform is not ready yet: see the lines above, and `ens doctor`.")
