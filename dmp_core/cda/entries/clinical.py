"""Vaccinations, problems, allergies, family history, procedures and devices (IHE PCC, CI-SIS)."""

from collections.abc import Iterator

from lxml.etree import _Element as Element

from dmp_core.cda.entries.parts import Place, author_of, comment_of, denied, performer_of, product_of, related
from dmp_core.cda.statements import Allergy, Device, FamilyHistory, Problem, Procedure, Vaccination
from dmp_core.cda.values import (
    Code,
    Period,
    attribute,
    child,
    children,
    moment,
    period,
    quantity,
    templates_of,
    text_of,
)

VACCINATION = "1.3.6.1.4.1.19376.1.5.3.1.4.12"
CONCERN = "1.3.6.1.4.1.19376.1.5.3.1.4.5.1"
PROBLEM = "1.3.6.1.4.1.19376.1.5.3.1.4.5"
ALLERGY = "1.3.6.1.4.1.19376.1.5.3.1.4.6"
FAMILY_HISTORY = "1.3.6.1.4.1.19376.1.5.3.1.4.15"
PROCEDURE = "1.3.6.1.4.1.19376.1.5.3.1.4.19"
DEVICE = "1.2.250.1.213.1.1.3.20"

_RANK = "30973-2"
_STATUS, _SEVERITY, _DEATH = "33999-4", "SEV", "419099009"
_PAST_SECTIONS = ("11348-0",)
_INACTIVE = ("inactive", "resolved", "remission", "73425007", "413322009")
_NONE_KNOWN = ("716186003", "409137002", "428607008", "429625007", "160245001", "160244002")


def read_vaccination(statement: Element, place: Place) -> Vaccination:
    """A vaccine given; `negationInd` says that it was not."""
    rank = next((found for found in _coded(statement, place, _RANK)), None)
    return Vaccination(
        **place.stated(statement),
        product=product_of(statement, place),
        at=moment(child(statement, "effectiveTime")) or period(child(statement, "effectiveTime")).start,
        refused=denied(statement),
        series=place.code(child(statement, "code")),
        rank=_integer(attribute(child(rank, "value"), "value")),
        route=place.code(child(statement, "routeCode")),
        site=place.code(child(statement, "approachSiteCode")),
        dose=quantity(child(statement, "doseQuantity")),
        performer=performer_of(statement),
        comment=comment_of(statement, place),
        reactions=_reactions(statement, place),
    )


def read_concern(act: Element, place: Place) -> Iterator[Problem | Allergy]:
    """The problems and allergies that a concern gathers; its status says whether they are followed today."""
    followed = attribute(child(act, "statusCode"), "code") in ("active", "suspended", "")
    for observation in related(act, "observation"):
        templates = templates_of(observation)
        if ALLERGY in templates:
            yield _allergy(observation, act, place)
        elif PROBLEM in templates:
            yield _problem(observation, act, place, followed)


def read_problem(observation: Element, place: Place) -> Problem:
    """A problem stated outside any concern."""
    return _problem(observation, observation, place, True)


def read_family_history(organizer: Element, place: Place) -> Iterator[FamilyHistory]:
    """Each condition of one relative."""
    relation = place.code(child(organizer, "subject/relatedSubject/code")) or Code(text="Parent non précisé")
    for observation in children(organizer, "component/observation"):
        condition = place.code(child(observation, "value")) or _said(observation, place)
        if condition:
            yield FamilyHistory(
                **place.stated(observation),
                relation=relation,
                condition=condition,
                since=_dated(observation).start,
                died_of_it=any(_coded(observation, place, _DEATH)),
            )


def read_procedure(procedure: Element, place: Place) -> Procedure | None:
    """An act, done or (`moodCode` other than EVN) to be done; None without a code."""
    code = place.code(child(procedure, "code"))
    if code is None:
        return None
    return Procedure(
        **place.stated(procedure),
        code=code,
        period=_dated(procedure),
        planned=attribute(procedure, "moodCode") != "EVN",
        performer=performer_of(procedure),
    )


def read_device(supply: Element, place: Place) -> Device | None:
    """A device worn, implanted or prescribed; None when nothing says which."""
    role = child(supply, "participant/participantRole")
    code = place.code(child(role, "playingDevice/code")) or _said(supply, place)
    if code is None:
        return None
    return Device(
        **place.stated(supply),
        code=code,
        period=_dated(supply),
        udi=attribute(child(role, "id"), "extension"),
        quantity=quantity(child(supply, "quantity")),
        prescribed=attribute(supply, "moodCode") != "EVN",
        author=author_of(supply),
        repeats=_integer(attribute(child(supply, "repeatNumber"), "value")),
    )


def _problem(observation: Element, concern: Element, place: Place, followed: bool) -> Problem:
    code = place.code(child(observation, "value")) or place.code(child(observation, "code"))
    own = _dated(observation)
    return Problem(
        **place.stated(observation),
        code=code or Code(text="Problème non précisé"),
        period=own if own.known else _dated(concern),
        active=followed and place.section not in _PAST_SECTIONS and not _inactive(observation, place) and not own.end,
        absent=denied(observation) or bool(code and code.code in _NONE_KNOWN),
    )


def _allergy(observation: Element, concern: Element, place: Place) -> Allergy:
    kind = place.code(child(observation, "code"))
    entity = child(observation, "participant/participantRole/playingEntity")
    value = place.code(child(observation, "value"))
    agent = place.code(child(entity, "code")) or _named(entity) or value or kind
    own = _dated(observation)
    return Allergy(
        **place.stated(observation),
        kind=kind,
        agent=agent or Code(text="Agent non précisé"),
        active=not _inactive(observation, place) and not own.end,
        absent=denied(observation) or any(one and one.code in _NONE_KNOWN for one in (kind, value)),
        period=own if own.known else _dated(concern),
        reactions=_reactions(observation, place),
        severity=_severity(observation, place),
    )


def _named(entity: Element | None) -> Code | None:
    name = text_of(child(entity, "name"))
    return Code(text=name) if name else None


def _said(statement: Element, place: Place) -> Code | None:
    words = place.words(child(statement, "text"))
    return Code(text=words) if words else None


def _dated(statement: Element) -> Period:
    return period(child(statement, "effectiveTime"))


def _coded(statement: Element, place: Place, code: str) -> Iterator[Element]:
    return (one for one in related(statement, "observation") if attribute(child(one, "code"), "code") == code)


def _inactive(observation: Element, place: Place) -> bool:
    return any(attribute(child(one, "value"), "code") in _INACTIVE for one in _coded(observation, place, _STATUS))


def _severity(observation: Element, place: Place) -> str:
    codes = (place.code(child(one, "value")) for one in _coded(observation, place, _SEVERITY))
    return next((code.words for code in codes if code), "")


def _reactions(statement: Element, place: Place) -> tuple[str, ...]:
    """What the statement caused (`typeCode` CAUS or MFST)."""
    relations = (one for one in children(statement, "entryRelationship") if one.get("typeCode") in ("CAUS", "MFST"))
    values = (place.code(child(one, "observation/value")) for one in relations)
    return tuple(value.words for value in values if value)


def _integer(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 4 else None
