"""`docs/conformance.md` says what the tests prove, and nothing binding is left without a verdict."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance import report

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the tests that carry a requirement give when they are collected."""
    target = tmp_path_factory.mktemp("conformance") / "conformance.md"
    marked = [path for path in sorted((ROOT / "tests").rglob("test_*.py")) if "mark.requirement(" in path.read_text()]
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-n0", "--collect-only", "-m", "requirement"),
            *("-p", "tests.conformance.recorder", "--conformance", str(target)),
            *(str(path.relative_to(ROOT)) for path in marked if "node_modules" not in path.parts),
        ],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return target.read_text()


def claims(document: str) -> set[str]:
    """The requirements that have a verdict by tests."""
    lines = [line.split(" | ") for line in document.splitlines() if "`" in line and line.startswith("| ")]
    return {cells[0].removeprefix("| ") for cells in lines}


def test_the_page_is_what_the_tests_say(collected: str) -> None:
    assert report.DOCUMENT.read_text() == collected, "type: make conformance"


def test_every_binding_requirement_of_smart_has_a_verdict(collected: str) -> None:
    proven = {requirement: {"": True} for requirement in claims(collected)}
    assert report.without_verdict(proven) == []
    assert len([row for row in report.read("smart") if row["level"].startswith("SHALL")]) == 172


def test_a_reason_is_given_for_all_that_is_left_out() -> None:
    smart, openid = ({row["left_out"] for row in report.read(name)} - {""} for name in ("smart", "openid"))
    assert smart == set(report.SMART_REASONS)
    assert openid == set(report.OPENID_REASONS)
