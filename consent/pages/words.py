"""What pages say of a consent and of a line of the journal, in plain French."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from flask_babel import gettext

from consent.queries import FROZEN, ConsentState, ItemState
from consent.rules import texts
from consent.rules.calendar import paris_day
from consent.workflow import Status
from platform_core import clock
from platform_core.categories import registry
from platform_core.french import day_in_words, hour_in_words
from platform_core.permission import Unit

ALL = "toutes"


def status_tag(status: str) -> tuple[str, str]:
    """The words and the colour of a status."""
    return {
        Status.ACTIVE: (gettext("Active"), "success"),
        Status.PAUSED: (gettext("En pause"), "warning"),
        Status.REVOKED: (gettext("Révoquée"), "neutral"),
        Status.EXPIRED: (gettext("Expirée"), "neutral"),
        Status.ENDED: (gettext("Terminée"), "neutral"),
        FROZEN: (gettext("Référencement suspendu"), "danger"),
    }[status]


def filters() -> list[tuple[str, str]]:
    """The filters of the dashboard: their value in the address and their label."""
    return [
        (ALL, gettext("Toutes")),
        ("actives", gettext("Actives")),
        ("en-pause", gettext("En pause")),
        ("expirees", gettext("Expirées")),
        ("revoquees", gettext("Révoquées ou terminées")),
        ("refusees", gettext("Refusées")),
    ]


def filter_of(state: ConsentState) -> str:
    """Under which filter a consent stands; a suspension does not change the patient's own choice."""
    return {
        Status.ACTIVE: "actives",
        Status.PAUSED: "en-pause",
        Status.EXPIRED: "expirees",
        Status.REVOKED: "revoquees",
        Status.ENDED: "revoquees",
    }[state.stored]


def category(code: str) -> str:
    """The short label of a category, or its code when no room declares it any more."""
    found = registry.find(code)
    return found.short_fr if found else code


def categories(state: ConsentState) -> str:
    """The categories of a consent in short words, each once."""
    return ", ".join(dict.fromkeys(category(item.category) for item in state.items))


def frequencies(state: ConsentState) -> str:
    """The frequencies of a consent, each once."""
    shown = texts.load()
    return ", ".join(dict.fromkeys(shown.frequency(item.periodicity) for item in state.items))


def usage(item: ItemState, now: datetime) -> str:
    """`2 sur 4 aujourd’hui, prochaine à 14 h 05`: what was used and when the next synchronisation may begin."""
    if item.periodicity.unit:
        return _counted(item, item.periodicity.unit, now)
    if item.exhausted:
        return gettext("Accès unique utilisé")
    if item.open_until:
        return gettext("Accès unique en cours, jusqu’à %(at)s", at=moment(item.open_until, now))
    return {
        "once": gettext("Accès unique, pas encore utilisé"),
        "on_demand": gettext("Ouvert quand vous choisissez « Synchroniser maintenant »"),
        "continuous": gettext("Sans limite"),
    }[item.periodicity.kind]


def usages(state: ConsentState, now: datetime) -> str:
    """What was used of each item, each sentence once, with what it is about when they differ."""
    said: dict[str, list[str]] = {}
    for item in state.items:
        said.setdefault(usage(item, now), []).append(f"{category(item.category)} ({action(item.access).lower()})")
    if len(said) == 1:
        return next(iter(said))
    return " ; ".join(f"{', '.join(names)} : {sentence}" for sentence, names in said.items())


def _counted(item: ItemState, unit: Unit, now: datetime) -> str:
    span = {
        Unit.HOUR: gettext("cette heure-ci"),
        Unit.DAY: gettext("aujourd’hui"),
        Unit.WEEK: gettext("cette semaine"),
        Unit.MONTH: gettext("ce mois-ci"),
    }[unit]
    counted = gettext("%(used)s sur %(most)s %(span)s", used=item.used, most=item.periodicity.most, span=span)
    if item.next_window_at is None or item.next_window_at <= now:
        return counted
    return gettext("%(counted)s, prochaine %(at)s", counted=counted, at=moment(item.next_window_at, now))


def moment(instant: datetime, now: datetime) -> str:
    """`à 14 h 05` today, else `le 1er décembre 2026 à 0 h 00`."""
    hour = hour_in_words(instant)
    if paris_day(instant) == paris_day(now):
        return gettext("à %(hour)s", hour=hour)
    return gettext("le %(day)s à %(hour)s", day=day_in_words(instant), hour=hour)


def remaining_days(state: ConsentState) -> int:
    """Days left, the last one counted."""
    return (state.valid_until - clock.today()).days + 1


