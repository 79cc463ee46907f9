"""From a statement to its resource."""

from dmp_core.cda.resources.clinical import allergy, condition, family_history, procedure
from dmp_core.cda.resources.medications import immunization, medication
from dmp_core.cda.resources.observations import observation
from dmp_core.cda.resources.parts import Resource, Source
from dmp_core.cda.resources.reimbursements import explanation
from dmp_core.cda.statements import (
    Allergy,
    FamilyHistory,
    Medication,
    Problem,
    Procedure,
    Reimbursement,
    Result,
    Statement,
    Vaccination,
)


def resource(statement: Statement, source: Source) -> Resource | None:
    """The FHIR R4 resource of a statement, without id; None for a device, of which the record keeps no resource."""
    match statement:
        case Result():
            return observation(statement, source)
        case Vaccination():
            return immunization(statement, source)
        case Medication():
            return medication(statement, source)
        case Problem():
            return condition(statement, source)
        case Allergy():
            return allergy(statement, source)
        case FamilyHistory():
            return family_history(statement, source)
        case Procedure():
            return procedure(statement, source)
        case Reimbursement():
            return explanation(statement, source)
    return None
