"""What the pages of the profile say of each step: titles, questions, choices, errors, an answer in one line."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import gettext

from dmp_core.rules.profile.steps import Step
from dmp_core.rules.profile.told import MOST_DETAIL, MOST_LABEL, Told
from platform_core.errors import DomainError


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of a step, ready to be shown. `choices` are the (code, label) pairs of its question `choice`."""

    title: str
    lead: str
    label: str
    hint: str
    choice: str
    choices: list[tuple[str, str]]
    detail: str
    none: str
    unknown: str


def _(text: str) -> str:
    """Marks a msgid."""
    return text


_NONE, _UNKNOWN = _("Je n’en ai pas"), _("Je ne sais pas")
_TEXTS: Mapping[str, tuple[str, str, str, str, str, str, str]] = {
    "allergies": (
        _("Allergies"),
        _("Médicaments, aliments, piqûres, pollens : ce qui vous a déjà fait réagir."),
        _("À quoi êtes-vous allergique ?"),
        _("Par exemple : pénicilline, arachide."),
        _("Quelle a été la gravité ?"),
        _("Quelle réaction avez-vous eue ?"),
        _NONE,
    ),
    "maladies": (
        _("Maladies et antécédents"),
        _("Vos maladies d’aujourd’hui, et celles, opérations comprises, qui ont compté."),
        _("Quelle maladie ou quelle opération ?"),
        _("Par exemple : asthme, opération de l’appendicite."),
        _("Où en est-elle ?"),
        _("Ce qu’il est utile d’en savoir"),
        _NONE,
    ),
    "traitements": (
        _("Traitements"),
        _("Les médicaments que vous prenez, avec ou sans ordonnance."),
        _("Quel médicament ?"),
        _("Le nom écrit sur la boîte."),
        _("Où en est ce traitement ?"),
        _("Comment le prenez-vous ?"),
        _NONE,
    ),
    "famille": (
        _("Antécédents familiaux"),
        _("Les maladies de vos parents, frères, sœurs et enfants."),
        _("Quelle maladie ?"),
        _("Par exemple : diabète, cancer du sein."),
        _("De qui ?"),
        _("Ce qu’il est utile d’en savoir"),
        _("Je n’en connais pas"),
    ),
    "habitudes": (
        _("Habitudes de vie"),
        _("Tabac, alcool, activité physique : ce que vous voulez en dire."),
        _("Votre réponse"),
        _("Par exemple : je marche une demi-heure chaque jour."),
        _("De quoi parlez-vous ?"),
        "",
        _("Rien à signaler"),
    ),
}
_CHOICES = {
    "low": _("Gênante, sans danger"),
    "high": _("Grave : j’ai eu besoin de soins"),
    "unable-to-assess": _UNKNOWN,
    "active": _("Encore aujourd’hui"),
    "resolved": _("Passée"),
    "completed": _("Terminé"),
    "MTH": _("Mère"),
    "FTH": _("Père"),
    "SIB": _("Frère ou sœur"),
    "CHILD": _("Enfant"),
    "GRPRN": _("Grand-parent"),
    "EXT": _("Autre parent"),
    "tobacco": _("Tabac"),
    "alcohol": _("Alcool"),
    "activity": _("Activité physique"),
    "diet": _("Alimentation"),
    "sleep": _("Sommeil"),
    "other": _("Autre habitude"),
}
_ERRORS = {
    "label": _("Écrivez une réponse, de %(most)s caractères au plus."),
    "choice": _("Choisissez une réponse."),
    "detail": _("Écrivez %(most)s caractères au plus."),
    "since": _("Écrivez une année, entre la naissance et aujourd’hui."),
}
_MOST = {"label": MOST_LABEL, "detail": MOST_DETAIL}
_UNSAID = frozenset({"unable-to-assess"})
_OVER = frozenset({"resolved", "completed"})


def words(step: Step) -> Words:
    """The texts of a step."""
    title, lead, label, hint, choice, detail, none = (text and gettext(text) for text in _TEXTS[step.name])
    choices = [(code, gettext(_CHOICES[code])) for code in step.choices]
    return Words(title, lead, label, hint, choice, choices, detail, none, gettext(_UNKNOWN))


def errors(error: DomainError) -> dict[str, str]:
    """The errors of the form by field."""
    return {fault.where: gettext(_ERRORS[fault.where], most=_MOST.get(fault.where)) for fault in error.faults}


def line(step: Step, told: Told, label: str) -> str:
    """An answer in one line; `label` is what the record calls it, where nothing was told by hand."""
    choice = gettext(_CHOICES[told.choice]) if told.choice in step.choices and told.choice not in _UNSAID else ""
    if step.name in {"famille", "habitudes"}:
        said = gettext("%(about)s : %(text)s", about=choice or label, text=told.label or label)
        return f"{said} ({told.detail})" if told.detail else said
    since = told.since
    if since and told.choice not in _OVER:
        since = gettext("depuis %(year)s", year=since)
    more = ", ".join(part for part in (choice[:1].lower() + choice[1:], since, told.detail) if part)
    return f"{told.label or label} ({more})" if more else told.label or label
