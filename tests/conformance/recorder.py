"""A plugin of pytest that keeps, for each requirement that tests claim, whether they passed.

`pytest -p tests.conformance.recorder -m requirement --conformance FILE` writes the document from a run;
with `--collect-only` it writes what a run without a failure would.
"""

from collections import defaultdict
from pathlib import Path

import pytest

from tests.conformance import report

_proofs: dict[str, dict[str, bool]] = defaultdict(dict)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--conformance", metavar="FILE", help="write the conformance report into this file")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        claimed = [report.row_of(one) for marker in item.iter_markers("requirement") for one in marker.args]
        item.user_properties += [("requirement", one) for one in claimed]
        if config.option.collectonly:
            _record(item.nodeid, claimed, passed=True)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """In the process that gathers the results: workers send theirs, properties included."""
    if report.when == "call" or report.failed:
        claimed = [str(value) for name, value in report.user_properties if name == "requirement"]
        _record(report.nodeid, claimed, passed=report.passed)


def _record(nodeid: str, claimed: list[str], *, passed: bool) -> None:
    test = nodeid.partition("[")[0]
    for requirement in claimed:
        _proofs[requirement][test] = _proofs[requirement].get(test, True) and passed


def pytest_sessionfinish(session: pytest.Session) -> None:
    target = session.config.option.conformance
    if target and not hasattr(session.config, "workerinput"):
        Path(target).write_text(report.write(_proofs))
