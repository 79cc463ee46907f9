"""The supervisor keeps the processes of a Procfile running, and leaves none behind."""

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from platform_app import supervisor
from platform_core.embedded import processes

PROCFILE = """\
steady: {python} -c "import time; time.sleep(600)" steady-${{MARK}}
family: {python} -c "import subprocess, sys; subprocess.run(sys.argv[1:])" sleep 600
"""
CODE = """
import os, signal, sys
from pathlib import Path
from platform_app import supervisor
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job inherits it ignored
supervisor.supervise(Path(sys.argv[1]), {**os.environ, "MARK": "here"}, Path(sys.argv[2]))
"""


class Supervised:
    """A supervisor in a process of its own, over two commands."""

    def __init__(self, directory: Path) -> None:
        procfile = directory / "Procfile"
        procfile.write_text(PROCFILE.format(python=shlex.quote(sys.executable)))
        self.pid_file = directory / "run.json"
        self.process = subprocess.Popen(
            [sys.executable, "-c", CODE, str(procfile), str(self.pid_file)], stdout=subprocess.DEVNULL
        )
        assert processes.wait_until(lambda: len(self.pids()) == 2, seconds=30)

    def pids(self) -> list[int]:
        try:
            return [int(pid) for pid in json.loads(self.pid_file.read_text())]
        except (FileNotFoundError, ValueError):
            return []

    def everyone(self) -> list[int]:
        """The noted processes and their children."""
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if group(pid) in self.pids()]


def group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Supervised]:
    made = Supervised(tmp_path)
    yield made
    made.process.kill()
    made.process.wait()
    supervisor.stop_leftovers(made.pid_file)


def gone(pids: list[int]) -> bool:
    return not any(processes.arguments(pid) for pid in pids)


def test_a_variable_of_the_procfile_is_replaced(supervised: Supervised) -> None:
    assert "steady-here" in processes.arguments(supervised.pids()[0])


def test_a_process_that_dies_is_started_again(supervised: Supervised) -> None:
    first = supervised.pids()
    os.kill(first[0], signal.SIGKILL)
    assert processes.wait_until(lambda: supervised.pids() not in ([], first), seconds=30)
    again = supervised.pids()
    assert again[1] == first[1]
    assert not gone([again[0]])


def test_an_interrupt_ends_everyone(supervised: Supervised) -> None:
    assert processes.wait_until(lambda: len(supervised.everyone()) == 3, seconds=30)
    everyone = supervised.everyone()
    supervised.process.send_signal(signal.SIGINT)
    supervised.process.wait(timeout=30)
    assert processes.wait_until(lambda: gone(everyone), seconds=10)
    assert not supervised.pid_file.exists()


def test_what_a_killed_supervisor_left_is_found_and_ended(supervised: Supervised) -> None:
    assert processes.wait_until(lambda: len(supervised.everyone()) == 3, seconds=30)
    left = supervised.everyone()
    supervised.process.kill()
    supervised.process.wait()
    assert not gone(left)
    supervisor.stop_leftovers(supervised.pid_file)
    assert processes.wait_until(lambda: gone(left), seconds=10)


def test_a_noted_pid_that_is_another_program_now_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as stranger:
        pid_file = tmp_path / "run.json"
        pid_file.write_text(json.dumps({str(stranger.pid): ["serve"]}))
        supervisor.stop_leftovers(pid_file)
        assert stranger.poll() is None
        stranger.kill()
