"""What no file of the repository may say."""

from pathlib import Path

import pytest

from tests.codebase.sources import ROOT, tracked

# Split, so that this file does not say them either.
HOSTS = ["py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "deb." + "debian.org"]
PLACES = ["/" + "work/", "/" + "root/", "/" + "home/"]


@pytest.mark.parametrize("path", tracked(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_names_no_registry_and_no_place_of_a_machine(path: Path) -> None:
    text = path.read_bytes().decode(errors="replace")
    assert [word for word in HOSTS + PLACES if word in text] == []


def test_the_locks_hold_a_hash_for_every_package() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        lines = [line for line in lock.read_text().splitlines() if line and not line.startswith("#")]
        packages = [index for index, line in enumerate(lines) if not line.startswith(" ")]
        assert packages
        assert all(lines[index + 1].strip().startswith("--hash=sha256:") for index in packages)
