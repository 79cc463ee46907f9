"""From the schema of the dossier to form fields, and from posted forms to dossier values; refusals said in French."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask_babel import gettext, ngettext
from werkzeug.datastructures import MultiDict

from platform_core.access import Access
from platform_core.categories import registry
from platform_core.errors import DomainError, Fault
from platform_core.french import day_in_words, typeset
from platform_core.permission import Periodicity, PeriodicityKind, Unit
from store.rules import dossier
from store.rules.evidence import KINDS
from store.rules.grid import Criterion

Form = MultiDict[str, str]
MOST_RADIOS = 10


@dataclass(frozen=True, slots=True)
class Field:
    """One field as the templates draw it.

    `kind` is text, area, lines, date, number, flag, choice, choices, or select for a long choice.
    """

    name: str
    label: str
    hint: str
    kind: str
    options: list[dict[str, str]] = field(default_factory=list)
    value: Any = None
    error: str = ""
    required: bool | None = True


def _(text: str, **values: object) -> str:
    return typeset(str(gettext(text, **values)))


def section_by_slug() -> Mapping[str, str]:
    """Sections of the dossier by the word that names them in addresses."""
    return {schema["x-slug"]: code for code, schema in dossier.SECTIONS.items()}


def fields_of(
    schema: Mapping[str, Any],
    values: Mapping[str, Any],
    faults: Iterable[Fault] = (),
    only: Collection[str] | None = None,
) -> list[Field]:
    """The fields of a section (`only` those of a step), or of an item, with their present values and what is wrong."""
    errors = {fault.where.rsplit(".", 1)[-1]: say_fault(fault) for fault in faults}
    return [
        Field(
            name,
            _(shape["title"]),
            _(shape["description"]) if "description" in shape else "",
            _kind(shape),
            [{"value": value, "label": _(label)} for value, label in shape.get("x-labels", {}).items()],
            values.get(name),
            errors.get(name, ""),
            _is_required(schema, name),
        )
        for name, shape in schema["properties"].items()
        if _kind(shape) != "parts" and (only is None or name in only)
    ]


def _is_required(schema: Mapping[str, Any], name: str) -> bool | None:
    """None when it depends on another answer of the section."""
    if any(name in rule["then"]["required"] for rule in schema.get("allOf", ())):
        return None
    return name in schema["required"]


def _kind(shape: Mapping[str, Any]) -> str:
    if shape["type"] == "object" or "$ref" in shape.get("items", {}):
        return "parts"
    if shape["type"] == "array":
        return "choices" if "enum" in shape["items"] else "lines"
    if "enum" in shape:
        return "choice" if len(shape["enum"]) <= MOST_RADIOS else "select"
    if shape.get("format") == "date":
        return "date"
    if shape["type"] == "boolean":
        return "flag"
    if "integer" in shape["type"]:
        return "number"
    return "area" if shape.get("maxLength", 0) > 150 and "pattern" not in shape else "text"


def read(schema: Mapping[str, Any], form: Form, only: Collection[str] | None = None) -> dict[str, Any]:
    """The values posted for a section, a step or an item; what was left empty is left out."""
    found = {
        name: _read(name, shape, form)
        for name, shape in schema["properties"].items()
        if _kind(shape) != "parts" and (only is None or name in only)
    }
    return {name: value for name, value in found.items() if value not in ("", None, [])}


def _read(name: str, shape: Mapping[str, Any], form: Form) -> Any:
    kind, text = _kind(shape), form.get(name, "").strip()
    if kind == "choices":
        return form.getlist(name)
    if kind == "lines":
        return [line.strip() for line in text.splitlines() if line.strip()]
    if kind == "flag":
        return {"true": True, "false": False}.get(text)
    if "integer" in shape["type"] and re.fullmatch(r"[0-9]{1,6}", text):
        return int(text)
    return text.replace("\r\n", "\n")


def read_item(form: Form) -> dict[str, Any]:
    """The item of data posted, with its periodicity; without a history bound, the whole history."""
    item = {"history_days": None, **read(dossier.ITEM, form)}
    kind = form.get("frequency", "")
    if kind == PeriodicityKind.RECURRING:
        most = form.get("most", "").strip()
        item["periodicity"] = {"max": int(most) if re.fullmatch("[0-9]{1,5}", most) else most, "per": form.get("per")}
    elif kind in set(PeriodicityKind):
        item["periodicity"] = {kind: True}
    return item


def item_choices() -> Sequence[tuple[str, str]]:
    """Every category that can be asked, as (code, label)."""
    return [(category.code, category.short_fr) for category in registry.all()]


def say_category(code: str) -> str:
    """The short label of a category; its code when no room declares it any more."""
    category = registry.find(code)
    return _(category.short_fr) if category else code


def say_evidence(criterion: Criterion) -> str:
    """The kinds of evidence that a criterion asks for, in words."""
    return " ; ".join(_(KINDS[kind].label) if kind in KINDS else kind for kind in criterion.evidence)


def say_access(access: str) -> str:
    return _("Lire") if access == Access.READ else _("Ajouter")


def say_periodicity(value: Periodicity | Mapping[str, Any]) -> str:
    """How often, in words."""
    periodicity = value if isinstance(value, Periodicity) else Periodicity.from_json(value)
    if periodicity.kind is PeriodicityKind.RECURRING:
        units = {
            Unit.HOUR: _("par heure"),
            Unit.DAY: _("par jour"),
            Unit.WEEK: _("par semaine"),
            Unit.MONTH: _("par mois"),
        }
        return _("%(most)s fois %(unit)s au plus", most=periodicity.most, unit=units[periodicity.unit or Unit.DAY])
    return {
        PeriodicityKind.ONCE: _("une seule fois"),
        PeriodicityKind.ON_DEMAND: _("à la demande du patient"),
        PeriodicityKind.CONTINUOUS: _("en continu"),
    }[periodicity.kind]


def say_history(item: Mapping[str, Any]) -> str:
    """How far back the data may go, in words; it has no meaning for what is only written."""
    days = item["history_days"]
    if item["access"] == Access.WRITE:
        return _("sans objet")
    if days is None:
        return _("tout l’historique")
    if days % 365 == 0:
        return str(ngettext("%(num)s an au plus", "%(num)s ans au plus", days // 365))
    return str(ngettext("%(num)s jour au plus", "%(num)s jours au plus", days))


def describe_section(code: str, values: Mapping[str, Any]) -> list[dict[str, str]]:
    """A section as rows of key and value, for reading; a field asked of some services only is left out when empty."""
    schema = dossier.SECTIONS[code]
    return [
        {"key": one.label, "value": describe(one)}
        for one in fields_of(schema, values)
        if one.name in values or "x-applies-when" not in schema["properties"][one.name]
    ]


def describe(one: Field) -> str:
    """The value of a field in words."""
    if one.value in (None, "", []):
        return _("Non renseigné")
    if one.kind == "flag":
        return _("Oui") if one.value else _("Non")
    if one.kind == "date":
        return day_in_words(date.fromisoformat(one.value))
    labels = {str(option["value"]): option["label"] for option in one.options}
    values = one.value if isinstance(one.value, list) else [one.value]
    return " ; ".join(labels.get(str(value), str(value)) for value in values)


def describe_item(item: Mapping[str, Any]) -> tuple[str, ...]:
    """A line of the table of data: what, access, why, need, history, frequency."""
    return (
        say_category(item["category"]),
        say_access(item["access"]),
        item["why"],
        _("Nécessaire") if item["required"] else _("Facultative"),
        say_history(item),
        say_periodicity(item["periodicity"]),
    )


def say_fault(fault: Fault) -> str:
    """What is wrong with a field."""
    return {
        "required": _("Ce champ manque."),
        "insufficient": _("Ce niveau ne suffit pas : le critère est obligatoire."),
        "evidence-required": _("Une pièce est exigée : rattachez-la à ce critère."),
        "evidence-unexplained": _("Rattachez une pièce à ce critère, ou dites pourquoi il n’y en a pas."),
        "not-eligible": _("Cette réponse ne permet pas de déposer le dossier."),
        "too-short": _("C’est trop court : donnez plus de précisions."),
        "too-long": _("C’est trop long : raccourcissez."),
        "not-a-choice": _("Choisissez une des réponses proposées."),
        "format": _("La forme n’est pas celle attendue."),
        "out-of-range": _("Le nombre est hors des limites."),
        "unknown-category": _("Cette donnée ne peut pas être demandée avec cet accès."),
        "periodicity": _("Choisissez une fréquence possible, par exemple une fois par jour."),
    }.get(fault.code, _("Cette réponse n’est pas valable."))


def label_of(where: str) -> str:
    """The label of the field that a fault names: `hosting.hoster` gives « Hébergeur »; a criterion gives its id."""
    section, __, rest = where.partition(".")
    name = rest.split(".")[0]
    shape = dossier.SECTIONS[section]["properties"].get(name) if section in dossier.SECTIONS else None
    return _(shape["title"]) if shape else name or where


def say_refusal(refused: DomainError) -> str:
    """Why an act was refused, for the person who tried it."""
    return {
        "transition-refused": _("L’état du dossier ne permet plus cet acte : quelqu’un est passé avant vous."),
        "four-eyes": _("Vous avez participé à l’évaluation : quelqu’un d’autre doit décider."),
        "own-organisation": _("Ce dossier est celui de votre propre organisation."),
        "role-required": _("Cet acte revient à un autre rôle que le vôtre."),
        "text-required": _("Écrivez votre réponse."),
        "answer-required": _("Dites ce que vous avez fait."),
        "documents-required": _("Choisissez au moins une pièce."),
        "quality-required": _("Dites en quelle qualité vous signez."),
        "text-changed": _("Le texte a changé depuis que vous l’avez lu : relisez-le avant de signer."),
        "already-signed": _("La convention est déjà signée."),
        "motive-required": _("Dites pourquoi : le motif est obligatoire."),
        "criteria-not-met": _("Des critères obligatoires ne sont pas conformes."),
        "proposal-missing": _("L’évaluation n’est pas conclue : une proposition est attendue."),
        "already-assigned": _("Une autre personne est déjà chargée de ce dossier."),
        "evaluation-incomplete": _("Des critères attendent encore un avis, ou une précision."),
        "nothing-flagged": _("Choisissez au moins une partie du dossier à compléter."),
        "against-opinion": _("Dites si cette décision s’écarte, ou non, de l’avis de la commission."),
        "reservations-open": _("Des réserves suspensives ne sont pas levées."),
        "questions-open": _("Des questions attendent encore votre réponse."),
        "not-signed": _("L’éditeur n’a pas encore signé la convention."),
        "interop-pending": _("Des tests d’interopérabilité n’ont pas encore été réussis."),
        "conflict-of-interest": _("Vous avez déclaré un intérêt dans ce dossier : vous n’y prenez pas part."),
        "interests-undeclared": _("Déclarez d’abord vos intérêts dans ce dossier."),
        "no-quorum": _("Le quorum n’est pas atteint."),
        "no-majority": _("Tous les membres se sont abstenus."),
        "comment-required": _("Un avis autre que « conforme » doit être expliqué."),
        "always-applies": _("Ce critère s’applique à tous les dossiers."),
        "version-mismatch": _("Quelqu’un d’autre a enregistré entre-temps."),
        "section-locked": _("L’instruction n’a pas demandé de changer cette partie du dossier."),
    }.get(refused.code, _("Cet acte n’est pas possible."))
