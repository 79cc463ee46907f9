"""The form by which a person types a measure in: text to values, faults in words that the page shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation

from flask_babel import gettext

from dmp_core.categories import BLOOD_PRESSURE, Coding, Kind
from platform_core.clock import PARIS

_LARGEST = Decimal(10) ** 6
_PARTS = {True: ("systolic", "diastolic"), False: ("value",)}


@dataclass(slots=True)
class TypedMeasure:
    """What was typed: `texts` to show again, and either `errors` by field or the values read."""

    texts: Mapping[str, str]
    values: list[Decimal] = field(default_factory=list)
    at: datetime | None = None
    circumstance: Coding | None = None
    errors: dict[str, str] = field(default_factory=dict)


def value_fields(kind: Kind) -> tuple[str, ...]:
    """The names of the fields that hold the numbers of a kind."""
    return _PARTS[kind.name == BLOOD_PRESSURE]


def read_typed(form: Mapping[str, str], kind: Kind, choices: Mapping[Coding, str]) -> TypedMeasure:
    """Read the form of a kind; `choices` are the circumstances, of which one must be chosen when there are any."""
    read = TypedMeasure(form)
    for name in value_fields(kind):
        number = _number(form.get(name, ""))
        if number is None:
            read.errors[name] = gettext("Écrivez un nombre, par exemple 72,5.")
        else:
            read.values.append(number)
    try:
        local = datetime.fromisoformat(f"{form.get('date', '')}T{form.get('time', '')}")
        read.at = local.replace(tzinfo=PARIS)
    except ValueError:
        read.errors["date"] = gettext("Indiquez le jour et l’heure de la mesure.")
    if choices:
        read.circumstance = next((coding for coding in choices if coding[1] == form.get("circumstance")), None)
        if read.circumstance is None:
            read.errors["circumstance"] = gettext("Choisissez une réponse.")
    return read


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text.strip().replace("\u202f", "").replace(",", "."))
    except InvalidOperation:
        return None
    return value if value.is_finite() and 0 <= value < _LARGEST and len(value.as_tuple().digits) < 10 else None
