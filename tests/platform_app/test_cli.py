"""The operator's command says what it does, and what is wrong in one sentence with its remedy."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from platform_app.cli import cli
from platform_core.config import Config
from platform_core.embedded import services
from platform_core.embedded.processes import choose_port

COMMANDS = sorted(cli.commands)


@pytest.fixture
def environment(config: Config, addresses: dict[str, str]) -> dict[str, str]:
    """The settings of this worker's application, as a process gets them."""
    return {
        "ENS_ENV": "testing",
        "ENS_DATA_DIR": str(config.data_dir),
        "ENS_PORT": str(config.port),
        **{f"ENS_{key.upper()}": value for key, value in addresses.items()},
    }


def ens(*words: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from platform_app.cli import main; main()", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(cli, [command, "--help"])
    assert result.exit_code == 0, result.output
    assert "Usage" in result.output


def test_the_schema_is_told(environment: dict[str, str]) -> None:
    result = CliRunner().invoke(cli, ["db", "current"], env=environment)
    assert "newest" in result.output


def test_an_unknown_revision_is_said_with_its_remedy(environment: dict[str, str]) -> None:
    done = ens("db", "upgrade", "4242", environment=environment)
    assert done.returncode == 1
    assert "make reset" in done.stderr


def test_the_journal_is_verified_from_the_command_line(environment: dict[str, str]) -> None:
    done = ens("journal", "verify", environment=environment)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_doctor_finds_a_healthy_platform(environment: dict[str, str]) -> None:
    ports = {"ENS_PORT": str(choose_port(None)), "ENS_DEMO_PARTNER_PORT": str(choose_port(None))}
    result = CliRunner().invoke(cli, ["doctor"], env=environment | ports)
    assert [line for line in result.output.splitlines() if line.startswith("missing")] == []
    assert result.exit_code == 0


def test_the_doctor_names_what_is_missing_with_its_remedy(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["doctor"], env={"ENS_DATA_DIR": str(tmp_path / "none")})
    assert result.exit_code == 1
    assert "missing PostgreSQL runs\n        → run `ens services start`" in result.output


def test_services_that_are_stopped_are_told_by_the_exit_code(tmp_path: Path) -> None:
    assert CliRunner().invoke(cli, ["services", "status"], env={"ENS_DATA_DIR": str(tmp_path)}).exit_code == 3


def test_services_start_and_stop_from_the_command_line(tmp_path: Path) -> None:
    settings = {"ENS_DATA_DIR": str(tmp_path / "ens")}
    for words, code in ((["services", "start"], 0), (["services", "status"], 0), (["services", "stop"], 0)):
        assert CliRunner().invoke(cli, words, env=settings).exit_code == code
    assert CliRunner().invoke(cli, ["reset"], env=settings).exit_code == 0
    assert not (tmp_path / "ens").exists()


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["serve"], "run `ens services start`"),
        (["worker"], "run `ens services start`"),
        (["db", "upgrade"], "run `ens services start`"),
        (["journal", "verify"], "run `ens services start`"),
    ],
)
def test_without_services_a_command_says_what_to_do(tmp_path: Path, words: list[str], remedy: str) -> None:
    done = ens(*words, environment={"ENS_DATA_DIR": str(tmp_path)})
    assert done.returncode == 1
    assert done.stderr.startswith("ens: ")
    assert remedy in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_database_that_went_away_is_said_in_one_sentence(tmp_path: Path) -> None:
    services.start(tmp_path / "ens")
    services.stop(tmp_path / "ens")
    done = ens("db", "upgrade", environment={"ENS_DATA_DIR": str(tmp_path / "ens")})
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_production_refuses_to_start_and_names_the_setting() -> None:
    done = ens("serve", environment={"ENS_ENV": "production", "ENS_BASE_URL": "https://ens.example"})
    assert done.returncode == 1
    assert "is missing: production needs it" in done.stderr
