"""What becomes public when a dossier is listed, and how the catalogue is searched."""

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

from store.rules.dossier import Dossier

PROCEDURE: Mapping[str, Any] = json.loads(files("store").joinpath("data/procedure.json").read_text())
_PUBLIC = ("service", "company", "hosting", "privacy", "catalogue")


def expiry(listed_on: date) -> date:
    """The last day of a listing that starts on this one."""
    return listed_on + timedelta(days=PROCEDURE["listing_days"])


def public_entry(dossier: Dossier) -> dict[str, Any]:
    """The sections of the dossier that the catalogue and the consent screen show."""
    return {section: dossier[section] for section in _PUBLIC}


def search_text(dossier: Dossier) -> str:
    """The words by which the catalogue finds an application, without accents."""
    service, catalogue = dossier["service"], dossier["catalogue"]
    texts = [service["name"], service["tagline"], dossier["company"]["legal_name"], *catalogue["keywords"]]
    return without_accents(" ".join([*texts, service["description"]]))


def search_query(text: str) -> str:
    """A PostgreSQL text query: every word of the text, or the beginning of a word."""
    return " & ".join(f"{word}:*" for word in re.findall(r"[a-z0-9]+", without_accents(text))[:8])


def slug(name: str) -> str:
    """The part of an address that names an application: `Balance+` gives `balance`."""
    return "-".join(re.findall(r"[a-z0-9]+", without_accents(name))) or "application"


def without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("æ", "ae"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).lower()
