"""The words by which the catalogue finds an application, and the query that a person's words make. Pure."""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from importlib.resources import files

from store.rules.dossier import SECTIONS, Dossier

MOST_WORDS = 8
_DATA = json.loads(files("store").joinpath("data/synonyms.json").read_text())
_STOP_WORDS: frozenset[str] = frozenset(_DATA["stop_words"])


def search_text(dossier: Dossier) -> str:
    """Three lines without accents, by weight: the name; tagline, keywords, publisher, place; the description."""
    service, catalogue = dossier["service"], dossier["catalogue"]
    labels = SECTIONS["catalogue"]["properties"]
    middle = [
        service["tagline"],
        *catalogue["keywords"],
        dossier["company"]["legal_name"],
        labels["family"]["x-labels"].get(catalogue["family"], ""),
        labels["region"]["x-labels"].get(catalogue.get("region"), ""),
        catalogue.get("establishment", ""),
    ]
    lines = (service["name"], " ".join(middle), service["description"])
    return "\n".join(" ".join(without_accents(line).split()) for line in lines)


def words_of(text: str) -> list[str]:
    """The words of a search that mean something, without accents; the first `MOST_WORDS`."""
    return [word for word in _split(text) if word not in _STOP_WORDS][:MOST_WORDS]


def search_terms(text: str) -> list[str]:
    """One PostgreSQL text query for each word: the word, what begins by it, or a synonym of the field."""
    return [" | ".join([f"{word}:*", *_synonyms(word)]) for word in words_of(text)]


def _synonyms(word: str) -> Sequence[str]:
    return _SYNONYMS.get(_singular(word), ())


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word[-1] in "sx" else word


def _group(expressions: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Each single word of a group, with the others of the group as text queries."""
    queries = [" <-> ".join(_split(expression)) for expression in expressions]
    return {
        _singular(query): tuple(f"({other})" for other in queries if other != query)
        for query in queries
        if " " not in query
    }


def _split(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", without_accents(text))


def without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("æ", "ae"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).lower()


_SYNONYMS = {word: others for group in _DATA["synonyms"] for word, others in _group(group).items()}
