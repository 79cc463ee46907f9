"""A platform of its own, made of real processes: each of them may be killed."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import requests

from partner_sdk import Grant, PartnerClient
from platform_core.config import local_services
from platform_core.embedded import processes, services

PROGRAM = Path(sys.executable).parent / "ens"
_INSIDE = """
from platform_app.factory import create_app
from platform_core.config import from_environ
with create_app(from_environ()).app_context():
{code}
"""


@dataclass
class Programs:
    """`ens` commands run with an environment; what they print of importance goes to files of a directory."""

    directory: Path
    environment: dict[str, str]
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def ens(self, *words: str) -> str:
        """Run a command to its end; what it printed."""
        return self._run(str(PROGRAM), *words)

    def python(self, code: str) -> str:
        """Run lines of Python inside the application."""
        return self._run(sys.executable, "-c", _INSIDE.format(code=textwrap.indent(code, "    ")))

    def keep(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a long-lived command, in a process group of its own."""
        with (self.directory / f"{words[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                [PROGRAM, *words], env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self.running.append(process)
        return process

    def end(self) -> None:
        """End every long-lived command."""
        while self.running:
            end(self.running.pop())

    def _run(self, *command: str) -> str:
        return subprocess.run(command, env=self.environment, check=True, text=True, stdout=subprocess.PIPE).stdout


class Platform(Programs):
    """Two web processes on servers and data of their own, with the demo people."""

    def __init__(self, directory: Path) -> None:
        self.data_dir = directory / "ens"
        port = processes.choose_port(None)
        self.site = f"http://127.0.0.1:{port}"
        own = {"ENS_ENV": "testing", "ENS_DATA_DIR": str(self.data_dir), "ENS_PORT": str(port)}
        super().__init__(directory, {**own_environment(), **own})

    def serve(self) -> subprocess.Popen[bytes]:
        web = self.keep("serve")
        assert processes.wait_until(self.is_ready, seconds=60)
        return web

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.site}/health/ready", timeout=10).ok
        except requests.ConnectionError:
            return False

    def kill_service(self, name: str) -> None:
        """Kill -9 PostgreSQL with all its backends, or Valkey."""
        (pid,) = (one.pid for one in services.status(self.data_dir) if one.name == name and one.pid)
        for each in [pid, *children(pid)]:
            kill(each)
        assert processes.wait_until(lambda: not processes.arguments(pid), seconds=10)

    def restart_services(self) -> None:
        services.start(self.data_dir)

    def query(self, statement: str, **parameters: object) -> list[tuple[Any, ...]]:
        """Rows as the owner of the database sees them."""
        address = local_services(self.data_dir)["owner_database_url"]
        with psycopg.connect(address) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def partner(self, **options: Any) -> PartnerClient:
        """A partner with fresh sandbox credentials."""
        file = self.directory / "client.json"
        self.ens("demo", "client", "--out", str(file))
        known = json.loads(file.read_text())
        return PartnerClient(
            known["issuer"],
            client_id=known["client_id"],
            private_key=known["private_key"],
            redirect_uri=known["redirect_uri"],
            **options,
        )

    def verify_journal(self) -> None:
        """Seal what waits, then check every seal: `ens journal verify` fails on the first fault."""
        self.ens("journal", "seal")
        assert "whole" in self.ens("journal", "verify")


@contextmanager
def started(directory: Path) -> Iterator[Platform]:
    """A platform that serves; everything it started is ended and deleted afterwards."""
    platform = Platform(directory)
    try:
        platform.restart_services()
        platform.ens("db", "upgrade")
        platform.ens("demo", "seed")
        platform.serve()
        yield platform
    finally:
        platform.end()
        services.erase(platform.data_dir)


def grant_measures(partner: PartnerClient, patient: int = 0) -> Grant:
    """A grant that a synthetic patient gives: weights, written and read without counting."""
    login = partner.start_authorization(
        datatypes=["measures.body-weight"],
        actions=["read", "write"],
        purpose="prevention",
        periodicity={"continuous": True},
    )
    return partner.finish_authorization(login, partner.sandbox.decide(login, partner.sandbox.patients()[patient]))


def own_environment() -> dict[str, str]:
    """The environment of this process without the settings of a platform."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ENS_")}


def children(pid: int) -> list[int]:
    """The processes started by this one."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill -9 a process and all that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started: asked first, then killed."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            pass
    kill_group(process)
