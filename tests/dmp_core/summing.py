"""A record that has something to say in each section of a medical summary."""

from datetime import date

from dmp_core.service.demonstration import COURSES, add_measures_for_demo
from dmp_core.service.entries.demonstration import add_reports_for_demo
from dmp_core.service.prescriptions.demonstration import add_prescriptions_for_demo
from dmp_core.service.professionals.demonstration import agree_for_demo
from dmp_core.service.profile.demonstration import tell_profile_for_demo
from identity_core.service.seeding import Seeded
from platform_core import clock
from platform_core.access import Actor, ActorKind
from platform_core.database import transaction
from tests.recalling import recall_people

BORN = date(1985, 4, 12)


def fill_a_record_to_sum_up() -> Seeded:
    """Camille as the demonstration has her, on a small scale."""
    people = recall_people()
    camille = people.patients["camille"]
    doctors = {"doctor_id": people.professionals["dr-martin"], "specialist_id": people.professionals["dr-benali"]}
    now = clock.now()
    with transaction(patient_id=camille):
        agree_for_demo(patient_id=camille, by=herself(people), **doctors)
        tell_profile_for_demo(patient_id=camille, born=BORN, by=herself(people))
        add_measures_for_demo(
            patient_id=camille, until=now, years=1, courses={name: COURSES[name] for name in ("body-weight",)}
        )
        add_reports_for_demo(patient_id=camille, until=now, years=1)
        add_prescriptions_for_demo(patient_id=camille, until=now)
    return people


def herself(people: Seeded) -> Actor:
    return Actor(ActorKind.PATIENT, people.persons["camille"], "Camille Durand")
