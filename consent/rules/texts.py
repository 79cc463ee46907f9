"""The texts that a patient reads before deciding: versioned data, hashed with what they were filled with."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from platform_core.access import Access
from platform_core.errors import ConfigurationError
from platform_core.permission import Periodicity, Purpose

CURRENT = "fr-2"
_FOLDER = Path(__file__).parent.parent / "data"


@dataclass(frozen=True, slots=True)
class ConsentTexts:
    """One version of the texts, as it stands in the data file."""

    content: Mapping[str, Any]

    @property
    def version(self) -> str:
        return str(self.content["version"])

    @property
    def locale(self) -> str:
        return str(self.content["locale"])

    @property
    def digest(self) -> str:
        """The SHA-256 of the texts of this version, in hexadecimal, whatever fills them."""
        return hashlib.sha256(canonical(self.content)).hexdigest()

    def purpose(self, purpose: Purpose) -> str:
        return str(self.content["purposes"][purpose])

    def access(self, access: Access) -> str:
        return str(self.content["accesses"][access])

    def frequency(self, periodicity: Periodicity) -> str:
        """A periodicity in words: `2 fois par jour`."""
        words = self.content["frequencies"]
        if not periodicity.unit:
            return str(words[periodicity.kind])
        number = periodicity.most or 0
        return str(words[periodicity.unit]["one" if number == 1 else "many"]).format(n=number)

    def filled(self, key: str, **names: str) -> Any:
        """The sentence (or the sentences) under a key, with the names of the app and of its publisher."""
        found = self.content[key]
        return [one.format(**names) for one in found] if isinstance(found, list) else str(found).format(**names)


def load(version: str = CURRENT) -> ConsentTexts:
    """The texts of a version that was once shown; versions are kept for ever."""
    return _VERSIONS[version]


def canonical(value: object) -> bytes:
    """JSON in one form only: sorted members, no space, UTF-8."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def hash_shown(texts: ConsentTexts, shown: Mapping[str, Any]) -> bytes:
    """The SHA-256 of the texts of this version and of what filled them (labels, reasons, names, choices)."""
    return hashlib.sha256(canonical({"texts": texts.content, "shown": shown})).digest()


def read_versions(folder: Path) -> dict[str, ConsentTexts]:
    """The texts of a folder by version, each as it was published.

    `published.json` holds the SHA-256 of every version. Raises `ConfigurationError` when a text was changed after its
    publication, or is missing from one of the two.
    """
    published = json.loads((folder / "published.json").read_text("utf-8"))
    found = [ConsentTexts(json.loads(path.read_text("utf-8"))) for path in sorted(folder.glob("texts-*.json"))]
    if {texts.version: texts.digest for texts in found} != published or len(found) != len(published):
        raise ConfigurationError("A published text of the consent was changed: write a new version of it instead.")
    return {texts.version: texts for texts in found}


_VERSIONS = read_versions(_FOLDER)
