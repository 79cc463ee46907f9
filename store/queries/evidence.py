"""Evidence: what an organisation filed, what backs a dossier, what its reviewers may read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from platform_core import clock
from platform_core.access import Actor
from platform_core.blobs.service import BlobRef
from platform_core.database import db
from platform_core.errors import NotFound
from store.models.applications import Application
from store.models.audits import Audit
from store.models.commission import Reservation
from store.models.evidence import Evidence, EvidenceLink
from store.models.history import StoreEvent
from store.models.reviews import QuestionMessage
from store.models.submissions import Submission
from store.rules.evidence import KINDS, EvidenceKind, TargetKind, days_left
from store.workflow import SubmissionVerb

SUBMITTING = (SubmissionVerb.SUBMIT, SubmissionVerb.ANSWER_COMPLEMENTS)


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """One file and what was said of it. `superseded_by` is the id of the file that replaced it."""

    id: UUID
    organisation_id: UUID
    kind: EvidenceKind
    title: str
    file_name: str
    media_type: str
    valid_from: date | None
    valid_until: date | None
    added_by_name: str
    added_at: datetime
    superseded_by: UUID | None
    blob: BlobRef

    @property
    def days_left(self) -> int | None:
        """Days until its last day of validity, negative once past; None when it has no end."""
        return days_left(self.valid_until, clock.today())


@dataclass(frozen=True, slots=True)
class LinkView:
    """A piece of evidence and the criterion or section that it backs."""

    target_kind: TargetKind
    target: str
    evidence: EvidenceView


@dataclass(frozen=True, slots=True)
class Use:
    """An application whose present or past dossiers name a piece of evidence."""

    application_id: UUID
    name: str


def list_evidence(*, organisation_id: UUID) -> Sequence[EvidenceView]:
    """Every file of an organisation, the newest first, superseded ones too."""
    found = sa.select(Evidence).where(Evidence.organisation_id == organisation_id)
    return [_view(row) for row in db.session.scalars(found.order_by(Evidence.added_at.desc(), Evidence.id.desc()))]


def get_own_evidence(evidence_id: UUID, *, by: Actor) -> EvidenceView:
    """A file of the publisher's organisation. Raises `NotFound`, also for that of another."""
    row = db.session.get(Evidence, evidence_id)
    if row is None or row.organisation_id != by.organisation_id:
        raise _absent()
    return _view(row)


def get_submitted_evidence(evidence_id: UUID) -> EvidenceView:
    """A file that the reviewers were given. Raises `NotFound`.

    The caller checks that the examiner is not of its organisation.
    """
    row = db.session.scalar(sa.select(Evidence).where(Evidence.id == evidence_id, was_submitted()))
    if row is None:
        raise _absent()
    return _view(row)


def list_links(submission_id: UUID) -> Sequence[LinkView]:
    """What backs a dossier now, as its publisher edits it: by target, the newest file first."""
    return _links(EvidenceLink.submission_id == submission_id, EvidenceLink.unlinked_at.is_(None))


def list_backed(submission_id: UUID) -> frozenset[str]:
    """The criteria and sections that a file still valid backs now."""
    return frozenset(one.target for one in list_links(submission_id) if (one.evidence.days_left or 0) >= 0)


def list_submitted_links(submission_id: UUID, *, at: datetime | None = None) -> Sequence[LinkView]:
    """What backed a dossier when it was last sent to review, or at an earlier instant: what its reviewers see."""
    sent = sa.select(sa.func.max(StoreEvent.occurred_at)).where(
        StoreEvent.submission_id == submission_id, StoreEvent.verb.in_(SUBMITTING)
    )
    instant = sa.literal(at) if at else sent.scalar_subquery()
    return _links(
        EvidenceLink.submission_id == submission_id,
        EvidenceLink.linked_at <= instant,
        sa.or_(EvidenceLink.unlinked_at.is_(None), EvidenceLink.unlinked_at > instant),
    )


def list_uses(*, organisation_id: UUID) -> Mapping[UUID, Sequence[Use]]:
    """For each piece of evidence, the applications whose dossiers name or named it, by name."""
    named = (
        sa.select(EvidenceLink.evidence_id, Application.id, Application.name)
        .join(Submission, Submission.id == EvidenceLink.submission_id)
        .join(Application, Application.id == Submission.application_id)
        .where(Application.organisation_id == organisation_id)
        .distinct()
    )
    uses: dict[UUID, list[Use]] = {}
    for evidence_id, application_id, name in db.session.execute(named.order_by(Application.name, Application.id)):
        uses.setdefault(evidence_id, []).append(Use(application_id, name))
    return uses


def list_deletable(*, organisation_id: UUID) -> frozenset[UUID]:
    """The files of an organisation that the reviewers were never given and no other file follows or precedes."""
    earlier = sa.orm.aliased(Evidence)
    found = sa.select(Evidence.id).where(
        Evidence.organisation_id == organisation_id,
        ~was_submitted(),
        Evidence.superseded_by.is_(None),
        ~sa.select(earlier.id).where(earlier.superseded_by == Evidence.id).exists(),
    )
    return frozenset(db.session.scalars(found))


def list_referenced_blobs(names: Collection[str]) -> Collection[str]:
    """Those of the blobs that a piece of evidence names, for the sweep of orphans."""
    return db.session.scalars(sa.select(Evidence.blob_name).where(Evidence.blob_name.in_(names)).distinct()).all()


def was_submitted() -> sa.ColumnElement[bool]:
    """Whether the reviewers were given the piece of evidence: it was in place when a dossier was sent to review, or it
    came with the answer to a question, with what lifts a reservation or with the documents of an audit."""
    handed = (
        sa.select(table.id).where(Evidence.id == sa.any_(table.evidence_ids)).exists()
        for table in (QuestionMessage, Reservation, Audit)
    )
    return sa.or_(sent_links().where(EvidenceLink.evidence_id == Evidence.id).exists(), *handed)


def sent_links() -> sa.Select[UUID]:
    """The links that were in place when their dossier was sent to review."""
    return (
        sa.select(EvidenceLink.id)
        .join(StoreEvent, StoreEvent.submission_id == EvidenceLink.submission_id)
        .where(
            StoreEvent.verb.in_(SUBMITTING),
            StoreEvent.occurred_at >= EvidenceLink.linked_at,
            sa.or_(EvidenceLink.unlinked_at.is_(None), StoreEvent.occurred_at < EvidenceLink.unlinked_at),
        )
    )


def _links(*wanted: sa.ColumnElement[bool]) -> Sequence[LinkView]:
    found = sa.select(EvidenceLink, Evidence).join(Evidence, Evidence.id == EvidenceLink.evidence_id).where(*wanted)
    ordered = found.order_by(EvidenceLink.target_kind, EvidenceLink.target, EvidenceLink.linked_at.desc())
    return [
        LinkView(TargetKind(link.target_kind), link.target, _view(row)) for link, row in db.session.execute(ordered)
    ]


def _view(row: Evidence) -> EvidenceView:
    return EvidenceView(
        row.id,
        row.organisation_id,
        KINDS[row.kind],
        row.title,
        row.file_name,
        row.media_type,
        row.valid_from,
        row.valid_until,
        row.added_by_name,
        row.added_at,
        row.superseded_by,
        BlobRef(row.blob_name, row.size, row.sha256),
    )


def _absent() -> NotFound:
    return NotFound("This piece of evidence does not exist.")
