"""The embedded PostgreSQL: made once, found again while it runs, restarted after a crash.

Its superuser speaks only in single-user mode, while the server is stopped; on the network there are the three
roles of `database.DatabaseRole` alone.
"""

import shutil
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from platform_core.database import DatabaseRole
from platform_core.embedded import processes
from platform_core.embedded.account import Account
from platform_core.errors import ConfigurationError

DATABASE = "ens"

# template1 holds the extensions, so that each database made later has them. ens_owner makes databases for tests.
_FOUNDATION = f"""\
CREATE ROLE {DatabaseRole.OWNER} LOGIN CREATEDB
CREATE ROLE {DatabaseRole.APP} LOGIN
CREATE ROLE {DatabaseRole.BATCH} LOGIN
CREATE EXTENSION unaccent
CREATE EXTENSION pg_trgm
CREATE EXTENSION btree_gin
CREATE EXTENSION vector
CREATE DATABASE {DATABASE} OWNER {DatabaseRole.OWNER} TEMPLATE template1
"""

_ACCESS = "host all {roles} 127.0.0.1/32 scram-sha-256\n"

# Terse, because the DETAIL of an error quotes rows.
_SETTINGS = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 200
fsync = {fsync}
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_error_verbosity = terse
log_min_error_statement = panic
"""


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A running server, as its own pid file tells."""

    pid: int
    port: int


def find(data: Path) -> Postmaster | None:
    """The server that runs on this directory; None when its pid file is absent, stale or another's."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        found = Postmaster(pid=int(lines[0]), port=int(lines[3]))
    except (FileNotFoundError, IndexError, ValueError):
        return None
    return found if str(data) in processes.arguments(found.pid) else None


def start(
    account: Account,
    *,
    preferred_port: int | None,
    passwords: Mapping[DatabaseRole, str],
    renew_passwords: bool,
    durable: bool,
) -> int:
    """Start the server, or find it running, and return its port.

    Not `durable` skips fsync: acknowledged rows survive the death of the server, not that of the machine.
    """
    data = account.home / "data"
    running = find(data)
    if running and not renew_passwords and _answers(running.port, passwords):
        return running.port
    stop(data)
    if not data.exists():
        _make_cluster(account, data)
        renew_passwords = True
    if renew_passwords:
        statements = (f"ALTER ROLE {role} PASSWORD '{word}'\n" for role, word in passwords.items())
        _as_superuser(account, data, "".join(statements))
    port = processes.choose_port(preferred_port)
    _write(account, data / "postgresql.conf", _SETTINGS.format(port=port, fsync="on" if durable else "off"))
    _launch(account, data)
    if not _answers(port, passwords):
        raise ConfigurationError(
            f"PostgreSQL does not let the platform in: delete {account.home.parent / 'services.json'} and start again."
        )
    return port


def stop(data: Path) -> None:
    """Stop the server: fast, then immediate, then killed. What a crash left behind goes too."""
    running = find(data)
    if running:
        signals = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)
        processes.stop(running.pid, lambda: find(data) == running, signals=signals, grace=15)
    for orphan in processes.running_in(data):
        processes.stop(orphan, _alive(orphan), signals=(signal.SIGKILL,), grace=5)
    # A pid file left by a crash may name a process that is now somebody else's: PostgreSQL would refuse to start.
    if not running:
        (data / "postmaster.pid").unlink(missing_ok=True)


def create_database(owner_url: str, name: str) -> None:
    """Make a database owned by ens_owner, with the extensions."""
    _administer(owner_url, sql.SQL("CREATE DATABASE {} TEMPLATE template1").format(sql.Identifier(name)))


def drop_database(owner_url: str, name: str) -> None:
    """Drop a database, ending the sessions that still use it. Absent is fine."""
    _administer(owner_url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _administer(owner_url: str, statement: sql.Composed) -> None:
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute(statement)


def _make_cluster(account: Account, data: Path) -> None:
    """initdb and the foundation in a directory that takes its name only once it is whole."""
    partial = data.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    account.run(
        "initdb",
        *("-D", partial, "-U", "postgres", "-A", "reject", "-E", "UTF8", "--no-instructions"),
        *("--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8"),
    )
    _as_superuser(account, partial, _FOUNDATION)
    _write(account, partial / "pg_hba.conf", _ACCESS.format(roles=",".join(DatabaseRole)))
    partial.rename(data)


def _as_superuser(account: Account, data: Path, statements: str) -> None:
    """Run one statement a line in single-user mode."""
    account.run("postgres", "--single", "-D", data, "-c", "exit_on_error=true", "template1", given=statements)


def _write(account: Account, path: Path, text: str) -> None:
    """Rewrite a file that initdb made, so that it keeps the owner and mode it gave."""
    if not path.exists():
        raise ConfigurationError(f"{path} is missing: start anew with `make reset`.")
    path.write_text(text)


def _launch(account: Account, data: Path) -> None:
    log = account.home / "log"
    if log.exists():
        log.replace(account.home / "log.1")
    try:
        account.run("pg_ctl", "start", "-D", data, "-l", log, "-w", "-t", "60")
    except ConfigurationError as error:
        raise ConfigurationError(f"PostgreSQL does not start: {_last_words(log)} See {log}.") from error


def _last_words(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return "it wrote no log."
    return " ".join(lines[-2:]) or "its log is empty."


def _answers(port: int, passwords: Mapping[DatabaseRole, str]) -> bool:
    """Whether the owner of the database can connect, given the time that recovery takes."""

    def attempt() -> bool:
        try:
            psycopg.connect(address(port, DatabaseRole.OWNER, passwords), connect_timeout=3).close()
        except psycopg.OperationalError:
            return False
        return True

    return processes.wait_until(attempt, seconds=15)


def address(port: int, role: DatabaseRole, passwords: Mapping[DatabaseRole, str], database: str = DATABASE) -> str:
    """The URL by which a role reaches a database of this server."""
    return f"postgresql://{role}:{passwords[role]}@127.0.0.1:{port}/{database}"


def _alive(pid: int) -> Callable[[], bool]:
    return lambda: bool(processes.arguments(pid))
