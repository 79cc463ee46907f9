"""The goal that a professional sets for a kind of measure, in a record that is open to them."""

from datetime import date

from dmp_core.categories import Kind
from dmp_core.rules.goals import Parts
from dmp_core.rules.professionals.matrix import Level
from dmp_core.service import goals
from dmp_core.service.professionals.records import Opening
from dmp_core.service.professionals.writing import check_filing
from platform_core.access import Access
from platform_core.errors import Forbidden
from platform_core.journal import service as journal


def may_set_goal(opening: Opening, kind: Kind) -> bool:
    """Whether the profession writes measures of this kind."""
    return opening.reach.covers(kind.category, Level.WRITE)


def check_may_set_goal(opening: Opening, kind: Kind) -> None:
    """Raise `Forbidden` (`profession-without-access`, `writing-refused`, …) unless a goal may be set."""
    if not may_set_goal(opening, kind):
        raise Forbidden("Your profession does not write measures.", code="profession-without-access")
    check_filing(patient_id=opening.patient.id, by=opening.by)


def set_goal(opening: Opening, *, kind: Kind, parts: Parts, until: date | None, request_id: str) -> None:
    """Set the goal of a kind, told in the journal of the patient, who may change it.

    Raises `Forbidden` (`profession-without-access`, `writing-refused`, …) and `Invalid` (`invalid-goal`).
    """
    check_may_set_goal(opening, kind)
    goals.set_goal(patient_id=opening.patient.id, kind=kind, parts=parts, until=until, by=opening.by)
    journal.record(
        journal.Entry(
            patient_id=opening.patient.id,
            actor=opening.by,
            interaction="update",
            resource="Goal",
            access=Access.WRITE,
            outcome=journal.SERVED,
            request_id=request_id,
            categories=[kind.category],
            count=1,
            code=opening.mode,
        )
    )
