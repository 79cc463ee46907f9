"""The code that a person copies from a device (RFC 8628 §6.1): few letters, none that looks like another."""

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
LENGTH = 8
_GROUP = 4


def read_code(text: str) -> str | None:
    """The code as it was given out, from what was typed: case, spaces and dashes do not count. None for no code."""
    typed = "".join(character for character in text.upper() if character.isalnum())
    return typed if len(typed) == LENGTH and set(typed) <= set(ALPHABET) else None


def write_code(code: str) -> str:
    """The code in groups, as a screen shows it."""
    return "-".join(code[start : start + _GROUP] for start in range(0, LENGTH, _GROUP))
