"""What becomes public when a dossier is listed, and by which facets the catalogue is narrowed. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from store.rules import dossier as dossiers
from store.rules.dossier import Dossier
from store.rules.grid import Grid, Verdict
from store.rules.orientation import Answers
from store.rules.search import without_accents

# How a service protects itself is for those who examine it.
PUBLIC: Mapping[str, Sequence[str]] = {
    "service": tuple(dossiers.SECTIONS["service"]["properties"]),
    "company": ("legal_name", "siren", "address", "contact_email"),
    "hosting": ("hoster", "country", "hds_certificate", "hds_valid_until"),
    "privacy": ("dpo_contact", "recipients", "retention", "risks", "recourse"),
    "catalogue": tuple(dossiers.SECTIONS["catalogue"]["properties"]),
}


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


def public_entry(dossier: Dossier) -> dict[str, Any]:
    """What the catalogue and the consent screen show of the dossier."""
    return {
        section: {field: dossier[section][field] for field in fields if field in dossier[section]}
        for section, fields in PUBLIC.items()
    }


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
