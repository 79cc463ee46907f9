"""The fictitious people who can sign in, and what their provider says of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("data") / "people.json"


@dataclass(frozen=True, slots=True)
class SimulatedPerson:
    """Somebody on the list of a provider. `claims` are those of its userinfo answer, `sub` among them."""

    key: str
    name: str
    description: str
    claims: Mapping[str, Any]


@lru_cache
def load_people() -> Mapping[str, Any]:
    """The people as `identity_core.service.seeding.seed_people` takes them."""
    people: dict[str, Any] = json.loads(_FILE.read_text("utf-8"))
    return people


@lru_cache
def list_people(kind: str) -> Mapping[str, SimulatedPerson]:
    """Who can sign in at the provider of this kind (`citizen`, `pro`, `agent`), by key."""
    people = load_people()
    if kind == "citizen":
        found = [_citizen(person) for person in people["citizens"] if person["signs_in"]]
    elif kind == "pro":
        found = [_professional(person) for person in people["professionals"]]
    else:
        sirens = {organisation["key"]: organisation["siren"] for organisation in people["organisations"]}
        found = [_agent(person, sirens[person["organisation"]]) for person in people["agents"]]
    return {person.key: person for person in found}


def _citizen(person: Mapping[str, Any]) -> SimulatedPerson:
    """The pivot identity as FranceConnect v2 gives it; it holds no matricule."""
    family = person["used_name"] or person["family_name"]
    claims = {
        "sub": person["subject"],
        "given_name": person["given_names"],
        "family_name": person["family_name"],
        "preferred_username": person["used_name"],
        "birthdate": person["birth_date"],
        "gender": person["sex"],
        "birthplace": person["birth_place"],
        "birthcountry": "99100",
        "email": person["email"],
    }
    return SimulatedPerson(person["key"], f"{person['given_names'].split()[0]} {family}", person["description"], claims)


def _professional(person: Mapping[str, Any]) -> SimulatedPerson:
    """The claims of Pro Santé Connect: the national identifier is 8 and the RPPS number."""
    practice = {
        "codeProfession": person["profession"],
        "codeSavoirFaire": person["speciality"],
        "nomDexercice": person["family_name"],
        "prenomDexercice": person["given_name"],
    }
    claims = {
        "sub": f"f:simulated:8{person['rpps']}",
        "SubjectNameID": f"8{person['rpps']}",
        "preferred_username": f"8{person['rpps']}",
        "family_name": person["family_name"],
        "given_name": person["given_name"],
        "SubjectRefPro": {"exercices": [practice]},
    }
    return SimulatedPerson(
        person["key"], f"{person['given_name']} {person['family_name']}", person["description"], claims
    )


def _agent(person: Mapping[str, Any], siren: str) -> SimulatedPerson:
    """The claims of ProConnect; the SIRET is the SIREN and the number of an establishment."""
    claims = {
        "sub": person["subject"],
        "given_name": person["given_name"],
        "usual_name": person["family_name"],
        "email": person["email"],
        "siret": f"{siren}00017",
    }
    return SimulatedPerson(
        person["key"], f"{person['given_name']} {person['family_name']}", person["description"], claims
    )
