"""Who made a document: its author as people read it, and the keys by which a search finds it again."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Resource = Mapping[str, Any]
_SPECIALTY, _ROLE = "specialty", "code"


@dataclass(frozen=True, slots=True)
class Author:
    """The first author of a document in words (XDS authorPerson, Institution, Specialty, Role); empty when unsaid.

    `keys` are those of every author: identifiers `system|value`, references, `family:…` and `given:…` names.
    """

    person: str = ""
    institution: str = ""
    specialty: str = ""
    role: str = ""
    keys: tuple[str, ...] = ()


def read_author(resource: Resource) -> Author:
    """The author of a valid DocumentReference, whose contained resources are followed."""
    contained = {f"#{one['id']}": one for one in resource.get("contained", ()) if "id" in one}
    named = [_Named(reference, contained) for reference in resource.get("author", ())]
    keys = tuple(dict.fromkeys(key for one in named for key in one.keys()))
    person = next((one.person for one in named if one.person), "")
    institution = next((one.institution for one in named if one.institution), "")
    specialty = next((words for one in named if (words := one.words(_SPECIALTY))), "")
    role = next((words for one in named if (words := one.words(_ROLE))), "")
    return Author(person, institution or _display(resource.get("custodian")), specialty, role, keys)


def name_key(part: str, text: str) -> str:
    """The key of a name, or the beginning of one: without case nor accents."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return f"{part}:{''.join(letter for letter in plain if not unicodedata.combining(letter)).strip()}"


class _Named:
    """One author: the reference, and the contained resources that it leads to."""

    def __init__(self, reference: Resource, contained: Mapping[str, Resource]) -> None:
        self._reference = reference
        self._found = list(_followed(reference, contained))

    @property
    def person(self) -> str:
        for one in self._found:
            if one["resourceType"] in {"Practitioner", "Patient", "RelatedPerson"} and (name := _person(one)):
                return name
            if one["resourceType"] == "Device" and (names := one.get("deviceName")):
                return str(names[0]["name"])
            if one["resourceType"] == "PractitionerRole" and (name := _display(one.get("practitioner"))):
                return name
        return _display(self._reference)

    @property
    def institution(self) -> str:
        for one in self._found:
            if one["resourceType"] == "Organization" and one.get("name"):
                return str(one["name"])
            if one["resourceType"] == "PractitionerRole" and (name := _display(one.get("organization"))):
                return name
        return ""

    def words(self, element: str) -> str:
        """The specialty or the function of a PractitionerRole, else the qualification of a Practitioner."""
        concepts = [concept for one in self._found for concept in one.get(element, ()) if isinstance(concept, dict)]
        return next((words for concept in concepts if (words := _concept(concept))), "")

    def keys(self) -> Iterator[str]:
        for named in (self._reference, *self._found):
            identifiers = named.get("identifier", [])
            for identifier in identifiers if isinstance(identifiers, list) else [identifiers]:
                if identifier.get("value"):
                    yield f"{identifier.get('system', '')}|{identifier['value']}"
        if (literal := self._reference.get("reference", "")) and not literal.startswith("#"):
            yield literal
        for name in _names(self._found):
            yield name_key("family", name.get("family", ""))
            yield from (name_key("given", given) for given in name.get("given", ()))


def _followed(reference: Resource, contained: Mapping[str, Resource]) -> Iterator[Resource]:
    """The contained resource that a reference points to, then those that it points to."""
    one = contained.get(reference.get("reference", ""))
    if one is None:
        return
    yield one
    for element in ("practitioner", "organization"):
        if further := contained.get(one.get(element, {}).get("reference", "")):
            yield further


def _names(found: Sequence[Resource]) -> Iterator[Resource]:
    for one in found:
        if one["resourceType"] in {"Practitioner", "Patient", "RelatedPerson"}:
            yield from one.get("name", ())


def _person(one: Resource) -> str:
    for name in one.get("name", ()):
        words = name.get("text") or " ".join([*name.get("prefix", ()), *name.get("given", ()), name.get("family", "")])
        if words.strip():
            return str(words.strip())
    return ""


def _concept(concept: Resource) -> str:
    displays = (coding.get("display", "") for coding in concept.get("coding", ()))
    return str(concept.get("text") or next(filter(None, displays), ""))


def _display(reference: Resource | None) -> str:
    return str(reference.get("display", "")) if reference else ""
