"""Names of medicines and of allergens, compared without accents or capitals."""

import unicodedata


def folded(text: str) -> str:
    """A name without accents, capitals or double spaces."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return " ".join("".join(letter for letter in plain if not unicodedata.combining(letter)).split())
