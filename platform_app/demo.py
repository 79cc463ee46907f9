"""The demonstration: fictitious people with their records, apps in every state, synthetic patients for sandboxes.

Seeding twice changes nothing. It is refused in production.
"""

from collections.abc import Mapping
from uuid import UUID

import click

from dmp_core.service.demonstration import CHILD_COURSES, COURSES, Course, add_measures_for_demo
from dmp_core.service.documents.demonstration import AT_ONCE, add_documents_for_demo
from dmp_core.service.entries.demonstration import add_reports_for_demo
from dmp_core.service.prescriptions.demonstration import add_prescriptions_for_demo
from dmp_core.service.professionals.demonstration import agree_for_demo
from dmp_core.service.profile.demonstration import tell_profile_for_demo
from dmp_core.service.vaccinations import tell_vaccinations_for_demo
from identity_core import queries as identity
from identity_core.gateway import openid
from identity_core.service.seeding import Seeded, create_synthetic_patients, seed_people
from platform_app.simulated.people import load_people
from platform_core import clock, config
from platform_core.access import Actor, ActorKind
from platform_core.database import transaction
from platform_core.errors import ConfigurationError
from store.service.demo import seed_applications

RICH, SHORT = 10, 2
_RECORDS = {"camille": (RICH, COURSES), "dominique": (RICH, COURSES), "lea": (SHORT, CHILD_COURSES)}
_SYNTHETIC_RECORDS = 4
_DOCUMENTS = {"camille": 320, "dominique": 3000, "lea": 12}
_SYNTHETIC_DOCUMENTS = 25
_REPORTED = ("camille", "dominique")


@click.group()
def demo() -> None:
    """Commands of `ens demo` that concern people and apps."""


@demo.command("seed")
def seed() -> None:
    """Create the fictitious people and apps; does nothing where they exist already."""
    if config.current().is_production:
        raise ConfigurationError("ENS_ENV is production: the demo people have no place here.")
    people = _seed_people()
    with transaction():
        seed_applications(actors=agents(people))
    _let_professionals_in(people)
    _tell_profile(people)
    _tell_vaccinations(people)
    for name, (years, courses) in _RECORDS.items():
        _fill_record(people.patients[name], years, courses)
        _file_documents(people.patients[name], years, _DOCUMENTS[name])
    for name in _REPORTED:
        with transaction(patient_id=people.patients[name]):
            add_reports_for_demo(patient_id=people.patients[name], until=clock.now(), years=RICH)
            add_prescriptions_for_demo(patient_id=people.patients[name], until=clock.now())
    for patient_id in _seed_synthetic_patients()[:_SYNTHETIC_RECORDS]:
        _fill_record(patient_id, SHORT, COURSES)
        _file_documents(patient_id, SHORT, _SYNTHETIC_DOCUMENTS)
    click.echo("The demo people and apps are there.")


def _seed_people() -> Seeded:
    with transaction():
        return seed_people(load_people(), issuer=openid.provider("citizen").issuer_key)


def agents(people: Seeded) -> dict[str, Actor]:
    """The agents as they act once signed in, by the name the demonstration gives them."""
    return {
        agent["key"]: Actor(
            ActorKind.AGENT,
            people.agents[agent["key"]],
            f"{agent['given_name']} {agent['family_name']}",
            organisation_id=people.organisations[agent["organisation"]],
            roles=frozenset(agent["roles"]),
        )
        for agent in load_people()["agents"]
    }


def _let_professionals_in(people: Seeded) -> None:
    camille = people.patients["camille"]
    with transaction(patient_id=camille):
        agree_for_demo(
            patient_id=camille,
            doctor_id=people.professionals["dr-martin"],
            specialist_id=people.professionals["dr-benali"],
            by=Actor(ActorKind.PATIENT, people.persons["camille"], "Camille Durand"),
        )


def _tell_profile(people: Seeded) -> None:
    camille = people.patients["camille"]
    herself = Actor(ActorKind.PATIENT, people.persons["camille"], "Camille Durand")
    with transaction(patient_id=camille):
        tell_profile_for_demo(patient_id=camille, born=identity.get_patient(camille).birth_date, by=herself)


def _tell_vaccinations(people: Seeded) -> None:
    lea = people.patients["lea"]
    mother = Actor(ActorKind.REPRESENTATIVE, people.persons["camille"], "Camille Durand", on_behalf_of=lea)
    with transaction(patient_id=lea):
        tell_vaccinations_for_demo(patient_id=lea, born=identity.get_patient(lea).birth_date, by=mother)


def _seed_synthetic_patients() -> list[UUID]:
    with transaction():
        return list(create_synthetic_patients())


def _fill_record(patient_id: UUID, years: int, courses: Mapping[str, Course]) -> None:
    with transaction(patient_id=patient_id):
        add_measures_for_demo(patient_id=patient_id, until=clock.now(), years=years, courses=courses)


def _file_documents(patient_id: UUID, years: int, count: int) -> None:
    until = clock.now()
    for first in range(0, count, AT_ONCE):
        with transaction(patient_id=patient_id):
            add_documents_for_demo(patient_id=patient_id, until=until, count=count, years=years, first=first)
