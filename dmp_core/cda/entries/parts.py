"""What the entries share: where they stand, who acted, which product, which value."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypedDict

from lxml.etree import _Element as Element

from dmp_core.cda.header import person
from dmp_core.cda.statements import Author, Product
from dmp_core.cda.values import (
    TYPE,
    Bounds,
    Code,
    Quantity,
    Texts,
    attribute,
    bounds,
    child,
    children,
    code,
    identifier,
    quantity,
    referred,
    text_of,
)

_SIMPLE = "{urn:hl7-org:v3}"
_COMMENT = "48767-8"


@dataclass(frozen=True, slots=True)
class Place:
    """Where entries stand: the code and title of their section, what the narrative says by id, the kind of document."""

    section: str
    title: str
    texts: Texts
    reimbursements: bool = False

    def code(self, element: Element | None) -> Code | None:
        """The coded value of an element, with the words that it refers to."""
        return code(element, self.texts)

    def words(self, element: Element | None) -> str:
        """The text of an element, its own or the one it refers to."""
        return referred(element, self.texts)

    def stated(self, element: Element) -> "Identity":
        """What every statement says of where it comes from."""
        return {
            "id": str(identifier(child(element, "id")) or ""),
            "path": path_of(element),
            "section": self.section,
            "text": self.words(child(element, "text")),
        }


class Identity(TypedDict):
    """The members common to all statements."""

    id: str
    path: str
    section: str
    text: str


def path_of(element: Element) -> str:
    """The XPath of an element, readable: names without namespace, positions kept."""
    return "/ClinicalDocument/" + element.getroottree().getelementpath(element).replace(_SIMPLE, "")


def value_of(observation: Element, place: Place) -> Quantity | Bounds | Code | str | None:
    """The value of an observation by its declared type; text when it is of no type that this reader knows."""
    element = child(observation, "value")
    if element is None:
        return None
    kind = (element.get(TYPE) or "").rpartition(":")[2]
    if kind in ("PQ", "INT", "REAL"):
        return quantity(element)
    if kind in ("IVL_PQ", "IVL_INT"):
        return bounds(element)
    if kind in ("CD", "CE", "CV", "CO", "CS"):
        return place.code(element)
    if kind == "RTO":
        return f"{attribute(child(element, 'numerator'), 'value')}/{attribute(child(element, 'denominator'), 'value')}"
    return attribute(element, "value") or place.words(element) or None


def author_of(statement: Element, participation: str = "author", role: str = "assignedAuthor") -> Author | None:
    """The author of a statement, or who plays the `participation`."""
    element = child(statement, participation)
    if element is None:
        return None
    found = person(element, role)
    organization = found.organization.name if found.organization else ""
    return Author(found.name, found.rpps, found.specialty, organization, found.at)


def performer_of(statement: Element) -> Author | None:
    """Who performed the act of a statement."""
    return author_of(statement, "performer", "assignedEntity")


def product_of(statement: Element, place: Place, role: str = "consumable") -> Product:
    """The medicine or vaccine consumed, or handed over (`product`). What French documents give as mere translations
    becomes the code."""
    material = child(statement, f"{role}/manufacturedProduct/manufacturedMaterial")
    name = text_of(child(material, "name"))
    found = place.code(child(material, "code")) or Code(text=name)
    if not found.code:
        first = next((one for one in found.walk() if one.code), None)
        if first:
            words = found.words or name
            found = Code(first.code, first.system, first.label, words, found.translations)
    atc = place.code(child(material, "pharm:asSpecializedKind/pharm:generalizedMedicineClass/pharm:code"))
    if atc:
        found = Code(found.code, found.system, found.label, found.text, (*found.translations, atc))
    lot = text_of(child(material, "lotNumberText"))
    return Product(code=found, name=name or found.words, lot=lot, substances=tuple(_substances(material, place)))


def _substances(material: Element | None, place: Place) -> Iterator[Code]:
    """The active substances (IHE Pharmacy, Medicine Entry), named as the document names them."""
    for one in children(material, "pharm:ingredient/pharm:ingredient"):
        found = place.code(child(one, "pharm:code")) or Code()
        named = Code(found.code, found.system, found.label or text_of(child(one, "pharm:name")), found.text)
        if named.words:
            yield named


def related(statement: Element, tag: str) -> Iterator[Element]:
    """The statements of that element name which complete this one (`entryRelationship` or `component`)."""
    yield from children(statement, f"entryRelationship/{tag}")
    yield from children(statement, f"component/{tag}")


def comment_of(statement: Element, place: Place) -> str:
    """The comments attached to a statement."""
    acts = (act for act in related(statement, "act") if attribute(child(act, "code"), "code") == _COMMENT)
    return " ".join(filter(None, (place.words(child(act, "text")) for act in acts)))


def denied(statement: Element) -> bool:
    """Whether the statement says that this is not so (`negationInd`)."""
    return attribute(statement, "negationInd") == "true"
