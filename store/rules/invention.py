"""Applications made up by rule, always the same for the same seed, to fill the store at scale. Pure."""

import copy
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from platform_core.access import Access
from platform_core.categories import registry
from store.rules import grid, orientation
from store.rules.dossier import Dossier

# The grid that the answers of the demonstration are written for.
GRID = "2026.1"
_WORDS: Mapping[str, Any] = json.loads(files("store").joinpath("data/seed_words.json").read_text())
_EXAMPLE: Dossier = json.loads(files("store").joinpath("data/demo_applications.json").read_text())[0]["dossier"]
_ANSWERS: Mapping[str, Any] = json.loads(files("store").joinpath("data/demo_answers.json").read_text())
MOST = len(_WORDS["prefixes"]) * len(_WORDS["topics"]) * len(_WORDS["suffixes"])
FILES_OF_A_PUBLISHER = 3
REVIEWERS: tuple[str, ...] = tuple(_WORDS["reviewers"])


@dataclass(frozen=True, slots=True)
class Publisher:
    name: str
    siren: str
    town: str
    region: str
    public: bool


@dataclass(frozen=True, slots=True)
class Invention:
    """A file: whose (`publisher` is a position), which application, and all that it says."""

    publisher: int
    name: str
    dossier: Dossier


def invent_publishers(count: int) -> list[Publisher]:
    """Publishers with SIREN numbers of their own; one in four is a public hospital."""
    found = []
    for number in range(count):
        town, region = _WORDS["towns"][number % len(_WORDS["towns"])]
        public = number % 4 == 3
        name = (
            f"Centre hospitalier de {town} n° {number}"
            if public
            else f"{_pick('prefixes', number)} {town} {number} SAS"
        )
        found.append(Publisher(name, _siren(number), town, region, public))
    return found


def _siren(number: int) -> str:
    """Eight digits and the key that the Luhn formula asks for."""
    root = f"95{number:06}"
    digits = [int(digit) for digit in root]
    total = sum(sum(divmod(2 * digit, 10)) for digit in digits[::-2]) + sum(digits[-2::-2])
    return f"{root}{-total % 10}"


def invent_files(publishers: list[Publisher], count: int, *, seed: int) -> Iterator[Invention]:
    """`count` files (`MOST` at most), each under a name of its own."""
    draw = random.Random(seed)  # noqa: S311 - not a secret
    suffixes, topics = _WORDS["suffixes"], _WORDS["topics"]
    for position, number in enumerate(draw.sample(range(MOST), count)):
        rest, suffix = divmod(number, len(suffixes))
        prefix, topic = divmod(rest, len(topics))
        name = " ".join(filter(None, (_WORDS["prefixes"][prefix], topics[topic]["word"], suffixes[suffix])))
        owner = position // FILES_OF_A_PUBLISHER
        yield Invention(owner, name, _dossier(name, topics[topic], publishers[owner], draw))


def _dossier(name: str, topic: Mapping[str, Any], publisher: Publisher, draw: random.Random) -> Dossier:
    """The complete dossier of the demonstration, with what tells this application from the others."""
    dossier = copy.deepcopy(dict(_EXAMPLE))
    site = f"https://service-{publisher.siren}.exemple.fr"
    dossier["service"] |= {
        "name": name,
        "tagline": topic["tagline"],
        "description": topic["description"],
        "audience": draw.sample(["adults", "children", "carers", "professionals"], draw.randint(1, 3)),
        "platforms": draw.choice([["web"], ["ios", "android"], ["web", "ios", "android"]]),
        "site": site,
    }
    dossier["company"] |= {
        "legal_name": publisher.name,
        "siren": publisher.siren,
        "address": f"{draw.randint(1, 90)} rue des Essais, {publisher.town}",
        "contact_email": f"contact@service-{publisher.siren}.exemple.fr",
    }
    dossier["data"] |= {"items": _items(topic)}
    dossier["hosting"] |= {
        "hoster": draw.choice(_WORDS["hosters"]),
        "hds_certificate": f"HDS-{draw.randint(1000, 9999)}",
    }
    dossier["privacy"] |= {"dpo_contact": f"dpo@service-{publisher.siren}.exemple.fr"}
    dossier["catalogue"] = _entry(topic, publisher, draw)
    dossier["criteria"] = answer_criteria(dossier["orientation"])
    return dossier


def list_required(given: orientation.Answers) -> list[grid.Criterion]:
    """The criteria that such a service must show by a file."""
    return [one for one in grid.load(GRID).applicable(given) if one.proof is grid.Proof.REQUIRED]


def answer_criteria(given: orientation.Answers) -> dict[str, Any]:
    """An answer to each criterion that concerns a service, without files: a made-up company has none."""
    reason = {"no_evidence": "Entreprise fictive de la démonstration : aucune pièce n’existe."}
    return {
        one.id: _ANSWERS[one.id] | (reason if one.proof is grid.Proof.EXPLAINED else {})
        for one in grid.load(GRID).applicable(given)
    }


def _items(topic: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the topic reads and adds, among the categories that some room declares; weight when there is none."""
    declared = [code for code in topic["data"] if registry.find(code)] or ["measures.body-weight"]
    return [
        {
            "category": code,
            "access": access.value,
            "why": f"Pour le suivi que propose l’application : {topic['keywords'][0]}.",
            "required": access is Access.READ,
            "history_days": 365 if access is Access.READ else None,
            "periodicity": {"max": 4, "per": "day"},
        }
        for code in sorted(declared)
        for access in Access
        if registry.allows(code, access)
    ]


def _entry(topic: Mapping[str, Any], publisher: Publisher, draw: random.Random) -> dict[str, Any]:
    territory = (
        draw.choice(["establishment", "region"]) if publisher.public else draw.choice(["national"] * 4 + ["region"])
    )
    places = {
        "national": {},
        "region": {"region": publisher.region},
        "establishment": {"region": publisher.region, "establishment": publisher.name},
    }
    return {
        "family": topic["family"],
        "cost": "free" if publisher.public else draw.choice(["free", "freemium", "paid", "reimbursed"]),
        "ownership": "public" if publisher.public else "private",
        "territory": territory,
        **places[territory],
        "keywords": topic["keywords"],
        "support_contact": f"aide@service-{publisher.siren}.exemple.fr",
    }


def _pick(kind: str, number: int) -> str:
    found: str = _WORDS[kind][number % len(_WORDS[kind])]
    return found
