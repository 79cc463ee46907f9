"""The kinds of entry: the category and the resource of each, and where the resource says what it is about."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from platform_core.access import Access
from platform_core.categories import Category, Family, SmartScope

LABORATORY, SOCIAL_HISTORY = "laboratory", "social-history"
_CATEGORY_SYSTEM = "http://terminology.hl7.org/CodeSystem/observation-category"
_WRITTEN = frozenset(Access)
_READ = frozenset({Access.READ})


@dataclass(frozen=True, slots=True)
class EntryKind:
    """A kind of entry. Paths are FHIR's, `[x]` written out, in the order in which they are looked at.

    `about` holds what it is (a CodeableConcept), `starts` and `ends` its dates, `subject` its patient. `observation` is
    the category of the Observations that are of this kind; empty for the other resources.
    """

    category: str
    resource: str
    about: tuple[str, ...]
    starts: tuple[str, ...]
    ends: tuple[str, ...] = ()
    subject: str = "subject"
    observation: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    """Search parameters of this type, each with what it searches: `code`, `date` or `status`."""


VACCINATIONS = EntryKind(
    "vaccinations",
    "Immunization",
    about=("vaccineCode",),
    starts=("occurrenceDateTime", "recorded"),
    subject="patient",
    parameters=(("vaccine-code", "code"), ("date", "date"), ("status", "status")),
)
ALLERGIES = EntryKind(
    "profile.allergies",
    "AllergyIntolerance",
    about=("code",),
    starts=("onsetDateTime", "onsetPeriod.start", "recordedDate"),
    subject="patient",
    parameters=(("code", "code"), ("date", "date"), ("clinical-status", "status")),
)
CONDITIONS = EntryKind(
    "profile.conditions",
    "Condition",
    about=("code",),
    starts=("onsetDateTime", "onsetPeriod.start", "recordedDate"),
    ends=("abatementDateTime", "abatementPeriod.end"),
    parameters=(("code", "code"), ("onset-date", "date"), ("clinical-status", "status")),
)
TREATMENTS = EntryKind(
    "profile.treatments",
    "MedicationStatement",
    about=("medicationCodeableConcept",),
    starts=("effectiveDateTime", "effectivePeriod.start", "dateAsserted"),
    ends=("effectivePeriod.end",),
    parameters=(("code", "code"), ("effective", "date"), ("status", "status")),
)
FAMILY_HISTORY = EntryKind(
    "profile.family-history",
    "FamilyMemberHistory",
    about=("condition.code", "relationship"),
    starts=("date",),
    subject="patient",
    parameters=(("code", "code"), ("date", "date"), ("status", "status")),
)
LIFESTYLE = EntryKind(
    "profile.lifestyle",
    "Observation",
    about=("code",),
    starts=("effectiveDateTime", "effectivePeriod.start", "issued"),
    observation=SOCIAL_HISTORY,
)
RESULTS = EntryKind(
    "results.biology",
    "Observation",
    about=("code",),
    starts=("effectiveDateTime", "effectivePeriod.start", "issued"),
    observation=LABORATORY,
)
REIMBURSEMENTS = EntryKind(
    "reimbursements",
    "ExplanationOfBenefit",
    about=("item.productOrService",),
    starts=("item.servicedDate", "item.servicedPeriod.start", "billablePeriod.start", "created"),
    ends=("item.servicedPeriod.end", "billablePeriod.end"),
    subject="patient",
    parameters=(("created", "date"), ("status", "status")),
)
KINDS: Mapping[str, EntryKind] = {
    kind.category: kind
    for kind in (
        VACCINATIONS,
        ALLERGIES,
        CONDITIONS,
        TREATMENTS,
        FAMILY_HISTORY,
        LIFESTYLE,
        RESULTS,
        REIMBURSEMENTS,
    )
}


def _category(
    kind: EntryKind, french: tuple[str, str], english: tuple[str, str], accesses: frozenset[Access] = _WRITTEN
) -> Category:
    write = "cu" if accesses == _WRITTEN and not kind.observation else "c"
    query = f"category={kind.observation}" if kind.observation else ""
    also = frozenset({f"category={_CATEGORY_SYSTEM}|{kind.observation}"}) if kind.observation else frozenset[str]()
    smart = SmartScope(kind.resource, query, write, also)
    return Category(kind.category, *french, *english, accesses=accesses, smart=smart)


RECORD: Mapping[Family, tuple[Category, ...]] = {
    Family("results", "Résultats d’examens", "Test results"): (
        _category(
            RESULTS,
            ("Résultats de biologie", "Les résultats d’analyses lus dans vos comptes rendus de biologie."),
            ("Laboratory results", "Results read out of your laboratory reports."),
            _READ,
        ),
    ),
    Family("vaccinations", "Vaccinations", "Vaccinations"): (
        _category(
            VACCINATIONS,
            ("Vaccinations", "Vos vaccins : lesquels, quand, avec leur lot et leur rappel."),
            ("Vaccinations", "Your vaccines: which, when, with their lot and dose number."),
        ),
    ),
    Family("reimbursements", "Remboursements", "Reimbursements"): (
        _category(
            REIMBURSEMENTS,
            ("Remboursements", "Les soins, médicaments et séjours remboursés par l’assurance maladie."),
            ("Reimbursements", "Care, medicines and stays that the health insurance reimbursed."),
            _READ,
        ),
    ),
    Family("profile", "Profil médical", "Health profile"): (
        _category(
            ALLERGIES,
            ("Allergies", "Vos allergies et intolérances, avec leurs réactions."),
            ("Allergies", "Your allergies and intolerances, with their reactions."),
        ),
        _category(
            CONDITIONS,
            ("Maladies et antécédents", "Vos maladies en cours et passées."),
            ("Conditions", "Your present and past conditions."),
        ),
        _category(
            TREATMENTS,
            ("Traitements", "Vos traitements en cours et passés, avec leurs doses."),
            ("Treatments", "Your present and past treatments, with their doses."),
        ),
        _category(
            FAMILY_HISTORY,
            ("Antécédents familiaux", "Les maladies de vos proches parents."),
            ("Family history", "The conditions of your close relatives."),
        ),
        _category(
            LIFESTYLE,
            ("Habitudes de vie", "Tabac, alcool, activité physique et autres habitudes."),
            ("Lifestyle", "Tobacco, alcohol, physical activity and other habits."),
        ),
    ),
}


def kind_of(resource: Mapping[str, Any]) -> EntryKind | None:
    """The kind of entry that a resource is; None for what is no entry (a measure, for one)."""
    type_ = resource.get("resourceType")
    for kind in KINDS.values():
        if kind.resource == type_ and (not kind.observation or kind.observation in _observed(resource)):
            return kind
    return None


def kinds_of_type(type_: str) -> list[EntryKind]:
    """The kinds that are resources of a type."""
    return [kind for kind in KINDS.values() if kind.resource == type_]


def at(resource: Mapping[str, Any], path: str) -> Iterable[Any]:
    """The values that a dotted path leads to, through lists."""
    found: list[Any] = [resource]
    for name in path.split("."):
        found = [value for one in found if isinstance(one, Mapping) and name in one for value in _each(one[name])]
    return found


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _observed(resource: Mapping[str, Any]) -> list[Any]:
    """The codes of its categories; the resource may be anything, it is judged later."""
    codings = [one for one in at(resource, "category.coding") if isinstance(one, Mapping)]
    return [one.get("code") for one in codings if one.get("system", _CATEGORY_SYSTEM) == _CATEGORY_SYSTEM]
