"""The processes of the Procfile, started together and kept running: one that dies is started again.

Their pids are kept in a file, so that those of a supervisor that was killed are found and stopped.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import IO

from platform_core.embedded import processes

_GRACE_SECONDS = 10
_LONGEST_PAUSE_SECONDS = 30


class _Kept:
    """One command, the process that runs it now, and when it may be started again."""

    def __init__(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        self.name, self.command, self.environment = name, command, environment
        self.pause = 1.0
        self.start()

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.died_at: float | None = None
        self.process = subprocess.Popen(  # noqa: S603 - the commands of our own Procfile
            self.command,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
            errors="replace",
        )
        if self.process.stdout:
            threading.Thread(target=_relay, args=(self.name, self.process.stdout), daemon=True).start()

    def revive(self) -> bool:
        """Start the process again if it died, after a pause that doubles while it keeps dying at once."""
        if self.process.poll() is None:
            return False
        now = time.monotonic()
        if self.died_at is None:
            self.died_at = now
            _signal_group(self.process.pid, signal.SIGKILL)
            lived_long = now - self.started_at > _LONGEST_PAUSE_SECONDS
            self.pause = 1.0 if lived_long else min(self.pause * 2, _LONGEST_PAUSE_SECONDS)
            _print(self.name, f"ended with code {self.process.returncode}; it starts again in {self.pause:.0f} s")
        if now - self.died_at < self.pause:
            return False
        self.start()
        return True


def supervise(procfile: Path, environment: Mapping[str, str], pid_file: Path) -> None:
    """Run every command of the Procfile until interrupted, then end them all, gently then hard."""
    stop_leftovers(pid_file)
    kept = [_Kept(name, command, environment) for name, command in _commands(procfile, environment).items()]
    try:
        _note(pid_file, kept)
        while True:
            time.sleep(0.5)
            if any([one.revive() for one in kept]):
                _note(pid_file, kept)
    finally:
        _end([one.process.pid for one in kept if one.process.poll() is None], reap=kept)
        pid_file.unlink(missing_ok=True)


def stop_leftovers(pid_file: Path) -> None:
    """End the processes of a supervisor that was killed before it could."""
    try:
        noted: dict[str, list[str]] = json.loads(pid_file.read_text())
    except (FileNotFoundError, ValueError):
        return
    _end([int(pid) for pid, words in noted.items() if words and processes.arguments(int(pid))[-len(words) :] == words])
    pid_file.unlink(missing_ok=True)


def _commands(procfile: Path, environment: Mapping[str, str]) -> dict[str, list[str]]:
    """Name → words of each line of a Procfile; `$NAME` stands for a variable of the environment."""
    lines = (line.partition(":") for line in procfile.read_text().splitlines() if ":" in line)
    return {
        name: [Template(word).safe_substitute(environment) for word in shlex.split(command)]
        for name, _, command in lines
        if not name.startswith("#")
    }


def _note(pid_file: Path, kept: list[_Kept]) -> None:
    pids = {str(one.process.pid): one.command[1:] for one in kept}
    pid_file.write_text(json.dumps(pids))


def _end(pids: list[int], reap: list[_Kept] | None = None) -> None:
    """Ask each process group to stop; kill what still runs after the grace."""

    def gone() -> bool:
        for one in reap or []:
            one.process.poll()
        return not any(processes.arguments(pid) for pid in pids)

    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in pids:
            _signal_group(pid, number)
        if processes.wait_until(gone, seconds=_GRACE_SECONDS):
            return


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass


def _relay(name: str, output: IO[str]) -> None:
    for line in output:
        _print(name, line.rstrip("\n"))


def _print(name: str, line: str) -> None:
    sys.stdout.write(f"{name:<8}| {line}\n")
    sys.stdout.flush()
