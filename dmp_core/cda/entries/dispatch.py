"""Which reader an entry goes to."""

from collections.abc import Callable, Iterable, Iterator

from lxml.etree import QName
from lxml.etree import _Element as Element

from dmp_core.cda.document import Unread
from dmp_core.cda.entries import clinical, medications, reimbursements, results
from dmp_core.cda.entries.parts import Place, path_of
from dmp_core.cda.statements import ResultKind, Statement
from dmp_core.cda.values import child, templates_of

Read = Callable[[Element, Place], Iterable[Statement | None]]

_ATTACHED = ("1.2.250.1.213.1.1.3.18", "2.16.840.1.113883.10.12.304")


def read_entry(entry: Element, place: Place) -> Iterator[Statement | Unread]:
    """The statements of an entry; one `Unread` when it holds none that is known, none for a mere attachment."""
    element = next((part for part in entry if QName(part).localname not in ("templateId", "realmCode")), None)
    if element is None:
        yield Unread(path_of(entry), "The entry is empty.")
        return
    if _attached(element):
        return
    read = _reader(entry, element, place)
    found = [one for one in read(element, place) if one is not None] if read else []
    yield from found
    if not found:
        yield Unread(path_of(element), _why(element, place, known=read is not None))


def _reader(entry: Element, element: Element, place: Place) -> Read | None:
    if place.reimbursements:
        return lambda one, where: [reimbursements.read_reimbursement(one, where)]
    templates = templates_of(element)
    if results.LABORATORY_ENTRY in templates_of(entry):
        return results.read_laboratory
    return next(
        (read for (name, template), read in _READERS.items() if _is(element, name) and template in templates), None
    )


def _is(element: Element, name: str) -> bool:
    return bool(QName(element).localname == name)


def _attached(element: Element) -> bool:
    return _is(element, "observationMedia") or any(template in templates_of(element) for template in _ATTACHED)


def _why(element: Element, place: Place, *, known: bool) -> str:
    name = QName(element).localname
    if known:
        return f"This {name} has no code and no text."
    code = place.code(child(element, "code"))
    said = f" “{code.words}”" if code else ""
    return f"The record keeps no data of this kind apart: {name}{said}."


def _lifestyle(element: Element, place: Place) -> Iterable[Statement | None]:
    return [results.read_result(element, place, ResultKind.LIFESTYLE)]


def _vital_sign(element: Element, place: Place) -> Iterable[Statement | None]:
    return [results.read_result(element, place, ResultKind.VITAL_SIGN)]


_READERS: dict[tuple[str, str], Read] = {
    ("substanceAdministration", clinical.VACCINATION): lambda one, place: [clinical.read_vaccination(one, place)],
    ("substanceAdministration", medications.MEDICATION): lambda one, place: [medications.read_medication(one, place)],
    ("supply", medications.DISPENSATION_ITEM): lambda one, place: [medications.read_dispensation(one, place)],
    ("supply", clinical.DEVICE): lambda one, place: [clinical.read_device(one, place)],
    ("act", clinical.CONCERN): clinical.read_concern,
    ("observation", clinical.PROBLEM): lambda one, place: [clinical.read_problem(one, place)],
    ("organizer", clinical.FAMILY_HISTORY): clinical.read_family_history,
    ("organizer", results.VITAL_SIGNS): results.read_vital_signs,
    ("observation", results.LIFESTYLE): _lifestyle,
    ("observation", results.VITAL_SIGN): _vital_sign,
    ("procedure", clinical.PROCEDURE): lambda one, place: [clinical.read_procedure(one, place)],
}