def done(act: str) -> str:
    """What is said after an act of the dashboard."""
    return {
        "pause": gettext("L’accès est en pause : l’application n’accède plus à vos données."),
        "resume": gettext("L’accès a repris."),
        "synchronise": gettext("Pendant quinze minutes, l’application peut synchroniser sans que cela compte."),
    }[act]


def outcome(line: object) -> tuple[str, str]:
    """What became of a data call, and the colour of its tag."""
    if line.outcome == "served":  # type: ignore[attr-defined]
        return gettext("Servi"), "success"
    return gettext("Refusé : %(reason)s", reason=reason(line.code)), "danger"  # type: ignore[attr-defined]


def reason(code: str) -> str:
    """Why a data call was refused."""
    return {
        "consent-not-given": gettext("hors de votre autorisation"),
        "consent-paused": gettext("autorisation en pause"),
        "consent-exhausted": gettext("accès unique déjà utilisé"),
        "consent-ended": gettext("autorisation terminée"),
        "consent-frequency-exceeded": gettext("trop fréquent"),
        "outside-data-period": gettext("dates non autorisées"),
        "application-suspended": gettext("référencement suspendu"),
        "patient-mismatch": gettext("données d’une autre personne"),
        "insufficient-user-authentication": gettext("preuve d’identité à renouveler"),
        "not-found": gettext("donnée introuvable"),
        "no-agreement": gettext("dossier non ouvert à ce professionnel"),
        "writing-refused": gettext("vous vous y opposez"),
        "outside-access-matrix": gettext("hors de ce que sa profession atteint"),
        "identity-not-qualified": gettext("identité à vérifier"),
        "structure-suspended": gettext("structure suspendue"),
    }.get(code, gettext("demande non conforme"))


def action(access: str) -> str:
    """Reading or adding, as the journal says it."""
    return {"read": gettext("Lecture"), "write": gettext("Ajout")}.get(access, gettext("Accès"))


def event(kind: str) -> str:
    """One act in the history of a consent."""
    return {
        "granted": gettext("Autorisation donnée"),
        "amended": gettext("Autorisation modifiée"),
        "paused": gettext("Mise en pause"),
        "resumed": gettext("Reprise"),
        "revoked": gettext("Révocation"),
        "expired": gettext("Fin de l’autorisation"),
        "ended": gettext("Fin décidée par l’application ou par l’autorité"),
        "sync_requested": gettext("Synchronisation demandée"),
        "suspended": gettext("Référencement suspendu"),
        "reinstated": gettext("Référencement rétabli"),
        "contributions_keep": gettext("Données ajoutées par l’application : gardées"),
        "contributions_mask": gettext("Données ajoutées par l’application : masquées"),
        "contributions_delete": gettext("Données ajoutées par l’application : supprimées"),
        "erasure_asked": gettext("Effacement demandé à l’éditeur"),
        "erasure_acknowledged": gettext("Demande d’effacement reçue par l’éditeur"),
        "erasure_done": gettext("Données effacées, selon l’éditeur"),
        "erasure_refused": gettext("Effacement refusé par l’éditeur"),
        "erasure_overdue": gettext("Délai d’effacement dépassé"),
    }[kind]


def changes(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[str]:
    """What one version of a consent changed of the one before it; all of it when there was none."""
    old = {(item["category"], item["access"]): item for item in before["items"]} if before else {}
    new = {(item["category"], item["access"]): item for item in after["items"]}
    if before is None:
        return sorted(_granted(item) for item in after["items"])
    said = [gettext("%(item)s : ajouté", item=_granted(new[key])) for key in new if key not in old]
    said += [gettext("%(item)s : retiré", item=_granted(old[key])) for key in old if key not in new]
    for key in new.keys() & old.keys():
        if new[key]["frequency"] != old[key]["frequency"] or new[key]["data_period"] != old[key]["data_period"]:
            said.append(gettext("%(before)s devient %(after)s", before=_granted(old[key]), after=_granted(new[key])))
    return [*sorted(said), *_change_of_end(before["valid_until"], after["valid_until"])]


def _change_of_end(before: str, after: str) -> list[str]:
    ends = {name: day_in_words(date.fromisoformat(day)) for name, day in (("before", before), ("after", after))}
    if before == after:
        return []
    if before < after:
        return [gettext("Fin repoussée du %(before)s au %(after)s", **ends)]
    return [gettext("Fin avancée du %(before)s au %(after)s", **ends)]


def _granted(item: Mapping[str, Any]) -> str:
    start = item["data_period"]["from"]
    since = gettext(", depuis le %(day)s", day=day_in_words(date.fromisoformat(start))) if start else ""
    return f"{item['label']} ({item['action'].lower()}), {item['frequency']}{since}"
