"""Runs property tests again and again, each for its share of the time: `pytest -p tests.fuzz.rounds --fuzz-minutes 10`.

Each round has a seed of its own, which replays it: `--fuzz-seed SEED` runs one round of each test with that seed, and
only then makes a failure smaller.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import Phase, seed, settings

EXAMPLES = 100


@dataclass
class Run:
    """One test: how many examples of how many rounds, in how long, and the seed that failed."""

    examples: int = 0
    rounds: int = 0
    seconds: float = 0
    failed: int | None = None


@dataclass(eq=False)
class Rounds:
    """Shares what is left of the time between the tests that are left."""

    only: int | None
    first: int
    ends: float
    runs: dict[str, Run] = field(default_factory=dict)
    waiting: int = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.waiting = len(session.items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        share = (self.ends - time.monotonic()) / self.waiting
        self.waiting -= 1
        if not getattr(pyfuncitem.obj, "is_hypothesis_test", False):
            return None
        self._repeat(pyfuncitem, time.monotonic() + share)
        return True

    def _repeat(self, item: pytest.Function, until: float) -> None:
        """Rounds until then, one at least."""
        run = self.runs[item.nodeid] = Run()
        arguments = {name: item.funcargs[name] for name in item._fixtureinfo.argnames}
        inner, number, started = item.obj.hypothesis.inner_test, self.first, time.monotonic()
        test = _with_more_examples(item.obj, alone=self.only is not None)
        test.hypothesis.inner_test = _counted(inner, run)
        try:
            while True:
                run.rounds += 1
                run.failed = number if self.only is None else self.only
                seed(run.failed)(test)(**arguments)
                run.failed = None
                number += 1
                if self.only is not None or time.monotonic() >= until:
                    return
        finally:
            run.seconds = time.monotonic() - started
            test.hypothesis.inner_test = inner

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        write = terminalreporter.write_line
        terminalreporter.section("fuzzing")
        for name, run in self.runs.items():
            fault = f"FAULT: --fuzz-seed {run.failed}" if run.failed is not None else "no fault"
            write(f"{run.examples:7} examples {run.rounds:4} rounds {run.seconds:6.0f} s  {fault}  {name}")
        examples = sum(run.examples for run in self.runs.values())
        faults = sum(run.failed is not None for run in self.runs.values())
        seeds = f"seeds from {self.first}" if self.only is None else f"seed {self.only}"
        write(f"{examples} examples in {len(self.runs)} tests, {seeds}, {faults} faults.")


def _counted(inner: Callable[..., Any], run: Run) -> Callable[..., Any]:
    def counting(*arguments: Any, **named: Any) -> Any:
        result = inner(*arguments, **named)
        run.examples += 1
        return result

    return counting


def _with_more_examples(test: Any, *, alone: bool) -> Any:
    """The test as a long run wants it: nothing is taken from older runs, and a failure is made smaller when alone."""
    short = test._hypothesis_internal_use_settings
    phases = [Phase.explicit, Phase.generate, Phase.target, *([Phase.shrink] if alone else [])]
    more = {"max_examples": max(EXAMPLES, short.max_examples), "derandomize": False, "database": None}
    test._hypothesis_internal_use_settings = settings(short, phases=phases, **more)
    return test


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("fuzzing")
    group.addoption("--fuzz-minutes", type=float, default=10, help="how long all the tests take together")
    group.addoption("--fuzz-seed", type=int, default=None, help="run one round of each test, with this seed")


def pytest_configure(config: pytest.Config) -> None:
    first = int(time.time())
    ends = time.monotonic() + config.option.fuzz_minutes * 60
    config.pluginmanager.register(Rounds(config.option.fuzz_seed, first, ends))
