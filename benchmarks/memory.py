"""What the web processes hold in memory, as Linux counts it."""

import re
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_MOST = 250
"""Megabytes of a web process after an hour of load: the ceiling that was set."""


@dataclass(frozen=True, slots=True)
class Size:
    """Megabytes of one process: all that it holds, and what is its own (not shared with its siblings)."""

    pid: int
    resident: float
    own: float


def sizes(parent: int) -> dict[int, Size]:
    """The processes that serve, by id: the children of the one that was started."""
    return {pid: size for pid in _children(parent) if (size := _size(pid)) is not None}


def show(before: dict[int, Size], after: dict[int, Size]) -> None:
    """Print each web process before the load and after it."""
    print(f"\n{'Memory of a web process (MB)':<40}{'before':>10}{'after':>10}{'own':>10}{'ceiling':>10}")
    for pid, size in after.items():
        first = f"{before[pid].resident:.0f}" if pid in before else "-"
        print(f"{f'process {pid}':<40}{first:>10}{size.resident:>10.0f}{size.own:>10.0f}{_MOST:>10}")


def _children(parent: int) -> list[int]:
    found = []
    for stat in _PROC.glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # It ended meanwhile.
            continue
        if int(fields[1]) == parent:
            found.append(int(stat.parent.name))
    return sorted(found)


def _size(pid: int) -> Size | None:
    """A helper process of the server, without Python in it, is small: it serves nobody."""
    try:
        rollup = (_PROC / str(pid) / "smaps_rollup").read_text()
    except OSError:
        return None
    kilobytes = {name: int(value) for name, value in re.findall(r"^(\w+): +(\d+) kB", rollup, re.MULTILINE)}
    own = kilobytes.get("Private_Clean", 0) + kilobytes.get("Private_Dirty", 0)
    return Size(pid, kilobytes["Rss"] / 1024, own / 1024) if kilobytes["Rss"] > 40_000 else None
