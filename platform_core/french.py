"""French typography, dates and numbers, as every page and every message writes them."""

import re
from datetime import date, datetime
from decimal import Decimal, localcontext

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from platform_core.clock import PARIS

LOCALE = "fr"
_DIGITS = 400
"""More than any number that is kept: by default a number of thirty digits is a fault."""
_NO_BREAK = "\u00a0"
_NARROW = "\u202f"
_BEFORE_SIGN = re.compile(r" (?=[;?!»])")
_AFTER_QUOTE = re.compile(r"(?<=«) ")
_BEFORE_COLON = re.compile(r" (?=:(?:\s|$))")


def typeset(text: str) -> str:
    """Keep French punctuation with its word: a narrow no-break space for `; ? ! « »`, a full one for `:`."""
    text = _AFTER_QUOTE.sub(_NARROW, _BEFORE_SIGN.sub(_NARROW, text))
    return _BEFORE_COLON.sub(_NO_BREAK, text)


def in_words(instant: datetime | None) -> str:
    """An aware instant as people in Paris say it: `21 novembre 2026 à 14 h 05`; nothing for None."""
    if instant is None:
        return ""
    return f"{day_in_words(instant)} à{_NO_BREAK}{hour_in_words(instant)}"


def hour_in_words(instant: datetime) -> str:
    """The hour in Paris of an aware instant: `14 h 05`."""
    return format_datetime(instant, "H'\u00a0h\u00a0'mm", tzinfo=PARIS, locale=LOCALE)


def day_in_words(day: date | datetime | None) -> str:
    """A day, or the day in Paris of an aware instant: `1er mars 2026`; nothing for None."""
    if day is None:
        return ""
    local = day.astimezone(PARIS).date() if isinstance(day, datetime) else day
    number = "1er" if local.day == 1 else str(local.day)
    return f"{number}{_NO_BREAK}{format_date(local, 'MMMM y', locale=LOCALE)}"


def month_in_words(day: date) -> str:
    """The month of a day: `Novembre 2026`, as a title."""
    return format_date(day, "MMMM y", locale=LOCALE).capitalize()


def day_in_figures(day: date | datetime | None) -> str:
    """The same day where room is short: `01/03/2026`."""
    if day is None:
        return ""
    return f"{day.astimezone(PARIS) if isinstance(day, datetime) else day:%d/%m/%Y}"


def number_in_words(value: Decimal | float | None) -> str:
    """A number with a decimal comma and narrow no-break spaces between thousands: `1 250,5`; nothing for None.

    Every decimal of a `Decimal` is kept, the zeros at its end too: they tell the precision of a measure.
    """
    if value is None:
        return ""
    exponent = value.as_tuple().exponent if isinstance(value, Decimal) else None
    with localcontext(prec=_DIGITS):
        if isinstance(exponent, int) and exponent < 0:
            return format_decimal(value, f"#,##0.{'0' * -exponent}", locale=LOCALE)
        return format_decimal(value, locale=LOCALE, decimal_quantization=False)


def size_in_words(size: int) -> str:
    """A number of bytes as people read it: `812 octets`, `64 Ko`, `2,4 Mo` (1 Ko is 1 024 octets)."""
    if size < 1000:
        return f"{size}{_NO_BREAK}octets"
    if size < 1000 * 1024:
        return f"{round(size / 1024)}{_NO_BREAK}Ko"
    return f"{number_in_words(round(size / 1024**2, 1))}{_NO_BREAK}Mo"
