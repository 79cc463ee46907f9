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
from store.queries.submissions import get_own_submission
from store.rules import grid
from store.rules.procedure import PROCEDURE
from store.service import dossiers, listings, rehearsal
from store.workflow import SubmissionState
from tests.recalling import recalled


@dataclass(frozen=True)
class People:
    """Alice publishes; Bruno does too, elsewhere. For the authority, Inès and Noé review, Claire is of the commission,
    Omar and Zoé decide. Noé decides too, on what he has not evaluated.
    """

    alice: Actor
    bruno: Actor
    ines: Actor
    noe: Actor
    claire: Actor
    omar: Actor
    zoe: Actor

    @property
    def cast(self) -> rehearsal.Cast:
        return rehearsal.Cast(self.alice, self.ines, self.claire, self.omar)


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
    return recalled("people", _enrol)


def _enrol() -> People:
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
            claire=_agent("Claire", authority, Role.COMMISSION),
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


ORIENTATION = {
    "domain": "prevention",
    "exchange": True,
    "hosting_country": "france",
    "medical_device": "none",
    "minors": False,
    "professionals": False,
    "teleconsultation": False,
    "content": False,
    "ai": "none",
    "mobile_app": False,
    "devices": False,
    "payment": False,
}


def answer_criteria(used: grid.Grid, orientation: dict[str, Any]) -> dict[str, Any]:
    """The least level that is enough, on every criterion that concerns such a service."""
    return {
        one.id: {
            "level": next(level.level for level in one.levels if level.acceptable),
            "answer": "Voir la pièce jointe, qui le décrit.",
            **({"no_evidence": "La pièce est montrée lors de la visite."} if one.proof is grid.Proof.EXPLAINED else {}),
        }
        for one in used.applicable(orientation)
    }


def complete_dossier(**sections: Any) -> dict[str, Any]:
    """A dossier that lacks nothing under the grid in force; a section given replaces the one here."""
    return {
        "orientation": ORIENTATION,
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
            "authentication": ["two-factors"],
            "encryption": "Les bases et les sauvegardes sont chiffrées par nos clés.",
        },
        "privacy": {
            "dpo_contact": "dpo@balance-plus.exemple.fr",
            "recipients": ["Nuage Clair, hébergeur, France"],
            "retention": "Les mesures sont effacées trente jours après la fin de l’autorisation.",
            "risks": "Une personne qui ouvre votre compte peut lire vos mesures.",
            "recourse": "Écrivez au délégué à la protection des données, puis à la CNIL.",
            "legal_basis": "contract",
            "dpia_status": "done",
            "dpia_date": "2026-01-15",
            "dpia_summary": "Accès par un tiers au téléphone : verrouillage exigé. Fuite : chiffrement.",
        },
        "technical": {"profile": "fapi2", "webhooks": False, "standards": ["fhir-r4"]},
        "accessibility": {
            "rate": 82,
            "audited_on": "2026-02-01",
            "audited_by": "third-party",
            "statement_url": "https://balance-plus.exemple.fr/accessibilite",
            "limits": "Les courbes seront décrites au printemps.",
        },
        "ethics": {
            "business_model": ["users"],
            "interests": "Aucun",
            "human_help": "Par téléphone, aux heures ouvrées.",
        },
        "criteria": answer_criteria(grid.load(PROCEDURE["grid"]), ORIENTATION),
        "contacts": {
            "manager_name": "Alice Roche",
            "manager_email": "alice@balance-plus.exemple.fr",
            "technical_email": "technique@balance-plus.exemple.fr",
            "security_email": "securite@balance-plus.exemple.fr",
            "security_phone": "02 40 00 00 00",
            "signatory_name": "Alice Roche",
            "signatory_role": "présidente",
        },
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
    """Write every section of the present dossier."""
    dossiers.fill_dossier(application_id=application_id, content=content or complete_dossier(), by=by)


def bring_to(state: str, people: People, name: str = "Balance+", **sections: Any) -> tuple[UUID, UUID]:
    """An application of Alice's whose dossier, or listing, is in that state; gives its id and its submission's.

    `sections` hold fields that replace those of the complete dossier.
    """
    what = ("application", state, repr(people), name, repr(sections))
    return recalled(what, lambda: _bring(state, people, name, sections))


def _bring(state: str, people: People, name: str, sections: dict[str, Any]) -> tuple[UUID, UUID]:
    with transaction():
        application_id = dossiers.create_application(name=name, by=people.alice)
        changes = {"service": {"name": name}}
        for section, fields in sections.items():
            changes[section] = {**changes.get(section, {}), **fields}
        whole = complete_dossier()
        fill(application_id, people.alice, whole | {code: {**whole[code], **changes[code]} for code in changes})
        submission_id = get_own_submission(application_id, by=people.alice).id
        if state != "draft":
            dossiers.submit(application_id=application_id, by=people.alice)
            _advance(submission_id, state, people.cast)
        if state == "suspended":
            listings.suspend_listing(application_id=application_id, motive="Fuite de données.", by=people.omar)
    return application_id, submission_id


def _advance(submission_id: UUID, state: str, cast: rehearsal.Cast) -> None:
    """Bring a submitted dossier on; `proposed` is an evaluation that is concluded."""
    reached = {"proposed": SubmissionState.IN_EVALUATION, "suspended": SubmissionState.LISTED}
    rehearsal.advance(submission_id=submission_id, to=reached.get(state) or SubmissionState(state), cast=cast)
    if state == "proposed":
        rehearsal.conclude(submission_id, cast)
