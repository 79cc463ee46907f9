"""`ens`, the operator's command. The application is made only for the commands that need it."""

import importlib
import json
import os
import shutil
import sys
import warnings
from pathlib import Path

import click
import sqlalchemy as sa
from celery.platforms import SecurityWarning
from flask import Flask
from granian import Granian
from granian.constants import Interfaces

from platform_app import celery_app, database_admin, doctor, factory
from platform_app import run as running
from platform_core.config import Config, from_environ
from platform_core.embedded import services as embedded
from platform_core.errors import ConfigurationError, DomainError

ROOMS = {
    "clients": ("Registered clients of the authorization server.", ("oauth.cli:clients",)),
    "consent": ("What proves the consents.", ("consent.cli:consent",)),
    "demo": (
        "Demo people, applications and clients.",
        ("platform_app.demo:demo", "consent.cli:demo", "oauth.cli:demo"),
    ),
    "dmp": ("The medical record: documents handed over by establishments.", ("dmp_core.cli:dmp",)),
    "journal": ("The sealed journal of accesses.", ("platform_core.cli:journal",)),
    "keys": ("Signing keys and the master key.", ("oauth.cli:keys", "platform_app.keys:keys")),
    "oauth": ("Structures whose software works for professionals.", ("oauth.cli:oauth",)),
    "representation": ("Who represents whom by law.", ("identity_core.cli:representation",)),
    "scale": ("Made-up spaces in number, and what they weigh.", ("platform_app.scale.cli:scale",)),
    "space": ("The spaces of patients.", ("identity_core.cli:space",)),
    "store": ("The store of applications.", ("store.cli:store",)),
}


class Room(click.Group):
    """Commands of other packages under one name: imported when asked for, run inside the application."""

    def __init__(self, name: str, help: str, targets: tuple[str, ...]) -> None:
        super().__init__(name, help=help)
        self.targets = targets

    def list_commands(self, context: click.Context) -> list[str]:
        return sorted(self._load())

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        return self._load().get(name)

    def invoke(self, context: click.Context) -> object:
        context.with_resource(_application().app_context())
        return super().invoke(context)

    def _load(self) -> dict[str, click.Command]:
        found: dict[str, click.Command] = {}
        for target in self.targets:
            module, _, attribute = target.partition(":")
            found.update(getattr(importlib.import_module(module), attribute).commands)
        return found


@click.group(help="Operate the ENS platform.")
def cli() -> None:
    """Every command reads its settings from the environment (ENS_…)."""


for _name, (_help, _targets) in ROOMS.items():
    cli.add_command(Room(_name, _help, _targets))


def main() -> None:
    """Run `ens`. What goes wrong is said in one sentence, with exit code 1."""
    try:
        cli()
    except DomainError as error:
        sys.exit(f"ens: {error.message}")
    except PermissionError as error:
        sys.exit(f"ens: {error.filename} is not yours to use: set ENS_DATA_DIR to a directory of your own.")
    except sa.exc.OperationalError:
        sys.exit("ens: The database does not answer: run `ens services start`, or `ens doctor` to know more.")


@cli.group()
def services() -> None:
    """The local PostgreSQL and Valkey of development."""


@services.command()
def start() -> None:
    """Start them, or find them running."""
    embedded.start(from_environ().data_dir)
    click.echo("PostgreSQL and Valkey run.")


@services.command()
def stop() -> None:
    """Stop them; their data stay."""
    embedded.stop(from_environ().data_dir)
    click.echo("PostgreSQL and Valkey are stopped.")


@services.command()
def status() -> None:
    """Tell which ones run; exit code 3 when one does not."""
    found = embedded.status(from_environ().data_dir)
    for service in found:
        click.echo(f"{service.name:<12}{f'runs, pid {service.pid}' if service.pid else 'stopped'}")
    if not all(service.pid for service in found):
        sys.exit(3)


@cli.group("db")
def database() -> None:
    """The schema of the database."""


