"""A medical summary as a CDA document: what was kept, line by line with its sources, and entries that programs read."""

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from lxml.etree import _Element as Element

from dmp_core.categories import FACILITIES
from dmp_core.cda import synthesis as entries
from dmp_core.cda import writing
from dmp_core.cda.document import Organization, Person
from dmp_core.cda.resources.parts import oid_of
from dmp_core.cda.values import Code, Identifier
from dmp_core.cda.writing import LOINC, Head, Part
from dmp_core.fhir.profile import RELATIVES
from dmp_core.rules.synthesis.drafts import Line
from dmp_core.rules.synthesis.facts import Coded, Source, denies
from dmp_core.rules.synthesis.sections import (
    ALLERGIES,
    BODY,
    FAMILY,
    HISTORY,
    LIFESTYLE,
    PROBLEMS,
    PROCEDURES,
    SOCIAL,
    TREATMENTS,
    VACCINATIONS,
    Group,
    Section,
)
from dmp_core.rules.synthesis.telling import OTHER_HABIT, SOME_RELATIVE
from dmp_core.service.professionals.records import Opening
from dmp_core.service.professionals.writing import PLACES
from dmp_core.service.synthesis.drafting import TYPE, Summary
from identity_core import queries as identity
from platform_core.clock import PARIS
from platform_core.french import day_in_figures

_TEMPLATE = "1.2.250.1.213.1.1.1.13"
_RPPS = "1.2.250.1.71.4.2.1"
_TITLE = "Synthèse médicale"
_LABEL = "Synthèse"
_SPECIALITIES = "1.2.250.1.213.1.1.4.5"
_TYPES = "1.2.250.1.213.1.1.4.12"


def compose(
    opening: Opening,
    summary: Summary,
    *,
    place: str,
    at: datetime,
    unique_id: Identifier,
    version: int = 1,
    replaces: Identifier | None = None,
) -> bytes:
    """The document of what the doctor kept, in the sections of the VSM; `place` is the kind of facility (J02)."""
    parts = [_part(one, summary) for one in BODY]
    return writing.write(_head(opening, place, at, unique_id, version, replaces), parts)


def _head(
    opening: Opening, place: str, at: datetime, unique_id: Identifier, version: int, replaces: Identifier | None
) -> Head:
    patient, doctor = opening.patient, opening.professional
    ins = identity.find_ins(patient.id)
    given, _, family = doctor.display_name.partition(" ")
    role = f"G15_{doctor.profession}" + (f"/{doctor.speciality}" if doctor.speciality else "")
    set_of = uuid5(NAMESPACE_URL, f"urn:ens:synthesis:{patient.id}:{doctor.id}")
    return Head(
        unique_id=unique_id,
        code=Code(TYPE, _TYPES, _LABEL),
        title=_TITLE,
        created=at.astimezone(PARIS),
        template=_TEMPLATE,
        patient=Identifier(ins.oid, ins.matricule) if ins else None,
        family=patient.family_name,
        given=patient.given_name,
        birth_date=patient.birth_date,
        gender={"female": "F", "male": "M"}.get(patient.sex, "UN"),
        author=Person(
            family, given, "", Identifier(_RPPS, f"8{doctor.rpps}"), Code(role, _SPECIALITIES, opening.reach.label)
        ),
        custodian=Organization(f"{doctor.display_name}, {FACILITIES[place].label}"),
        facility=place,
        setting=PLACES[place],
        set_id=Identifier(oid_of_uuid(set_of)),
        version=version,
        replaces=replaces,
        is_signed=True,
    )


def oid_of_uuid(id: UUID) -> str:
    """The OID of a UUID (ITU-T X.667)."""
    return f"2.25.{id.int}"


def _part(section: Section | Group, summary: Summary) -> Part:
    code = Code(section.code, LOINC, section.title)
    if isinstance(section, Group):
        parts = [_part(one, summary) for one in section.sections]
        return Part(code=code, title=section.title, template=section.template, parts=parts)
    lines = [one for one in summary.lines if one.section == section.name and one.kept]
    heading = ["Quoi", "D’où cela vient"]
    rows = [[f"{one.text} ({one.remark.lower()})" if one.remark else one.text, _origin(one)] for one in lines]
    comment = summary.comments.get(section.name, "")
    write = _WRITERS.get(section.name)
    facts = [one for one in lines if not (one.proposal and one.proposal.fact.absent) and not denies(one.text)]
    return Part(
        code=code,
        title=section.title,
        template=section.template,
        also=section.also,
        rows=[heading, *rows] if rows else [["Rien de noté."]],
        paragraphs=[line for line in comment.splitlines() if line.strip()],
        entries=[entry for one in facts if write and (entry := write(one)) is not None],
    )


def _origin(line: Line) -> str:
    if line.proposal is None:
        return "Le médecin"
    said = " ; ".join(_cited(one) for one in line.proposal.sources)
    return f"Le médecin, d’après : {said}" if line.is_reworded else said


def _cited(source: Source) -> str:
    parts = (source.label, source.author, day_in_figures(source.at))
    return ", ".join(part for part in parts if part)


def _code(line: Line) -> Code:
    """The code of a fact, as long as the doctor left its words; their own words are no code."""
    coded = _coded(line)
    system = oid_of(coded.system)
    if coded.code and system and not line.is_reworded:
        return Code(coded.code, system, coded.label)
    return Code(text=line.text if line.is_reworded or not coded.label else coded.label)


def _coded(line: Line) -> Coded:
    return line.proposal.fact.coded if line.proposal else Coded()


def _since(line: Line) -> str:
    return _coded(line).since[:10].replace("-", "")


def _id(line: Line) -> Identifier | None:
    """The entry of the record that says it already, or the document, so that it is not kept twice."""
    if line.proposal is None:
        return None
    coded, document_id = _coded(line), line.proposal.sources[0].document_id
    if coded.entry_id:
        return Identifier(oid_of_uuid(coded.entry_id))
    return Identifier(oid_of_uuid(document_id), coded.code or coded.label) if document_id else None


def _habit(line: Line) -> Element:
    """A habit under its subject; one that the doctor put in words is its own subject, or of the social context."""
    if line.proposal is not None and not line.is_reworded:
        return entries.habit(_code(line), _coded(line).detail, _id(line))
    if line.section == SOCIAL.name:
        return entries.habit(Code(text=OTHER_HABIT), line.text, _id(line))
    return entries.habit(Code(text=line.text), "", _id(line))


def _relative(line: Line) -> Element:
    tie = _coded(line).detail
    return entries.relative(entries.relation(tie, RELATIVES.get(tie, SOME_RELATIVE)), _code(line), _id(line))


def _vaccine(line: Line) -> Element | None:
    """A vaccine with its day; one that the doctor adds in words has none that a program could read."""
    return entries.vaccine(_code(line), _since(line), _id(line)) if _since(line) else None


_WRITERS: Mapping[str, Callable[[Line], Element | None]] = {
    PROBLEMS.name: lambda line: writing.problem(_code(line), _since(line), id=_id(line)),
    HISTORY.name: lambda line: writing.problem(_code(line), _since(line), followed=False, id=_id(line)),
    PROCEDURES.name: lambda line: entries.procedure(_code(line), _since(line), _id(line)),
    ALLERGIES.name: lambda line: writing.allergy(_code(line), _since(line), id=_id(line)),
    LIFESTYLE.name: _habit,
    SOCIAL.name: _habit,
    FAMILY.name: _relative,
    TREATMENTS.name: lambda line: entries.medicine(_code(line), _since(line), _id(line)),
    VACCINATIONS.name: _vaccine,
}
