"""What becomes public when a dossier is listed, and by which facets the catalogue is narrowed. Pure."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from importlib.resources import files
from typing import Any

from store.rules import dossier as dossiers
from store.rules.dossier import Dossier
from store.rules.grid import Grid, Verdict
from store.rules.orientation import Answers
from store.rules.search import without_accents

PROCEDURE: Mapping[str, Any] = json.loads(files("store").joinpath("data/procedure.json").read_text())
_PUBLIC = ("service", "company", "hosting", "privacy", "catalogue")


class Facet(StrEnum):
    """The ways to narrow the catalogue. `DATA` holds families of data categories and the categories themselves."""

    FAMILY = "family"
    AUDIENCE = "audience"
    DATA = "data"
    COST = "cost"
    PLATFORM = "platform"
    OWNERSHIP = "ownership"
    TERRITORY = "territory"
    REGION = "region"


Chosen = Mapping[Facet, frozenset[str]]


@dataclass(frozen=True, slots=True)
class FamilyLevel:
    """Criteria of one family found conforming, among those that apply to the application."""

    label: str
    conforming: int
    applicable: int


def expiry(listed_on: date) -> date:
    """The last day of a listing that starts on this one."""
    return listed_on + timedelta(days=PROCEDURE["listing_days"])


def public_entry(dossier: Dossier) -> dict[str, Any]:
    """The sections of the dossier that the catalogue and the consent screen show."""
    return {section: dossier[section] for section in _PUBLIC}


def facets(dossier: Dossier) -> list[str]:
    """What the catalogue is narrowed by, sorted, e.g. `audience:adults`, `data:measures`, `region:84`."""
    service, catalogue = dossier["service"], dossier["catalogue"]
    categories = {item["category"] for item in dossiers.list_items(dossier)}
    values: Mapping[Facet, Iterable[str]] = {
        Facet.AUDIENCE: service["audience"],
        Facet.PLATFORM: service["platforms"],
        Facet.DATA: categories | {category.split(".", 1)[0] for category in categories},
        **{
            facet: [catalogue[facet]]
            for facet in (Facet.FAMILY, Facet.COST, Facet.OWNERSHIP, Facet.TERRITORY, Facet.REGION)
            if facet in catalogue
        },
    }
    return sorted({f"{facet}:{value}" for facet, found in values.items() for value in found})


def family_levels(used: Grid, verdicts: Mapping[str, Verdict], answers: Answers) -> list[FamilyLevel]:
    """How many of the criteria that concern the service were found conforming, family by family of the grid."""
    concerned = [one for one in used.applicable(answers) if verdicts.get(one.id) is not Verdict.NOT_APPLICABLE]
    levels = []
    for family in used.families.values():
        found = [verdicts.get(criterion.id) for criterion in concerned if criterion.family == family.code]
        levels.append(FamilyLevel(family.label, found.count(Verdict.CONFORMING), len(found)))
    return [level for level in levels if level.applicable]


def slug(name: str) -> str:
    """The part of an address that names an application: `Balance+` gives `balance`."""
    return "-".join(re.findall(r"[a-z0-9]+", without_accents(name))) or "application"
