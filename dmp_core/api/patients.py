"""Patient: found by professionals' software with the INS, the birth name and the birth date (decision 33)."""

from datetime import date
from functools import partial

from dmp_core.fhir.patients import write_patient
from dmp_core.service.professionals import openings, writing
from dmp_core.service.professionals.agreements import professional_of
from identity_core import queries as identity
from platform_core import clock
from platform_core.access import DataCall
from platform_core.errors import Forbidden
from platform_core.fhir.registry import Page, ResourceType, SearchParameter, Stored
from platform_core.fhir.search import Query, refused
from platform_core.health_identity import INS_SYSTEMS

_ASKED = ("identifier", "family", "birthdate")


def search(call: DataCall, query: Query) -> Page:
    """The patient of a matricule, whose birth name and date are those given; an empty page for anybody else, which
    counts as a failure.

    Raises `Forbidden` (`identity-not-qualified`, and to an app `not-a-professional`), `TooManyRequests`, `Malformed`.
    """
    professional_of(call.actor)
    matricule, family, born = _traits(query)
    found = openings.identify_patient(matricule=matricule, family_name=family, birth_date=born, by=call.actor)
    if found is None:
        return Page((), {}, total=0)
    reference = call.turn_to(found.id)
    if not found.feeds_dmp:
        message = "The identity of this patient is not qualified: no software works with their record."
        raise Forbidden(message, code="identity-not-qualified")
    return Page([("Patient", reference, write_patient(found, reference))], {}, total=1)


def read(call: DataCall, identifier: str) -> Stored:
    """A patient whom the structure found before, as long as something may be filed for them. Raises `Forbidden`."""
    writing.check_filing(patient_id=call.patient_id, by=call.actor)
    patient, reference = identity.get_patient(call.patient_id), call.patient_reference
    return Stored("Patient", reference, 1, clock.now(), "", partial(write_patient, patient, reference))


def _traits(query: Query) -> tuple[str, str, date]:
    """The matricule, the birth name and the birth date. Raises `Malformed` (`invalid-parameter`)."""
    given = {name: query.first(name) for name in _ASKED}
    for name, value in given.items():
        if not value:
            raise refused(name, "is missing: a patient is found by identifier (INS), family and birthdate together")
    system, bar, matricule = (given["identifier"] or "").partition("|")
    if not bar or system not in INS_SYSTEMS:
        raise refused("identifier", "must be urn:oid:<OID of the INS>|<matricule>")
    try:
        return matricule, given["family"] or "", date.fromisoformat((given["birthdate"] or "").removeprefix("eq"))
    except ValueError:
        raise refused("birthdate", "must be a day: YYYY-MM-DD") from None


PATIENT = ResourceType(
    name="Patient",
    parameters=(
        SearchParameter("identifier", "token", private=True),
        SearchParameter("family", "string", private=True),
        SearchParameter("birthdate", "date", private=True),
    ),
    read=read,
    search=search,
    user="rs",
    label_fr="Identité d’un patient, retrouvé par son INS",
)
