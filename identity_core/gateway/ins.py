"""The INS teleservice: from the traits of an identity to its matricule.

The real teleservice of the Cnam asks for a health card or a server certificate and is not connected; development and
testing use a simulation, which production refuses.
"""

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from platform_core import config
from platform_core.errors import Unavailable
from platform_core.health_identity import INS_NIR_TEST, Ins


@dataclass(frozen=True, slots=True)
class Traits:
    """The strict traits of an identity.

    `given_names` are all first names at birth, space separated; `sex` is `male`, `female` or `unknown`;
    `birth_place` is the INSEE code of a commune or country, empty when unknown.
    """

    family_name: str
    given_names: str
    birth_date: date
    sex: str
    birth_place: str


class InsTeleservice(Protocol):
    """What is asked of the teleservice."""

    def search(self, traits: Traits) -> Ins | None:
        """The matricule of the one person who bears these traits; None when nobody or several do.

        Raises `Unavailable`.
        """


class SimulatedInsTeleservice:
    """Gives every complete identity a fictitious matricule under the test OID, always the same for the same traits.

    The order number is above 900: no commune registers so many births in a month.
    """

    def search(self, traits: Traits) -> Ins | None:
        sex = {"male": "1", "female": "2"}.get(traits.sex)
        if sex is None or len(traits.birth_place) != 5:
            return None
        names = f"{traits.family_name}|{traits.given_names}|{traits.birth_date}".upper()
        order = 900 + int.from_bytes(hashlib.sha256(names.encode()).digest()[:4], "big") % 100
        digits = f"{sex}{traits.birth_date:%y%m}{traits.birth_place.upper()}{order}"
        number = int(digits.replace("2A", "19").replace("2B", "18"))
        return Ins(f"{digits}{97 - number % 97:02}", INS_NIR_TEST)


class NoInsTeleservice:
    """No teleservice is connected: identities are checked but their matricule stays unknown."""

    def search(self, traits: Traits) -> Ins | None:
        raise Unavailable("No INS teleservice is connected.")


def teleservice() -> InsTeleservice:
    """The teleservice of this process: the simulation, never in production."""
    return NoInsTeleservice() if config.current().is_production else SimulatedInsTeleservice()
