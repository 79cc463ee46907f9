"""The files that the tests of the code read."""

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = (
    "identity_core",
    "notification_core",
    "dmp_core",
    "agenda_core",
    "messaging_core",
    "info_core",
    "store",
    "consent",
    "oauth",
    "data_sync",
)
PACKAGES = ("platform_core", *ROOMS, "platform_app", "partner_sdk")


def modules(*packages: str) -> list[Path]:
    """The Python files of packages, migrations left out."""
    return sorted(
        path
        for package in packages
        for path in (ROOT / package).rglob("*.py")
        if not {"migrations", "build", "examples"} & set(path.relative_to(ROOT).parts)
    )


@cache
def tree(path: Path) -> ast.Module:
    """The syntax of a file."""
    return ast.parse(path.read_text(), filename=str(path))


def tracked() -> list[Path]:
    """Every file that git keeps."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]
