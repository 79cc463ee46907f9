"""People and files of the referencing tests."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from identity_core.rules import Role
from identity_core.service import organisations
from identity_core.service import people as enrolment
from platform_core.access import SYSTEM, Access, Actor, ActorKind
from platform_core.categories import Category, Family, SmartScope, registry
from platform_core.database import transaction
from platform_core.health_identity import Siren
from store.queries.submissions import get_own_submission, get_submission
from store.queries.verdicts import list_verdicts
from store.rules import grid
from store.rules.dossier import section_version
from store.rules.grid import Verdict
from store.service import dossiers, listings, reviews


@dataclass(frozen=True)
class People:
    """Alice publishes; Bruno does too, elsewhere. Inès and Noé review, Omar and Zoé decide, for the authority."""

    alice: Actor
    bruno: Actor
    ines: Actor
    noe: Actor
    omar: Actor
    zoe: Actor


@pytest.fixture(scope="session", autouse=True)
def categories() -> None:
    """Two categories for dossiers to ask; the second cannot be written."""
    both, read = frozenset(Access), frozenset({Access.READ})
    for code, accesses in {"storetest.weight": both, "storetest.bmi": read}.items():
        registry.register(
            Family("storetest", "Essai", "Test"),
            [Category(code, code, f"{code}.", code, f"{code}.", accesses, SmartScope("Observation"))],
        )


@pytest.fixture
def people(app: Flask) -> People:
    with transaction():
        balance, elsewhere, authority = (
            organisations.register_organisation(name=name, siren=Siren(siren), by=SYSTEM)
            for name, siren in (("Balance+ SAS", "900000019"), ("Ailleurs SAS", "900000027"), ("Autorité", "900000035"))
        )
        return People(
            alice=_agent("Alice", balance, Role.PUBLISHER),
            bruno=_agent("Bruno", elsewhere, Role.PUBLISHER),
            ines=_agent("Inès", authority, Role.REVIEWER),
            noe=_agent("Noé", authority, Role.REVIEWER, Role.DECIDER),
            omar=_agent("Omar", authority, Role.DECIDER),
            zoe=_agent("Zoé", authority, Role.DECIDER),
        )


def _agent(name: str, organisation_id: UUID, *roles: Role) -> Actor:
    agent = enrolment.register_agent(
        issuer="https://agents.exemple.fr", subject=name, family_name="Essai", given_name=name, email=None
    )
    for role in roles:
        organisations.add_member(organisation_id=organisation_id, agent_id=agent.id, role=role, by=SYSTEM)
    return Actor(ActorKind.AGENT, agent.id, name, organisation_id=organisation_id, roles=frozenset(roles))


def complete_dossier(**sections: Any) -> dict[str, Any]:
    """A dossier that lacks nothing; a section given replaces the one here."""
    return {
        "service": {
            "name": "Balance+",
            "tagline": "Suivez votre poids avec votre balance.",
            "description": "Balance+ reçoit les pesées de votre balance et vous montre leur évolution.",
            "audience": ["adults"],
            "platforms": ["web"],
            "site": "https://balance-plus.exemple.fr",
        },
        "company": {
            "legal_name": "Balance+ SAS",
            "siren": "900000019",
            "address": "1 rue des Mesures, 44000 Nantes",
            "contact_email": "contact@balance-plus.exemple.fr",
        },
        "data": {"purposes": ["prevention"], "duration_days": 366, "items": [weight_item("read")]},
        "hosting": {
            "hoster": "Nuage Clair",
            "country": "France",
            "hds_certificate": "HDS-0042",
            "hds_valid_until": "2028-06-30",
        },
        "privacy": {
            "dpo_contact": "dpo@balance-plus.exemple.fr",
            "recipients": ["Nuage Clair, hébergeur, France"],
            "retention": "Les mesures sont effacées trente jours après la fin de l’autorisation.",
            "risks": "Une personne qui ouvre votre compte peut lire vos mesures.",
            "recourse": "Écrivez au délégué à la protection des données, puis à la CNIL.",
        },
        "technical": {"profile": "fapi2"},
        "catalogue": {
            "family": "prevention",
            "cost": "free",
            "ownership": "private",
            "territory": "national",
            "keywords": ["pesée"],
            "support_contact": "aide@balance-plus.exemple.fr",
        },
        **sections,
    }


def weight_item(access: str, **fields: Any) -> dict[str, Any]:
    return {
        "category": "storetest.weight",
        "access": access,
        "why": "Pour tracer la courbe de votre poids.",
        "required": True,
        "history_days": 365,
        "periodicity": {"max": 1, "per": "day"},
        **fields,
    }


def fill(application_id: UUID, by: Actor, content: dict[str, Any] | None = None) -> None:
    """Write every section of the present dossier, as the pages do."""
    for section, values in (content or complete_dossier()).items():
        present = get_own_submission(application_id, by=by).dossier
        version = section_version(present, section)
        if section == "data":
            for item in values["items"]:
                dossiers.save_item(application_id=application_id, item=item, version=version, by=by)
                present = get_own_submission(application_id, by=by).dossier
                version = section_version(present, section)
            values = {key: value for key, value in values.items() if key != "items"}
        dossiers.save_section(application_id=application_id, section=section, values=values, version=version, by=by)


def find_all_conforming(submission_id: UUID, by: Actor) -> None:
    """Give every criterion of the grid a conforming verdict."""
    view = get_submission(submission_id)
    for criterion in grid.load(view.grid_version).criteria:
        found = list_verdicts(submission_id).get(criterion)
        reviews.record_verdict(
            submission_id=submission_id,
            criterion=criterion,
            verdict=Verdict.CONFORMING,
            comment="",
            version=found.version if found else 0,
            by=by,
        )


def bring_to(state: str, people: People, name: str = "Balance+") -> tuple[UUID, UUID]:
    """An application of Alice's whose dossier, or listing, is in that state; gives its id and its submission's."""
    steps = ["draft", "submitted", "in_evaluation", "proposed", "accepted", "listed"]
    reached = steps.index("listed" if state == "suspended" else state)
    with transaction():
        application_id = dossiers.create_application(name=name, by=people.alice)
        fill(
            application_id,
            people.alice,
            complete_dossier() | {"service": {**complete_dossier()["service"], "name": name}},
        )
        submission_id = get_own_submission(application_id, by=people.alice).id
        if reached >= 1:
            dossiers.submit(application_id=application_id, by=people.alice)
        if reached >= 2:
            reviews.take_in_charge(submission_id=submission_id, by=people.ines)
        if reached >= 3:
            find_all_conforming(submission_id, people.ines)
            reviews.propose(submission_id=submission_id, favourable=True, motive="Conforme.", by=people.ines)
        if reached >= 4:
            reviews.accept(submission_id=submission_id, motive="Le dossier est conforme.", by=people.omar)
        if reached >= 5:
            listings.list_application(application_id=application_id, by=people.omar)
        if state == "suspended":
            listings.suspend_listing(application_id=application_id, motive="Fuite de données.", by=people.omar)
    return application_id, submission_id
