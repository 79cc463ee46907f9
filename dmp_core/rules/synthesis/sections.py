"""The sections of a medical summary (CI-SIS, volet de synthèse médicale VSM 1.4), in the order in which it is read."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    """A section: its name in addresses, its LOINC code, its title, the templates of the CI-SIS, of CCD and of IHE."""

    name: str
    code: str
    title: str
    template: str
    also: tuple[str, ...] = ()


PROBLEMS = Section(
    "pathologies",
    "11450-4",
    "Pathologies en cours",
    "1.2.250.1.213.1.1.2.132",
    ("2.16.840.1.113883.10.20.1.11", "1.3.6.1.4.1.19376.1.5.3.1.3.6"),
)
HISTORY = Section(
    "antecedents", "11348-0", "Antécédents médicaux", "1.2.250.1.213.1.1.2.134", ("1.3.6.1.4.1.19376.1.5.3.1.3.8",)
)
PROCEDURES = Section(
    "actes",
    "47519-4",
    "Antécédents chirurgicaux et actes",
    "1.2.250.1.213.1.1.2.136",
    ("2.16.840.1.113883.10.20.1.12", "1.3.6.1.4.1.19376.1.5.3.1.3.11", "1.3.6.1.4.1.19376.1.5.3.1.3.12"),
)
ALLERGIES = Section(
    "allergies",
    "48765-2",
    "Allergies et hypersensibilités",
    "1.2.250.1.213.1.1.2.137",
    ("2.16.840.1.113883.10.20.1.2", "1.3.6.1.4.1.19376.1.5.3.1.3.13"),
)
_SOCIAL = (
    "29762-2",
    "1.2.250.1.213.1.1.2.141",
    ("2.16.840.1.113883.10.20.1.15", "1.3.6.1.4.1.19376.1.5.3.1.3.16", "1.3.6.1.4.1.19376.1.5.3.1.3.16.1"),
)
LIFESTYLE = Section("mode-de-vie", _SOCIAL[0], "Facteurs de risque : mode de vie", *_SOCIAL[1:])
FAMILY = Section(
    "famille",
    "10157-6",
    "Antécédents familiaux",
    "1.2.250.1.213.1.1.2.139",
    ("2.16.840.1.113883.10.20.1.4", "1.3.6.1.4.1.19376.1.5.3.1.3.14", "1.3.6.1.4.1.19376.1.5.3.1.3.15"),
)
SOCIAL = Section("contexte", _SOCIAL[0], "Contexte social", *_SOCIAL[1:])
_RESULTS = ("30954-2", "1.2.250.1.213.1.1.2.150", ("1.3.6.1.4.1.19376.1.5.3.1.3.27",))
ATTENTION = Section("vigilance", _RESULTS[0], "Points de vigilance", *_RESULTS[1:])
RESULTS = Section("resultats", _RESULTS[0], "Derniers résultats et mesures", *_RESULTS[1:])
TREATMENTS = Section(
    "traitements",
    "10160-0",
    "Traitements au long cours",
    "1.2.250.1.213.1.1.2.143",
    ("2.16.840.1.113883.10.20.1.8", "1.3.6.1.4.1.19376.1.5.3.1.3.19"),
)
VACCINATIONS = Section(
    "vaccinations", "11369-6", "Vaccinations", "1.2.250.1.213.1.1.2.147", ("1.3.6.1.4.1.19376.1.5.3.1.3.23",)
)
SECTIONS: Mapping[str, Section] = {
    section.name: section
    for section in (
        PROBLEMS,
        HISTORY,
        PROCEDURES,
        ALLERGIES,
        LIFESTYLE,
        FAMILY,
        SOCIAL,
        ATTENTION,
        RESULTS,
        TREATMENTS,
        VACCINATIONS,
    )
}


@dataclass(frozen=True, slots=True)
class Group:
    """A section that holds others; without a code, the sections stand by themselves."""

    code: str
    title: str
    template: str
    sections: tuple["Section | Group", ...]


BODY: tuple[Section | Group, ...] = (
    Group(
        "46612-8",
        "Pathologies, antécédents, allergies et facteurs de risque",
        "1.2.250.1.213.1.1.2.29",
        (
            Group(
                "34117-2",
                "Pathologies en cours, antécédents et allergies",
                "1.2.250.1.213.1.1.2.30",
                (PROBLEMS, HISTORY, PROCEDURES, ALLERGIES),
            ),
            Group("57207-3", "Facteurs de risque", "1.2.250.1.213.1.1.2.31", (LIFESTYLE, FAMILY, SOCIAL)),
        ),
    ),
    ATTENTION,
    RESULTS,
    Group("18776-5", "Traitement au long cours", "1.2.250.1.213.1.1.2.32", (TREATMENTS,)),
    VACCINATIONS,
)
"""How the document nests them. The VSM has no section of vaccinations nor of measures: these two follow its own."""
