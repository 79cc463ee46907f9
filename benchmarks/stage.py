"""The platform under measure: services and data of its own, two web processes, and the partner who calls it."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from partner_sdk import Grant, PartnerClient
from platform_core.config import Config, from_environ
from platform_core.embedded import services

WORKERS, THREADS = 2, 4
_START_SECONDS = 30


@dataclass(frozen=True)
class Bench:
    """What the measures need: ports of both servers, the settings, a partner and its grants."""

    port: int
    bare_port: int
    config: Config
    partner: PartnerClient
    client_key: dict[str, str]
    client_id: str
    grants: list[Grant]
    server_pid: int


@contextmanager
def started(grants: int) -> Iterator[Bench]:
    """Start everything in a temporary directory; stop and delete it afterwards."""
    with tempfile.TemporaryDirectory(prefix="ens-bench-") as directory:
        data_dir = Path(directory) / "ens"
        port, bare_port = _free_port(), _free_port()
        environ = {**os.environ, "ENS_DATA_DIR": str(data_dir), "ENS_PORT": str(port), "ENS_ENV": "testing"}
        environ.pop("ENS_BASE_URL", None)
        programs = Path(sys.executable).parent
        services.start(data_dir)
        processes: list[subprocess.Popen[bytes]] = []
        try:
            client_file = Path(directory) / "client.json"
            for command in ("db upgrade", "demo seed", f"demo client --out {client_file}"):
                subprocess.run([programs / "ens", *command.split()], env=environ, check=True, stdout=subprocess.DEVNULL)
            processes += [
                _serve([str(programs / "ens"), "serve"], environ),
                _serve(_bare_command(programs, bare_port), environ),
            ]
            for each in (port, bare_port):
                _wait_for(each)
            os.environ.update({k: v for k, v in environ.items() if k.startswith("ENS_")})
            config = from_environ()
            yield _with_grants(client_file, config, port, bare_port, grants, processes[0].pid)
        finally:
            for process in processes:
                process.send_signal(signal.SIGTERM)
            for process in processes:
                process.wait(20)
            services.stop(data_dir)


def _with_grants(client_file: Path, config: Config, port: int, bare_port: int, count: int, server_pid: int) -> Bench:
    settings = requests.models.complexjson.loads(client_file.read_text())
    partner = PartnerClient(
        settings["issuer"],
        client_id=settings["client_id"],
        private_key=settings["private_key"],
        redirect_uri=settings["redirect_uri"],
    )
    patients = partner.sandbox.patients()[:count]
    grants = []
    for patient in patients:
        login = partner.start_authorization(
            datatypes=["measures.body-weight", "measures.heart-rate"],
            actions=["read", "write"],
            purpose="prevention",
            periodicity={"max": 24, "per": "day"},
        )
        grants.append(partner.finish_authorization(login, partner.sandbox.decide(login, patient.id)))
    return Bench(port, bare_port, config, partner, settings["private_key"], settings["client_id"], grants, server_pid)


def _bare_command(programs: Path, port: int) -> list[str]:
    options = f"--interface wsgi --port {port} --workers {WORKERS} --blocking-threads {THREADS} --no-ws"
    return [str(programs / "granian"), "benchmarks.bare:app", *options.split()]


def _serve(command: list[str], environ: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"Nothing listens on port {port}.")
