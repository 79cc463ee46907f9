"""The consent decision and a guarded read among ever more consents: both must stay flat."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import inside
from benchmarks.stage import Bench

SIZES = {"small": (1_000, 100_000), "full": (1_000, 100_000, 1_000_000)}


def measure(bench: Bench, scale: str) -> Iterator[tuple[int, inside.Decision]]:
    """The decision and the whole guarded search once so many people have consented to one app."""
    present = 0
    for size in SIZES[scale]:
        command = [Path(sys.executable).parent / "ens", "demo", "consents", "--count", str(size - present)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        present = size
        yield size, inside.time_decision(bench)


def show(bench: Bench, scale: str) -> None:
    """Print a line for each size, with ratios to the smallest and to the read around the decision."""
    print(f"\n{'Consents':>12}{'decision ms':>14}{'read ms':>10}{'decision / read':>18}{'× smallest':>12}")
    first: inside.Decision | None = None
    for size, found in measure(bench, scale):
        first = first or found
        print(
            f"{size:>12}{found.alone * 1000:>14.2f}{found.search * 1000:>10.2f}{found.alone / found.search:>18.0%}"
            f"{found.alone / first.alone:>12.2f}"
        )
