"""What a doctor makes of the lines proposed: kept, left out, in other words, with lines and comments of their own."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from uuid import UUID

from dmp_core.rules.synthesis.facts import Proposal, name_of
from dmp_core.rules.synthesis.sections import SECTIONS

MOST_TEXT, MOST_COMMENT, MOST_ADDED = 500, 2000, 100


@dataclass(frozen=True, slots=True)
class Decision:
    """What was made of a line: the `names` by which it is found again, the words `proposed` then, and the doctor's."""

    names: tuple[str, ...]
    proposed: str
    text: str
    kept: bool

    @property
    def is_reworded(self) -> bool:
        return self.text != self.proposed


@dataclass(frozen=True, slots=True)
class Added:
    """A line of the doctor's own."""

    section: str
    text: str


@dataclass(frozen=True, slots=True)
class Draft:
    """The doctor's part of a summary; the facts themselves are read again from the record each time."""

    decisions: Sequence[Decision] = ()
    added: Sequence[Added] = ()
    comments: Mapping[str, str] = field(default_factory=dict)

    def write(self) -> bytes:
        """The draft as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False).encode()

    @classmethod
    def read(cls, text: bytes) -> "Draft":
        """The draft that `write` wrote."""
        found = json.loads(text)
        decisions = [Decision(**{**one, "names": tuple(one["names"])}) for one in found["decisions"]]
        return cls(decisions, [Added(**one) for one in found["added"]], found["comments"])

    def after(self, before: "Draft") -> "Draft":
        """This draft, with the decisions of the one before on lines that it does not speak of."""
        spoken = {name for one in self.decisions for name in one.names}
        silent = [one for one in before.decisions if not spoken & set(one.names)]
        return Draft([*self.decisions, *silent], self.added, self.comments)


class News(StrEnum):
    """How the record moved since the draft."""

    NONE = ""
    NEW = "new"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the page. `proposal` is None for the doctor's own; `news` says how the record moved, and `record_says`
    its present words when the doctor chose others."""

    section: str
    text: str
    kept: bool
    proposal: Proposal | None = None
    news: News = News.NONE
    record_says: str = ""

    @property
    def is_reworded(self) -> bool:
        return self.proposal is not None and self.text != self.proposal.fact.text

    @property
    def remark(self) -> str:
        """How the record qualifies it: over, out of range, grave."""
        return self.proposal.fact.remark if self.proposal else ""


def lay_out(proposals: Sequence[Proposal], draft: Draft | None, *, anew: bool = False) -> list[Line]:
    """The lines of a summary, section by section: what goes on, what is over, then the doctor's own.

    Without a draft, what the record proposes. With one, what the doctor decided on each line: what is new since is
    offered and not kept, unless the summary begins `anew` from the one signed before; the doctor's words stay.
    """
    known = _known(draft or Draft(), anew)
    lines = [_line(one, _decision(one, known), draft is not None, anew) for one in proposals]
    told = {name for one in proposals for name in one.names}
    own = [one for one in (draft.added if draft else ()) if not (anew and name_of(one.section, one.text) in told)]
    lines += [Line(one.section, one.text, kept=True) for one in own]
    order = {name: number for number, name in enumerate(SECTIONS)}
    return sorted(lines, key=lambda one: (order[one.section], one.proposal is None, _is_over(one)))


def digest(lines: Sequence[Line], comments: Mapping[str, str], signed_before: UUID | None) -> str:
    """What tells two summaries apart: the lines kept and the comments, as they are read, and the one signed before."""
    said = [[one.section, one.text] for one in lines if one.kept], sorted(comments.items()), str(signed_before)
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _known(draft: Draft, anew: bool) -> dict[str, Decision]:
    """What was decided, by name. A line of the doctor's own that was signed is a fact of the record since."""
    found = {name_of(one.section, one.text): Decision((), one.text, one.text, True) for one in draft.added if anew}
    return found | {name: one for one in draft.decisions for name in one.names}


def _decision(proposal: Proposal, known: Mapping[str, Decision]) -> Decision | None:
    return next((known[name] for name in sorted(proposal.names) if name in known), None)


def _line(proposal: Proposal, decision: Decision | None, continued: bool, anew: bool) -> Line:
    fact = proposal.fact
    if decision is None:
        news = News.NEW if continued else News.NONE
        return Line(fact.section, fact.text, fact.proposed and (anew or not continued), proposal, news)
    changed = decision.proposed != fact.text
    news = News.CHANGED if changed else News.NONE
    if not decision.is_reworded:
        return Line(fact.section, fact.text, decision.kept, proposal, news)
    return Line(fact.section, decision.text, decision.kept, proposal, news, fact.text)


def _is_over(line: Line) -> bool:
    return line.proposal is not None and line.proposal.fact.ended
