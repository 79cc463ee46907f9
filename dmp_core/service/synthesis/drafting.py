"""The medical summary that a treating doctor writes: what the record proposes, what they made of it, kept sealed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from dmp_core.models.synthesis import SynthesisDraft
from dmp_core.queries.documents import find_document
from dmp_core.rules.professionals.agreements import Mode
from dmp_core.rules.professionals.matrix import Level
from dmp_core.rules.synthesis.drafts import (
    MOST_ADDED,
    MOST_COMMENT,
    MOST_TEXT,
    Added,
    Decision,
    Draft,
    Line,
    News,
    digest,
    lay_out,
)
from dmp_core.service.professionals.records import Opening
from dmp_core.service.synthesis.gathering import ALL, gather
from dmp_core.workflow import DocumentState
from platform_core import audit, clock, crypto
from platform_core.database import db, run
from platform_core.errors import Conflict, Fault, Forbidden, Invalid

TYPE = "SYNTH"
LASTS = timedelta(days=30)
"""How long a draft waits for its doctor, since it was last changed."""

_NO_DRAFT: Mapping[str, Any] = {"content": None, "changed_at": None, "lapses_at": None}


@dataclass(frozen=True, slots=True)
class Summary:
    """A summary as its doctor sees it. Without `changed_at`, nothing was kept yet; `signed_id` is the document that the
    doctor signed last; `gone` counts the lines of the draft that the record no longer shows."""

    lines: Sequence[Line]
    comments: Mapping[str, str]
    changed_at: datetime | None = None
    lapses_at: datetime | None = None
    signed_id: UUID | None = None
    gone: int = 0

    @property
    def news(self) -> Sequence[Line]:
        """The lines that moved since the draft."""
        return [one for one in self.lines if one.news is not News.NONE]

    @property
    def digest(self) -> str:
        """What tells it from another."""
        return digest(self.lines, self.comments, self.signed_id)

    @property
    def draft(self) -> Draft:
        """What the doctor made of every line that stands here."""
        decisions = [
            Decision(tuple(sorted(one.proposal.names)), one.proposal.fact.text, one.text, one.kept)
            for one in self.lines
            if one.proposal
        ]
        return Draft(decisions, own_lines(self.lines), self.comments)


def check_quality(opening: Opening) -> None:
    """Raise `Forbidden` (`not-treating-doctor`) for any other quality: the summary is the treating doctor's (CSP
    art. L. 1111-15), or (`profession-without-access`) for a doctor whose speciality writes no summary."""
    if opening.mode is not Mode.TREATING_DOCTOR:
        raise Forbidden("Only the treating doctor writes the medical summary.", code="not-treating-doctor")
    if opening.reach.level(TYPE) < Level.WRITE:
        raise Forbidden("Your speciality writes no medical summary.", code="profession-without-access")


def open_summary(opening: Opening) -> Summary:
    """The summary of a record as its treating doctor left it, with what the record says today.

    Raises `Forbidden` (`not-treating-doctor`).
    """
    check_quality(opening)
    proposals = gather(opening)
    row = _find(opening)
    key = crypto.patient_key(opening.patient.id)
    if row and (draft := _waiting(opening, row)):
        shown = {name for one in proposals for name in one.names}
        gone = sum(1 for one in draft.decisions if one.kept and not shown & set(one.names))
        lines = lay_out(proposals, draft)
        return Summary(lines, draft.comments, row.changed_at, row.lapses_at, row.document_id, gone)
    if row and row.signed and _is_shown(opening, row):
        before = Draft.read(crypto.decrypt(key, row.signed, _context(opening, "signed")))
        return Summary(lay_out(proposals, before, anew=True), before.comments, signed_id=row.document_id)
    return Summary(lay_out(proposals, None), {})


def lay_out_again(opening: Opening, draft: Draft) -> Summary:
    """The summary with what the doctor has just written, although it could not be kept."""
    check_quality(opening)
    lines, row = lay_out(gather(opening), draft), _find(opening)
    if row is None or _waiting(opening, row) is None:
        return Summary(lines, draft.comments)
    return Summary(lines, draft.comments, row.changed_at, row.lapses_at, row.document_id)


def hold(opening: Opening) -> None:
    """Have the summary of a doctor for a patient alone until the transaction ends: two tabs write it one by one."""
    key = f"dmp:synthesis:{opening.patient.id}:{opening.professional.id}"
    run("SELECT pg_advisory_xact_lock(hashtextextended(%(key)s, 0))", {"key": key})


def keep_draft(opening: Opening, draft: Draft, *, over: datetime | None) -> None:
    """Keep what the doctor wrote until they come back, for thirty days; lines that it does not speak of stay decided.

    `over` is when the draft that they had before them was changed, None when there was none. Raises `Forbidden`
    (`not-treating-doctor`), `Invalid` (`invalid-summary`) with a fault for each section, `Conflict` (`draft-changed`)
    when it is another by now: what was kept in another tab is not lost unseen.
    """
    check_quality(opening)
    if faults := _faults(draft):
        raise Invalid("The summary cannot be kept so.", code="invalid-summary", faults=faults)
    hold(opening)
    row = _find(opening)
    before = _waiting(opening, row) if row else None
    if over != (row.changed_at if row and before else None):
        raise Conflict("The draft was changed since it was read.", code="draft-changed")
    draft = draft.after(before) if before else draft
    key, now = crypto.patient_key(opening.patient.id), clock.now()
    content = crypto.encrypt(key, draft.write(), _context(opening, "draft"))
    _write(opening, content=content, changed_at=now, lapses_at=now + LASTS)
    audit.record("dmp:synthesis:kept", by=opening.by, object_type="patient", object_id=opening.patient.id)


def abandon_draft(opening: Opening) -> None:
    """Begin again from the record, or from the summary signed before; what was written since is lost."""
    check_quality(opening)
    hold(opening)
    _write(opening, **_NO_DRAFT)
    audit.record("dmp:synthesis:abandoned", by=opening.by, object_type="patient", object_id=opening.patient.id)


def keep_signed(opening: Opening, draft: Draft, document_id: UUID) -> None:
    """Keep what was signed, from which the next summary begins; no draft waits any more."""
    key = crypto.patient_key(opening.patient.id)
    signed = crypto.encrypt(key, draft.write(), _context(opening, "signed"))
    _write(opening, signed=signed, document_id=document_id, **_NO_DRAFT)


def drop_lapsed() -> int:
    """Forget the drafts that nobody came back to; how many. As `ens_batch`."""
    late = sa.update(SynthesisDraft).where(SynthesisDraft.lapses_at < clock.now()).values(**_NO_DRAFT)
    return db.session.connection().execute(late).rowcount


def own_lines(lines: Sequence[Line]) -> list[Added]:
    """The lines that the doctor added."""
    return [Added(one.section, one.text) for one in lines if one.proposal is None]


def _is_shown(opening: Opening, row: SynthesisDraft) -> bool:
    """Whether what was signed hides from nobody: else the next summary begins from the record alone."""
    found = find_document(patient_id=opening.patient.id, identifier=str(row.document_id), viewer=ALL)
    return found is not None and found.state == DocumentState.CURRENT


def _find(opening: Opening) -> SynthesisDraft | None:
    return db.session.get(SynthesisDraft, (opening.patient.id, opening.professional.id), populate_existing=True)


def _waiting(opening: Opening, row: SynthesisDraft) -> Draft | None:
    """The draft that was kept, unless nobody came back to it in time."""
    if row.content is None or row.lapses_at is None or row.lapses_at <= clock.now():
        return None
    return Draft.read(crypto.decrypt(crypto.patient_key(opening.patient.id), row.content, _context(opening, "draft")))


def _context(opening: Opening, what: str) -> bytes:
    return f"dmp:synthesis:{what}:{opening.patient.id}:{opening.professional.id}".encode()


def _write(opening: Opening, **values: Any) -> None:
    owner = {"patient_id": opening.patient.id, "professional_id": opening.professional.id}
    statement = insert(SynthesisDraft).values(**owner, **values)
    db.session.execute(statement.on_conflict_do_update(index_elements=list(owner), set_=values))


def _faults(draft: Draft) -> list[Fault]:
    faults = [
        Fault(f"comment-{name}", f"holds more than {MOST_COMMENT} characters.", "too-long")
        for name, text in draft.comments.items()
        if len(text) > MOST_COMMENT
    ]
    own = [one.text for one in draft.decisions if one.is_reworded] + [one.text for one in draft.added]
    if any(len(text) > MOST_TEXT for text in own):
        faults.append(Fault("text", f"holds more than {MOST_TEXT} characters in a line.", "too-long"))
    if len(draft.added) > MOST_ADDED:
        faults.append(Fault("text", f"holds more than {MOST_ADDED} added lines.", "too-long"))
    return faults
