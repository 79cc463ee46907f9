"""The texts of the consent are published once: a change is a new version."""

import json
import shutil
from pathlib import Path

import pytest

from consent.rules import texts
from platform_core.errors import ConfigurationError

DATA = Path(texts.__file__).parent.parent / "data"
PUBLISHED = {
    "fr-1": "1c39bc8f8638d0d68ac6e82ea7f4a17aa5cb457ddfc065b6e18b684bdf3f1462",
    "fr-2": "3c1aec7410b4d04b49b38feba94ccf86aefdc40135574bf568c55232febfc012",
}
"""What was shown to people. A line is added with a version, and none is ever changed."""


def test_every_version_still_reads_as_it_was_published() -> None:
    found = texts.read_versions(DATA)
    assert {version: found[version].digest for version in PUBLISHED} == PUBLISHED
    assert sorted(found) == sorted(PUBLISHED), "add the new version to the list above"


def test_the_present_version_is_a_published_one() -> None:
    assert texts.CURRENT in PUBLISHED


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for path in [DATA / "published.json", *DATA.glob("texts-*.json")]:
        shutil.copy(path, tmp_path)
    return tmp_path


def change_a_word(folder: Path) -> None:
    path = folder / "texts-fr-1.json"
    path.write_text(path.read_text("utf-8").replace("jamais", "rarement", 1), "utf-8")


def remove_it(folder: Path) -> None:
    (folder / "texts-fr-1.json").unlink()


def add_one_that_was_not_published(folder: Path) -> None:
    told = json.loads((folder / "texts-fr-1.json").read_text("utf-8"))
    (folder / "texts-fr-0.json").write_text(json.dumps({**told, "version": "fr-0"}), "utf-8")


def say_a_version_twice(folder: Path) -> None:
    shutil.copy(folder / "texts-fr-1.json", folder / "texts-fr-1b.json")


@pytest.mark.parametrize(
    "tamper", [change_a_word, remove_it, add_one_that_was_not_published, say_a_version_twice], ids=lambda f: f.__name__
)
def test_texts_that_are_not_those_published_are_refused(copy: Path, tamper: object) -> None:
    texts.read_versions(copy)
    tamper(copy)  # type: ignore[operator]
    with pytest.raises(ConfigurationError):
        texts.read_versions(copy)
