"""Names of medicines and of allergens, compared without accents or capitals."""

import unicodedata
from functools import lru_cache


# Each name of a long record is compared with all the others.
@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """A name without accents, capitals or double spaces."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return " ".join("".join(letter for letter in plain if not unicodedata.combining(letter)).split())