@database.command()
@click.argument("revision", default="head")
def upgrade(revision: str) -> None:
    """Apply the migrations, up to REVISION."""
    database_admin.upgrade(from_environ(), revision)


@database.command()
@click.argument("revision")
@click.confirmation_option(prompt="This may delete data. Go on?")
def downgrade(revision: str) -> None:
    """Undo the migrations down to REVISION (`base` undoes all)."""
    database_admin.downgrade(from_environ(), revision)


@database.command()
def current() -> None:
    """Print the revision of the database and the newest one."""
    with database_admin.owner_engine(from_environ()).connect() as connection:
        click.echo(f"{database_admin.current(connection)} (newest: {database_admin.head()})")


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--workers", default=2, show_default=True, help="Processes.")
@click.option("--threads", default=factory.SERVER_THREADS, show_default=True, help="Threads of each process.")
def serve(host: str, workers: int, threads: int) -> None:
    """Serve the web application."""
    config = _settings()
    # Read by prometheus_client when it is first imported: in the server's processes, not here.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(_fresh(config.data_dir / "metrics"))
    Granian(
        "platform_app.wsgi:app",
        address=host,
        port=config.port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        respawn_failed_workers=True,
        websockets=False,
    ).serve()


@cli.command()
@click.option("--loglevel", default="INFO", show_default=True)
def worker(loglevel: str) -> None:
    """Run the tasks."""
    celery = _application().extensions["celery"]
    queues = ",".join(celery_app.queues(celery))
    options = [f"--concurrency={celery_app.CONCURRENCY}", f"--queues={queues}", f"--loglevel={loglevel}"]
    warnings.simplefilter("ignore", SecurityWarning)  # about root and pickled messages: ours are JSON
    alone = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    celery.start(["--quiet", "worker", *options, *alone])


@cli.command()
def beat() -> None:
    """Send the periodic tasks. Run one of these at a time."""
    celery = _application().extensions["celery"]
    schedule = from_environ().data_dir / "beat-schedule"
    celery.start(["--quiet", "beat", "--loglevel=WARNING", f"--schedule={schedule}", "--pidfile="])


@cli.command()
def run() -> None:
    """Start everything on this machine, with the demo people; Ctrl-C stops it."""
    running.run(_prepare)


@cli.command()
def reset() -> None:
    """Stop what runs on the data directory and delete it."""
    data_dir = from_environ().data_dir
    running.stop(data_dir)
    embedded.erase(data_dir)
    click.echo(f"{data_dir} is gone.")


@cli.command("doctor")
def examine() -> None:
    """Check every piece that the platform needs; exit code 1 when one is missing."""
    findings = list(doctor.examine(from_environ()))
    for finding in findings:
        click.echo(f"{'ok      ' if finding.well else 'missing '}{finding.what}")
        if not finding.well:
            click.echo(f"        → {finding.remedy}")
    if not all(finding.well for finding in findings):
        sys.exit(1)


def _prepare(config: Config) -> None:
    """The demo people and applications, and the client of the demo partner app."""
    cli.main(["demo", "seed"], standalone_mode=False)
    client = config.data_dir / "demo" / "partner.json"
    callback = f"http://127.0.0.1:{config.demo_partner_port}/callback"
    known = json.loads(client.read_text()) if client.exists() else {}
    if (known.get("issuer"), known.get("redirect_uri")) != (config.base_url, callback):
        client.parent.mkdir(mode=0o700, exist_ok=True)
        options = ["--application", "balance", "--redirect-uri", callback, "--out", str(client)]
        cli.main(["demo", "client", *options], standalone_mode=False)


def _settings() -> Config:
    """The settings of a process that needs the database and the broker to have an address."""
    config = from_environ()
    if not config.database_url:
        raise ConfigurationError("There is no database yet: run `ens services start`, then `ens db upgrade`.")
    return config


def _application() -> Flask:
    return factory.create_app(_settings())


def _fresh(directory: Path) -> Path:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(mode=0o700, parents=True)
    return directory
