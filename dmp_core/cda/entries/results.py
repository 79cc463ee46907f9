"""Results: laboratory reports (IHE XD-LAB), vital signs, habits (IHE PCC)."""

from collections.abc import Iterator

from lxml.etree import QName
from lxml.etree import _Element as Element

from dmp_core.cda.entries.parts import Place, comment_of, value_of
from dmp_core.cda.statements import Result, ResultKind
from dmp_core.cda.values import Bounds, attribute, bounds, child, children, moment, templates_of, text_of

LABORATORY_ENTRY = "1.3.6.1.4.1.19376.1.3.1"
LABORATORY_RESULT = "1.3.6.1.4.1.19376.1.3.1.6"
VITAL_SIGNS = "1.3.6.1.4.1.19376.1.5.3.1.4.13.1"
VITAL_SIGN = "1.3.6.1.4.1.19376.1.5.3.1.4.13.2"
LIFESTYLE = "1.3.6.1.4.1.19376.1.5.3.1.4.13.4"


def read_laboratory(act: Element, place: Place) -> Iterator[Result]:
    """Every result under the act of a laboratory section, in its batteries and isolates."""
    yield from _within(act, place, "", _specimen(act, place))


def read_vital_signs(organizer: Element, place: Place) -> Iterator[Result]:
    """Each vital sign of an organizer; those without a date of their own take the organizer's."""
    for observation in children(organizer, "component/observation"):
        if found := read_result(observation, place, ResultKind.VITAL_SIGN, within=organizer):
            yield found


def read_result(
    observation: Element,
    place: Place,
    kind: ResultKind,
    *,
    within: Element | None = None,
    battery: str = "",
    specimen: str = "",
) -> Result | None:
    """One observation; None when it has no code at all."""
    code = place.code(child(observation, "code"))
    if code is None:
        return None
    reference = child(observation, "referenceRange/observationRange")
    return Result(
        **place.stated(observation),
        kind=kind,
        code=code,
        status=attribute(child(observation, "statusCode"), "code"),
        at=moment(child(observation, "effectiveTime")) or moment(child(within, "effectiveTime")),
        value=value_of(observation, place),
        interpretation=attribute(child(observation, "interpretationCode"), "code"),
        reference=_reference(reference),
        reference_text=text_of(child(reference, "text")),
        specimen=_specimen(observation, place) or specimen,
        method=_method(observation, place),
        battery=battery,
        comment=comment_of(observation, place),
    )


def _within(element: Element, place: Place, battery: str, specimen: str) -> Iterator[Result]:
    specimen = _specimen(element, place) or specimen
    for relation in (*children(element, "entryRelationship"), *children(element, "component")):
        for part in relation:
            name = QName(part).localname
            if name == "observation" and _is_result(part):
                found = read_result(
                    part, place, ResultKind.LABORATORY, within=element, battery=battery, specimen=specimen
                )
                if found:
                    yield found
                yield from _within(part, place, battery, specimen)
            elif name in ("organizer", "act"):
                code = place.code(child(part, "code"))
                inner = code.words if name == "organizer" and code else battery
                yield from _within(part, place, inner, specimen)


def _is_result(observation: Element) -> bool:
    return LABORATORY_RESULT in templates_of(observation) or child(observation, "value") is not None


def _specimen(element: Element, place: Place) -> str:
    for path in ("specimen/specimenRole", "entryRelationship/procedure/participant/participantRole"):
        code = place.code(child(element, f"{path}/specimenPlayingEntity/code")) or place.code(
            child(element, f"{path}/playingEntity/code")
        )
        if code:
            return code.words
    return ""


def _method(observation: Element, place: Place) -> str:
    code = place.code(child(observation, "methodCode"))
    return code.words if code else ""


def _reference(reference: Element | None) -> Bounds | None:
    return bounds(child(reference, "value"))
