"""Processes of the embedded servers: recognised by what they run, stopped gently then hard."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from platform_core.errors import ConfigurationError


def run(command: Sequence[str | Path], *, given: str = "", timeout: int = 120) -> str:
    """Run a command to its end, with `given` on its standard input, and return what it printed.

    Raises `ConfigurationError` with the last line of its complaint.
    """
    try:
        done = subprocess.run(  # noqa: S603 - fixed programs, no shell
            [str(part) for part in command],
            input=given,
            text=True,
            capture_output=True,
            timeout=timeout,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError as error:
        raise ConfigurationError(f"{error.filename} is not on this machine: install it.") from None
    except subprocess.TimeoutExpired:
        raise ConfigurationError(f"{command[0]} did not finish within {timeout} seconds.") from None
    if done.returncode:
        complaint = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise ConfigurationError(f"{Path(command[0]).name} failed: {complaint}")
    return done.stdout


def arguments(pid: int) -> list[str]:
    """The command line of a live process; empty when it is gone, a zombie or not readable."""
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
        except OSError:
            return []
    try:
        return run(["ps", "-ww", "-o", "args=", "-p", str(pid)]).split()
    except ConfigurationError:
        return []


def running_in(directory: Path) -> Iterator[int]:
    """Processes whose working directory is this one: what a killed PostgreSQL leaves for a moment."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(entry / "cwd") == str(directory):
                yield int(entry.name)
        except OSError:
            continue


def stop(pid: int, alive: Callable[[], bool], *, signals: Sequence[signal.Signals], grace: float) -> None:
    """Send each signal in turn, `grace` seconds apart, until the process is gone."""
    for number in signals:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        if wait_until(lambda: not alive(), seconds=grace):
            return
    raise ConfigurationError(f"Process {pid} does not stop: end it with `kill -9 {pid}`.")


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Whether the condition came true within that time, asked every 50 ms."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_port(preferred: int | None) -> int:
    """The preferred port while it is free, else another one."""
    if preferred and port_is_free(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
