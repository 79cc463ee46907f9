"""What the pages say, in French."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from partner_sdk import AuthorizationRefused, ConsentItem, FrequencyExceeded, PartnerError, StoredMeasure, errors

PARIS = ZoneInfo("Europe/Paris")
_MONTHS = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()

KINDS = {
    "body-weight": "Poids",
    "body-height": "Taille",
    "blood-pressure": "Tension artérielle",
    "heart-rate": "Fréquence cardiaque",
    "oxygen-saturation": "Saturation en oxygène",
    "temperature": "Température",
    "blood-glucose": "Glycémie",
}
UNITS = {"mm[Hg]": "mmHg", "Cel": "°C", "/min": "battements par minute"}
STATUSES = {
    "active": "En cours",
    "paused": "En pause",
    "frozen": "Suspendue par l’autorité",
    "revoked": "Révoquée",
    "expired": "Expirée",
    "ended": "Terminée",
}
ACCESSES = {"read": "Lire", "write": "Ajouter"}
_UNITS_OF_TIME = {"hour": "heure", "day": "jour", "week": "semaine", "month": "mois"}

_ERRORS: list[tuple[type[PartnerError], str]] = [
    (
        errors.ConsentEnded,
        "L’autorisation n’existe plus : vous y avez mis fin ou elle a expiré. Rien n’a été transmis.",
    ),
    (errors.Unauthorized, "La connexion à votre espace santé n’est plus valable. Connectez-le à nouveau."),
    (errors.ConsentPaused, "Vous avez mis Balance+ en pause dans votre espace santé. Rien n’a été transmis."),
    (errors.ConsentExhausted, "Vous aviez autorisé une seule synchronisation, et elle a eu lieu."),
    (errors.ConsentMissing, "Vous n’avez pas autorisé Balance+ à faire cela."),
    (errors.ApplicationSuspended, "Balance+ est suspendue du catalogue : ses échanges sont arrêtés."),
    (errors.RateLimited, "Trop de demandes en peu de temps. Réessayez dans une minute."),
    (errors.ServerError, "Votre espace santé ne répond pas pour l’instant. Réessayez plus tard."),
    (errors.ConnectionFailed, "Votre espace santé ne répond pas pour l’instant. Réessayez plus tard."),
]


def explain(error: PartnerError) -> str:
    """What happened and what to do, without jargon."""
    if isinstance(error, FrequencyExceeded):
        if error.retry_at is None:
            return "Le nombre de synchronisations que vous avez choisi est atteint jusqu’à la fin de l’autorisation."
        return (
            "Le nombre de synchronisations que vous avez choisi est atteint. "
            f"La prochaine sera possible à partir du {moment(error.retry_at)}."
        )
    if isinstance(error, AuthorizationRefused):
        if error.error == "access_denied":
            return "Vous n’avez pas donné votre accord. Rien n’a été transmis."
        return "La connexion n’a pas abouti. Recommencez depuis cette page."
    for kind, sentence in _ERRORS:
        if isinstance(error, kind):
            return sentence
    return "La demande n’a pas abouti. Si cela se répète, écrivez à l’assistance de Balance+."


def moment(instant: datetime) -> str:
    """A date and time as people say it in Paris: 21 novembre 2026 à 9 h 05, 1er décembre 2026 à 0 h 00."""
    local = instant.astimezone(PARIS)
    day = "1er" if local.day == 1 else local.day
    return f"{day} {_MONTHS[local.month - 1]} {local.year} à {local.hour} h {local.minute:02}"


def category(code: str) -> str:
    return KINDS.get(code.removeprefix("measures."), code)


def periodicity(asked: dict[str, Any]) -> str:
    if asked.get("once"):
        return "une seule fois"
    if asked.get("on_demand"):
        return "à votre demande"
    if asked.get("continuous"):
        return "en continu"
    return f"{asked['max']} par {_UNITS_OF_TIME[asked['per']]}"


def left(item: ConsentItem) -> str:
    """What remains of an item in this period."""
    if item.remaining is None:
        return "sans limite de nombre"
    said = (
        f"{item.used} faite{'s' if item.used > 1 else ''}, {item.remaining} restante{'s' if item.remaining > 1 else ''}"
    )
    if item.remaining == 0 and item.next_window_at:
        said += f" ; prochaine le {moment(item.next_window_at)}"
    return said


def value(measure: StoredMeasure) -> str:
    unit = UNITS.get(measure.unit, measure.unit)
    if measure.kind == "blood-pressure":
        return f"{_number(measure.systolic)} / {_number(measure.diastolic)} {unit}"
    return f"{_number(measure.value)} {unit}"


def _number(number: Decimal | None) -> str:
    return "—" if number is None else format(number, "f").replace(".", ",")
