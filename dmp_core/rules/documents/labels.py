"""The confidentiality of a document (JDV_J08): one level, and whom it is hidden from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dmp_core.categories import CONFIDENTIALITIES, SYSTEMS
from platform_core.errors import Fault

LEVELS = ("N", "R", "V")
MASKED, TO_PATIENT, TO_REPRESENTATIVES = "MASQUE_PS", "INVISIBLE_PATIENT", "INVISIBLE_REPRESENTANTS_LEGAUX"
_MOST = 4


@dataclass(frozen=True, slots=True)
class Labels:
    """The level (N, R or V), and whether the document is hidden from professionals, the patient, representatives."""

    confidentiality: str = "N"
    masked: bool = False
    invisible_to_patient: bool = False
    invisible_to_representatives: bool = False

    @property
    def codes(self) -> list[str]:
        """The codes of the value set, the level first."""
        hidden = (self.masked, self.invisible_to_patient, self.invisible_to_representatives)
        named = zip((MASKED, TO_PATIENT, TO_REPRESENTATIVES), hidden, strict=True)
        return [self.confidentiality, *(code for code, applies in named if applies)]


def read_labels(concepts: Sequence[Mapping[str, Any]], path: str) -> Labels | list[Fault]:
    """Read `securityLabel`; nothing said is the normal level."""
    faults, codes = [], []
    for index, concept in enumerate(concepts):
        known = [coding["code"] for coding in concept.get("coding", ()) if _is_known(coding)]
        codes += known[:1]
        if not known:
            faults.append(Fault(f"{path}[{index}]", "is not a confidentiality of JDV_J08.", "code-invalid"))
    levels = [code for code in codes if code in LEVELS]
    if len(concepts) > _MOST or len(set(codes)) < len(codes) or len(levels) > 1:
        faults.append(Fault(path, f"holds at most {_MOST} labels, each once, of which one level.", "business-rule"))
    if faults:
        return faults
    hidden = (code in codes for code in (MASKED, TO_PATIENT, TO_REPRESENTATIVES))
    return Labels(levels[0] if levels else "N", *hidden)


def _is_known(coding: Mapping[str, Any]) -> bool:
    """Published examples write a level under the system of visibility: either system of the value set will do."""
    return coding.get("code") in CONFIDENTIALITIES and SYSTEMS.get(coding.get("system", "")) in _OF_LABELS


_OF_LABELS = frozenset(code.system for code in CONFIDENTIALITIES.values())
