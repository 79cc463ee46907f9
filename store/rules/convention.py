"""The convention of referencing: its text is data, versioned, and named by its hash. Wording of this project."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from store.rules.procedure import PROCEDURE


@dataclass(frozen=True, slots=True)
class Article:
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class ConventionText:
    """One version of the text. `hash` is the SHA-256, in hexadecimal, of its canonical JSON."""

    version: str
    title: str
    articles: Sequence[Article]
    hash: str


@cache
def load(version: str) -> ConventionText:
    """The text of that version."""
    value = json.loads(files("store").joinpath(f"data/convention-{version}.json").read_text())
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    articles = [Article(entry["title"], entry["text"]) for entry in value["articles"]]
    return ConventionText(version, value["title"], articles, hashlib.sha256(canonical.encode()).hexdigest())


def present() -> ConventionText:
    """The version that is signed today."""
    return load(PROCEDURE["convention"])


def carries_over(signed_version: str | None) -> bool:
    """Whether an amendment or a renewal may keep the convention that was countersigned before."""
    return signed_version == PROCEDURE["convention"]
