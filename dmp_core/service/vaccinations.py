"""Vaccinations typed in by hand, and where the person stands in the calendar."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from dmp_core.fhir.typed import write_vaccination
from dmp_core.models.entries import EntryRow
from dmp_core.queries.entries import list_entries
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.rules.entries.kinds import VACCINATIONS
from dmp_core.rules.vaccinations.calendar import TYPED, protected
from dmp_core.rules.vaccinations.standing import Given, Standing, stand
from dmp_core.service.entries.typed import type_entry
from identity_core.rules import months_after
from platform_core import clock
from platform_core.access import Actor
from platform_core.clock import PARIS
from platform_core.errors import Fault, Invalid

MOST = 500
_LONGEST = 80
_BOOKLET = (("J07CA09", 2), ("J07CA09", 4), ("J07CA09", 11), ("J07BD52", 12), ("J07CA02", 75))


def list_vaccinations(*, patient_id: UUID, viewer: Viewer) -> Sequence[EntryRow]:
    """The vaccinations that the viewer may see, newest first, those that were refused included."""
    return list_entries(patient_id=patient_id, viewer=viewer, categories=[VACCINATIONS.category], limit=MOST)


def find_standing(*, born: date, rows: Sequence[EntryRow]) -> list[Standing]:
    """Where a person stands today with each target of the calendar, by the vaccinations of their record."""
    given = [
        Given(row.effective_at.astimezone(PARIS).date(), protected(row.codes, row.label))
        for row in rows
        if row.status == "completed"
    ]
    return stand(born=born, given=given, today=clock.today())


def type_vaccination(
    *, patient_id: UUID, born: date, vaccine: str, given_on: date | None, product: str, lot: str, by: Actor
) -> UUID:
    """Store a vaccination that the patient tells; `vaccine` is a code of `TYPED`. Its id.

    Raises `Invalid` (`invalid-vaccination`) with a fault for each field.
    """
    if faults := _faults(born, vaccine, given_on, product, lot):
        raise Invalid("The vaccination cannot be stored so.", code="invalid-vaccination", faults=faults)
    assert given_on is not None
    resource = write_vaccination(
        TYPED[vaccine], given_on=given_on, product=product.strip(), lot=lot.strip(), recorded=clock.today()
    )
    return type_entry(patient_id=patient_id, kind=VACCINATIONS, resource=resource, by=by).id


def tell_vaccinations_for_demo(*, patient_id: UUID, born: date, by: Actor) -> None:
    """What the booklet of a child holds, told by hand; the second dose against measles is missing. Nothing where a
    vaccination stands already."""
    if list_vaccinations(patient_id=patient_id, viewer=Viewer.of(by)):
        return
    for vaccine, months in _BOOKLET:
        given_on = months_after(born, months)
        type_vaccination(
            patient_id=patient_id, born=born, vaccine=vaccine, given_on=given_on, product="", lot="", by=by
        )


def _faults(born: date, vaccine: str, given_on: date | None, product: str, lot: str) -> list[Fault]:
    faults = []
    if vaccine not in TYPED:
        faults.append(Fault("vaccine", "is not one of the list.", "code-invalid"))
    if given_on is None or not born <= given_on <= clock.today():
        faults.append(Fault("date", "must be a day between the birth and today.", "value"))
    for name, text in (("product", product), ("lot", lot)):
        if len(text.strip()) > _LONGEST:
            faults.append(Fault(name, f"holds more than {_LONGEST} characters.", "too-long"))
    return faults
