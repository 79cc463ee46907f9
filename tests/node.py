"""Where a Node recent enough for the clients written by others is: beside this Python (the wheel), or the machine's."""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

OLDEST = 20
MODULES = Path(__file__).parent / "interop" / "node_modules"


@cache
def find_node() -> str | None:
    """The path of a Node of version 20 or later that has npm beside it; None when there is none."""
    beside = Path(sys.executable).with_name("node")
    candidates = [str(beside) if beside.exists() else None, shutil.which("node")]
    return next((path for path in candidates if path and _serves(path)), None)


def _serves(path: str) -> bool:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    version = said.lstrip("v").partition(".")[0]
    return version.isdecimal() and int(version) >= OLDEST and Path(path).with_name("npm").exists()


def has_clients() -> bool:
    """Whether the scripts can run: a Node is there, and the packages of tests/interop are installed."""
    return find_node() is not None and MODULES.exists()


if __name__ == "__main__":
    sys.stdout.write(find_node() or "")
