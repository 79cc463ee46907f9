"""JSON as FHIR needs it: a decimal keeps the digits it was written with (FHIR R4, datatypes: 72.40 is not 72.4)."""

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from platform_core.errors import Malformed, TooLarge

_LONGEST_NUMBER = 40
_LARGEST_EXPONENT = 300
_SAFE_DIGITS = 15
MOST_ELEMENTS = 10_000
_MARKS = (b",", b"{")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class Number(float):
    """A number in a form that `Decimal` does not keep, such as 1e2, and how it was written."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> "Number":
        number = super().__new__(cls, text)
        number.text = text
        return number


def _decimal(text: str) -> Decimal | Number:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError("A number has too many digits.")
    if "e" not in text and "E" not in text:
        return Decimal(text)
    if abs(Decimal(text).adjusted()) > _LARGEST_EXPONENT:
        raise ValueError("A number is too large or too small.")
    return Number(text)


def _integer(text: str) -> int | Decimal | Number:
    return int(text) if len(text) <= _SAFE_DIGITS and text != "-0" else _decimal(text)


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON.")


_decode = json.JSONDecoder(parse_float=_decimal, parse_int=_integer, parse_constant=_no_constant).decode


def read(body: bytes, *, most_elements: int = MOST_ELEMENTS) -> Any:
    """Parse UTF-8 JSON; decimals come as `Decimal` or `Number`. Raises `Malformed` (`invalid-json`), `TooLarge`.

    The elements are counted before they are read: judging a resource takes microseconds for each of them.
    """
    if sum(map(body.count, _MARKS)) > most_elements:
        raise TooLarge(f"The body holds more than {most_elements} elements.")
    if b"\\u0000" in body:
        raise Malformed("The body holds a NUL character, which FHIR forbids.", code="invalid-json")
    try:
        if _SURROGATE.search(body):
            orjson.loads(body)  # refuses half a pair, which no database keeps
        return _decode(body.decode())
    except (ValueError, InvalidOperation, RecursionError) as error:
        raise Malformed(f"The body cannot be read as JSON: {error}", code="invalid-json") from None


def write(value: Any) -> str:
    """Compact JSON; each decimal as it was written. Raises `Malformed` on text that is not Unicode."""
    try:
        return orjson.dumps(value, default=_as_written).decode()
    except orjson.JSONEncodeError as error:
        raise Malformed(f"The content cannot be stored: {error}", code="invalid-json") from None


def exact(number: Any) -> Decimal:
    """The exact value of a number just read."""
    return Decimal(number.text if isinstance(number, Number) else number)


def _as_written(value: Any) -> orjson.Fragment:
    if isinstance(value, Number):
        return orjson.Fragment(value.text)
    if isinstance(value, Decimal):
        return orjson.Fragment(f"{value:f}")
    raise TypeError(f"{type(value).__name__} is not JSON.")
