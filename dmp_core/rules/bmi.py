"""The body mass index: computed from a weight and the height known at that time, never stored."""

from decimal import ROUND_HALF_UP, Decimal

_CENTIMETRES = Decimal(100)
_TENTH = Decimal("0.1")


def body_mass_index(*, weight: Decimal, height: Decimal) -> Decimal:
    """kg/m² to one decimal from kilograms and centimetres. The height is that of a person."""
    return (weight / (height / _CENTIMETRES) ** 2).quantize(_TENTH, ROUND_HALF_UP)
