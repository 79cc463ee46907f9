"""Names of medicines and of allergens, compared without accents or capitals."""

import unicodedata
from functools import lru_cache

UNNAMED = "Produit sans nom"
"""What people read where a document names neither medicine nor device."""


def same_name(one: str, other: str) -> bool:
    """Whether two names are one; what has no name is not the same as what has none either."""
    return one not in ("", UNNAMED) and folded(one) == folded(other)


# Each name of a long record is compared with all the others.
@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """A name without accents, capitals or double spaces."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return " ".join("".join(letter for letter in plain if not unicodedata.combining(letter)).split())
