"""The history of reimbursements of the health insurance (CI-SIS CNAM-HR)."""

from lxml.etree import QName
from lxml.etree import _Element as Element

from dmp_core.cda.entries.clinical import VACCINATION
from dmp_core.cda.entries.medications import supply_of
from dmp_core.cda.entries.parts import Place, author_of, performer_of, product_of
from dmp_core.cda.statements import Author, CareKind, Reimbursement
from dmp_core.cda.values import Code, Period, child, period, quantity, templates_of

DOCUMENT = "1.2.250.1.213.1.1.1.36"

# The model gives the same code to the three sections of acts: their titles tell them apart.
_BY_TITLE = {"radiologie": CareKind.IMAGING, "imagerie": CareKind.IMAGING, "biologie": CareKind.BIOLOGY}


def read_reimbursement(element: Element, place: Place) -> Reimbursement | None:
    """One care that was reimbursed; None when nothing says which."""
    name = QName(element).localname
    if name == "substanceAdministration":
        return _medicine(element, place)
    if name == "supply":
        return _care(element, place, CareKind.DEVICE, child(element, "participant/participantRole/playingDevice/code"))
    if name == "encounter":
        return _care(element, place, CareKind.HOSPITAL, child(element, "code"))
    if name == "procedure":
        return _care(element, place, _BY_TITLE.get(place.title.lower(), CareKind.CARE), child(element, "code"))
    return None


def _medicine(element: Element, place: Place) -> Reimbursement:
    supply = supply_of(element)
    performer = performer_of(supply) if supply is not None else performer_of(element)
    vaccine = VACCINATION in templates_of(element)
    return Reimbursement(
        **place.stated(element),
        kind=CareKind.VACCINE if vaccine else CareKind.MEDICATION,
        code=product_of(element, place).code,
        period=_when(element, performer),
        quantity=quantity(child(supply, "quantity")),
        performer=performer,
        prescriber=author_of(supply) if supply is not None else None,
    )


def _care(element: Element, place: Place, kind: CareKind, coded: Element | None) -> Reimbursement | None:
    code = _precise(place.code(coded), coded, place)
    if code is None:
        return None
    performer = performer_of(element)
    return Reimbursement(
        **place.stated(element),
        kind=kind,
        code=code,
        period=_when(element, performer),
        quantity=quantity(child(element, "quantity")),
        performer=performer,
        prescriber=author_of(element),
    )


def _precise(code: Code | None, coded: Element | None, place: Place) -> Code | None:
    """The group of a stay stands in a qualifier, the device in a translation."""
    qualified = place.code(child(coded, "qualifier/value"))
    if qualified:
        return qualified
    if code and not code.code and code.translations:
        return code.translations[0]
    return code


def _when(element: Element, performer: Author | None) -> Period:
    own = period(child(element, "effectiveTime"))
    if own.known or performer is None:
        return own
    return Period(performer.at, performer.at)
