"""Facts that a record holds, and the lines that a summary proposes: the same fact told twice makes one line."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from dmp_core.rules.synthesis.sections import HISTORY, LIFESTYLE, PROBLEMS, SOCIAL

_DENIALS = (":aucun", ":pas d", ":absence", ":sans ", ":non ", ":rien")
_SUBJECTS = {HISTORY.name: PROBLEMS.name, SOCIAL.name: LIFESTYLE.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a fact comes from. `label` names the document, or says who told it; `document_id`, or the kind of
    `measure`, leads to it."""

    label: str
    at: datetime
    author: str = ""
    document_id: UUID | None = None
    measure: str = ""


@dataclass(frozen=True, slots=True)
class Coded:
    """A fact as programs read it. `system` is FHIR's address, `since` a FHIR date or an empty string.

    `entry_id` names the entry of the record that says it already, `detail` what is said beside the code: a habit, a
    relative (a code of HL7 RoleCode).
    """

    entry_id: UUID | None = None
    system: str = ""
    code: str = ""
    label: str = ""
    since: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that one source says. `names` are what it is known by, its codes and its words: facts that share one
    are the same. `ended` is over, `remark` says how; one that is not `proposed` is shown without being kept; `absent`
    says that there is nothing."""

    section: str
    text: str
    names: frozenset[str]
    source: Source
    ended: bool = False
    remark: str = ""
    proposed: bool = True
    absent: bool = False
    coded: Coded = Coded()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A line that the record proposes: the words of its latest source, and all its sources, the latest first."""

    fact: Fact
    sources: Sequence[Source]

    @property
    def names(self) -> frozenset[str]:
        return self.fact.names


def name_of(section: str, words: str) -> str:
    """The name of a fact by its words: accents, case and spaces apart. A problem may become a past one."""
    plain = unicodedata.normalize("NFKD", words).casefold()
    kept = "".join(letter if letter.isalnum() else " " for letter in plain if not unicodedata.combining(letter))
    return f"{_SUBJECTS.get(section, section)}:{' '.join(kept.split())}"


def names_of(section: str, words: str, codes: Iterable[str] = ()) -> frozenset[str]:
    """The names of a fact: its words, and its codes (`system|code`)."""
    return frozenset({name_of(section, words), *(f"{_SUBJECTS.get(section, section)}:{code}" for code in codes)})


def denies(words: str) -> bool:
    """Whether a line says that there is nothing: it is read by people, and is no fact for programs."""
    return name_of("", words).startswith(_DENIALS)


def propose(facts: Iterable[Fact]) -> list[Proposal]:
    """One line for all the facts that share a name, those of the latest source first within each section."""
    groups: list[list[Fact]] = []
    for fact in sorted(facts, key=lambda one: one.source.at, reverse=True):
        same = [group for group in groups if any(fact.names & one.names for one in group)]
        if same:
            same[0].append(fact)
            for other in same[1:]:
                same[0].extend(other)
                groups.remove(other)
        else:
            groups.append([fact])
    return [_merged(group) for group in groups]


def _merged(group: Sequence[Fact]) -> Proposal:
    """The latest fact leads; a code that only an earlier one bears is kept."""
    facts = sorted(group, key=lambda one: one.source.at, reverse=True)
    latest = facts[0]
    coded = next((one.coded for one in facts if one.coded.code), latest.coded)
    names = frozenset().union(*(one.names for one in facts))
    sources = list(dict.fromkeys(one.source for one in facts))
    text = " ".join(latest.text.split())
    return Proposal(replace(latest, text=text, names=names, coded=coded), sources)
