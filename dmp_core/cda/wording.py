"""Dosages in French words."""

from decimal import Decimal

from dmp_core.cda.statements import Dosage
from dmp_core.cda.values import Bounds, Quantity

_UNITS = {
    "{tablet}": ("comprimé", "comprimés"),
    "{capsule}": ("gélule", "gélules"),
    "{drop}": ("goutte", "gouttes"),
    "{puff}": ("bouffée", "bouffées"),
    "{dose}": ("dose", "doses"),
    "{sachet}": ("sachet", "sachets"),
    "{box}": ("boîte", "boîtes"),
    "30009000": ("boîte", "boîtes"),
    "{unit}": ("unité", "unités"),
    "h": ("heure", "heures"),
    "d": ("jour", "jours"),
    "wk": ("semaine", "semaines"),
    "mo": ("mois", "mois"),
    "min": ("minute", "minutes"),
    "a": ("an", "ans"),
}
_EVENTS = {
    "AC": "avant les repas",
    "ACM": "avant le petit-déjeuner",
    "ACD": "avant le déjeuner",
    "ACV": "avant le dîner",
    "PC": "après les repas",
    "PCM": "après le petit-déjeuner",
    "PCD": "après le déjeuner",
    "PCV": "après le dîner",
    "HS": "au coucher",
    "WAKE": "au lever",
    "C": "pendant les repas",
    "CM": "au petit-déjeuner",
    "CD": "au déjeuner",
    "CV": "au dîner",
}
_EACH = {"1 d": "par jour", "24 h": "par jour", "1 wk": "par semaine", "1 h": "par heure", "1 mo": "par mois"}
_FEMININE = frozenset({"h", "wk", "min"})


def dosage_in_words(dosage: Dosage) -> str:
    """One step of a dosage: how much, how often, how long. The prescriber's own words when nothing else is said."""
    parts = [
        amount_in_words(dosage.dose) if dosage.dose else "",
        _every(dosage.every) if dosage.every else "",
        _EVENTS.get(dosage.when, ""),
        f"pendant {counted(dosage.duration)}" if dosage.duration else "",
    ]
    return " ".join(part for part in parts if part) or dosage.text


def most_in_words(most: str) -> str:
    """A greatest dose, « 4 {tablet} / 1 d »: 4 comprimés par jour."""
    amount, _, span = most.partition(" / ")
    number, _, unit = amount.partition(" ")
    each = _EACH.get(span)
    return f"{counted(Quantity(Decimal(number), unit))} {each}" if each else most.replace(".", ",")


def amount_in_words(bounds: Bounds) -> str:
    """A dose, or the lowest and the highest one."""
    low, high = bounds.low, bounds.high
    if low and high and low != high:
        return f"{plain(low.value)} à {counted(high)}"
    one = low or high
    return counted(one) if one else ""


def _every(period: Quantity) -> str:
    if period.value == 1:
        return {"d": "chaque jour", "h": "chaque heure", "wk": "chaque semaine", "mo": "chaque mois"}.get(
            period.unit, f"par {counted(period)}"
        )
    each = "toutes les" if period.unit in _FEMININE else "tous les"
    return f"{each} {counted(period)}"


def counted(quantity: Quantity) -> str:
    """A quantity with its unit in words. Codes of EDQM's packages that are not known say nothing: « unités »."""
    if quantity.unit.isdecimal() and quantity.unit not in _UNITS:
        return counted(Quantity(quantity.value, "{unit}"))
    singular, plural = _UNITS.get(quantity.unit, (quantity.unit.strip("{}"),) * 2)
    return f"{plain(quantity.value)} {plural if abs(quantity.value) >= 2 else singular}".strip()


def plain(value: Decimal) -> str:
    """A number as it is written in French, without needless zeros."""
    return f"{value.normalize():f}".replace(".", ",")
