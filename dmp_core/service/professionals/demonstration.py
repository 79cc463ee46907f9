"""The professionals of the demonstration people: a treating doctor, a care team for a period. Idempotent."""

from datetime import timedelta
from uuid import UUID

from dmp_core.queries import professionals as queries
from dmp_core.service.professionals import agreements
from platform_core import clock
from platform_core.access import Actor

_TEAM = timedelta(days=92)


def agree_for_demo(*, patient_id: UUID, doctor_id: UUID, specialist_id: UUID, by: Actor) -> None:
    """The patient names a treating doctor, and lets a specialist in for three months; nothing if somebody is in."""
    if queries.list_agreements(patient_id):
        return
    agreements.declare_treating_doctor(patient_id=patient_id, professional_id=doctor_id, by=by)
    until = clock.today() + _TEAM
    agreements.admit_to_team(patient_id=patient_id, professional_id=specialist_id, until=until, by=by)
