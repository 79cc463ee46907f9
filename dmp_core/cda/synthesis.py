"""The entries that a medical summary adds to those of `writing`: acts, medicines taken, vaccines, habits, relatives.

Dates are as much of one as HL7 writes, or an empty string. `id` names the fact, so that who reads it again knows it.
"""

from lxml.etree import _Element as Element

from dmp_core.cda.values import TYPE, Code, Identifier
from dmp_core.cda.writing import E, began, coded, identified, statement, typed, writable

_ROLES = "2.16.840.1.113883.5.111"
_DIAGNOSIS = Code("282291009", "2.16.840.1.113883.6.96", "interprétation diagnostique")


def procedure(code: Code, at: str, id: Identifier | None) -> Element:
    """An act performed (IHE PCC Procedure; CI-SIS FR-Acte)."""
    return E.entry(
        statement(
            "procedure",
            ("1.3.6.1.4.1.19376.1.5.3.1.4.19", "2.16.840.1.113883.10.20.1.29", "1.2.250.1.213.1.1.3.62"),
            *_named(id),
            coded("code", code),
            E.statusCode(code="completed"),
            _on(at),
            classCode="PROC",
        )
    )


def medicine(product: Code, since: str, id: Identifier | None) -> Element:
    """A medicine taken for long; how is read in the narrative (IHE PCC Medications; CI-SIS FR-Traitement)."""
    lasting = typed("effectiveTime", "IVL_TS")
    lasting.extend([*began(since), E.high(nullFlavor="UNK")])
    return E.entry(
        statement(
            "substanceAdministration",
            ("2.16.840.1.113883.10.20.1.24", "1.3.6.1.4.1.19376.1.5.3.1.4.7", "1.2.250.1.213.1.1.3.42"),
            *_named(id),
            E.statusCode(code="completed"),
            lasting,
            _consumed(product),
            classCode="SBADM",
        )
    )


def vaccine(product: Code, at: str, id: Identifier | None) -> Element:
    """A vaccine given (IHE PCC Immunizations; CI-SIS FR-Vaccination)."""
    return E.entry(
        statement(
            "substanceAdministration",
            ("2.16.840.1.113883.10.20.1.24", "1.3.6.1.4.1.19376.1.5.3.1.4.12", "1.2.250.1.213.1.1.3.45"),
            *_named(id),
            E.statusCode(code="completed"),
            _on(at),
            _consumed(product),
            classCode="SBADM",
            negationInd="false",
        )
    )


def habit(what: Code, words: str, id: Identifier | None) -> Element:
    """A habit of life, in words (IHE PCC Social History Observation; CI-SIS FR-Habitus-mode-de-vie)."""
    value = typed("value", "ST")
    value.text = writable(words)
    return E.entry(
        statement(
            "observation",
            ("1.3.6.1.4.1.19376.1.5.3.1.4.13", "1.3.6.1.4.1.19376.1.5.3.1.4.13.4", "1.2.250.1.213.1.1.3.52"),
            *_named(id),
            coded("code", what),
            E.statusCode(code="completed"),
            E.effectiveTime(nullFlavor="NA"),
            value,
            classCode="OBS",
        )
    )


def relative(relation: Code, condition: Code, id: Identifier | None) -> Element:
    """What a relative had (IHE PCC Family History Organizer; CI-SIS FR-Antecedents-familiaux)."""
    value = coded("value", condition)
    value.set(TYPE, "CD")
    observed = statement(
        "observation",
        ("1.3.6.1.4.1.19376.1.5.3.1.4.13", "1.3.6.1.4.1.19376.1.5.3.1.4.13.3", "1.2.250.1.213.1.1.3.51"),
        *_named(id),
        coded("code", _DIAGNOSIS),
        E.statusCode(code="completed"),
        E.effectiveTime(nullFlavor="UNK"),
        value,
        classCode="OBS",
    )
    return E.entry(
        statement(
            "organizer",
            ("2.16.840.1.113883.10.20.1.23", "1.3.6.1.4.1.19376.1.5.3.1.4.15", "1.2.250.1.213.1.1.3.59"),
            E.statusCode(code="completed"),
            E.subject(E.relatedSubject(coded("code", relation), classCode="PRS")),
            E.component(observed),
            classCode="CLUSTER",
        )
    )


def relation(code: str, words: str) -> Code:
    """The tie with a relative (HL7 RoleCode)."""
    return Code(code, _ROLES if code else "", words if code else "", "" if code else words)


def _named(id: Identifier | None) -> list[Element]:
    return [identified("id", id)] if id else []


def _on(at: str) -> Element:
    return E.effectiveTime({"value": at} if at else {"nullFlavor": "UNK"})


def _consumed(product: Code) -> Element:
    material = E.manufacturedMaterial(coded("code", product), E.name(product.words))
    return E.consumable(E.manufacturedProduct(material))
