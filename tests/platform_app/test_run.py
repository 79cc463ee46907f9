"""`ens run`: everything on one machine, stopped as a whole, found again after a crash."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest
import requests

from platform_core.embedded import processes, services

CODE = "from platform_app.cli import main; main()"


def free_port(first: int) -> int:
    """One below those that the system lends to connections: nobody is given it while the demonstration is made."""
    start = first + os.getpid() % 4000
    return next(port for port in range(start, start + 1000) if processes.port_is_free(port))


class Run:
    """`ens run` in a process of its own."""

    def __init__(self, data_dir: Path, port: int, output: IO[str]) -> None:
        self.data_dir, self.port = data_dir, port
        self.environment = {
            "ENS_DATA_DIR": str(data_dir),
            "ENS_PORT": str(port),
            "ENS_SEMANTIC": "off",
            "ENS_DEMO_PARTNER_PORT": str(free_port(26_000)),
        }
        self.output = Path(output.name)
        self.process = subprocess.Popen(
            [sys.executable, "-c", CODE, "run"], env=self.environment, stdout=output, stderr=subprocess.STDOUT
        )

    def is_ready(self) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/health/ready", timeout=5).ok
        except requests.RequestException:
            return False

    def wait_ready(self) -> None:
        ready = processes.wait_until(lambda: self.is_ready() or self.process.poll() is not None, seconds=150)
        assert ready and self.process.poll() is None, self.output.read_text()

    def ens(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", CODE, *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def start(run_directory: Path, worker_name: str) -> Iterator[Callable[..., Run]]:
    """Starts a run on the data directory of this module."""
    data_dir = run_directory / f"run-{worker_name}"
    runs: list[Run] = []

    def begin(port: int | None = None) -> Run:
        with (run_directory / f"run-{worker_name}-{len(runs)}.log").open("w") as output:
            runs.append(Run(data_dir, port or free_port(21_000), output))
        return runs[-1]

    yield begin
    for run in runs:
        run.process.kill()
        run.process.wait()
    runs[-1].ens("reset")


def test_a_run_serves_survives_being_killed_and_stops_whole(start: Callable[..., Run]) -> None:
    first = start()
    first.wait_ready()
    assert first.ens("run").stderr.startswith("ens: The platform already runs")

    first.process.kill()
    first.process.wait()
    assert first.is_ready()

    second = start()
    second.wait_ready()
    assert not first.is_ready()
    assert "camille" in _eventually(second.output)

    second.process.send_signal(signal.SIGINT)
    assert second.process.wait(timeout=60) == 0
    assert not second.is_ready()
    assert [service.pid for service in services.status(second.data_dir)] == [None, None]
    assert processes.port_is_free(second.port)


def test_a_taken_port_is_said_and_nothing_is_left_running(start: Callable[..., Run]) -> None:
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", 0))
        taker.listen()
        port = taker.getsockname()[1]
        run = start(port)
        assert run.process.wait(timeout=120) == 1
    assert f"ens: Port {port} is taken: end what listens there, or set ENS_PORT." in run.output.read_text()
    assert [service.pid for service in services.status(run.data_dir)] == [None, None]


def _eventually(output: Path) -> str:
    assert processes.wait_until(lambda: "Ctrl-C stops everything" in output.read_text(), seconds=30)
    return output.read_text()
