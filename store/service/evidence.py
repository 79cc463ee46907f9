"""The evidence of an organisation: filed once, used in its dossiers, replaced and never lost, told of before it ends.

A file is received before the transaction opens (`receive_file`), so that none stays open while it is read.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import date, timedelta
from typing import IO
from uuid import UUID

import sqlalchemy as sa

from notification_core import service as notification
from platform_core import audit, clock, config, crypto
from platform_core.access import Actor
from platform_core.blobs import service as blobs
from platform_core.database import db
from platform_core.errors import Conflict, NotFound
from platform_core.french import day_in_words
from platform_core.ids import uuid7
from platform_core.uploads import Upload, receive_upload
from store.errors import SectionLocked
from store.models.applications import Application
from store.models.evidence import Evidence, EvidenceLink
from store.models.listings import Listing
from store.models.submissions import Submission
from store.queries import evidence as queries
from store.rules import grid
from store.rules.dossier import SECTIONS
from store.rules.evidence import WARNINGS, TargetKind, check_description
from store.service.transitions import lock_present, locked, organisation, own_application, person
from store.workflow import ListingState, Role, SubmissionState, editable_sections

COLLECTION = "evidence"
ACCEPTED = ("pdf", "png", "jpg", "tif", "odt", "ods", "docx", "xlsx", "txt", "csv", "json")
_BATCH = 500


def receive_file(stream: IO[bytes], name: str) -> AbstractContextManager[Upload]:
    """Look into a file that somebody files as evidence; what it gives is passed to `add_evidence`.

    Raises what `platform_core.uploads.receive_upload` raises; what is refused leaves nothing behind.
    """
    return receive_upload(stream, name, accept=ACCEPTED, most=config.current().evidence_most_bytes)


def add_evidence(
    *, upload: Upload, kind: str, title: str, valid_from: date | None, valid_until: date | None, by: Actor
) -> UUID:
    """File a piece of evidence for the publisher's organisation. Raises `Invalid` (`evidence-invalid`)."""
    organisation_id = organisation(by)
    check_description(kind=kind, title=title, valid_from=valid_from, valid_until=valid_until, today=clock.today())
    blob = blobs.keep(upload.received, collection=COLLECTION, key=crypto.organisation_key(organisation_id))
    row = Evidence(
        id=uuid7(),
        organisation_id=organisation_id,
        kind=kind,
        title=title.strip(),
        file_name=upload.name,
        media_type=upload.media_type,
        size=blob.size,
        sha256=blob.sha256,
        blob_name=blob.name,
        valid_from=valid_from,
        valid_until=valid_until,
        added_by=person(by),
        added_by_name=by.name,
        added_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    audit.record("store:evidence:add", by=by, object_type="evidence", object_id=row.id, kind=kind)
    return row.id


def replace_evidence(
    *, evidence_id: UUID, upload: Upload, title: str, valid_from: date | None, valid_until: date | None, by: Actor
) -> UUID:
    """File a newer version of a piece of evidence, and give its id. The older one is kept.

    In dossiers that may be edited, the newer takes its place; those under review or decided keep the one that they
    were sent with. Raises `Conflict` (`evidence-superseded`) when it was replaced already.
    """
    old = _lock_own(evidence_id, by=by)
    if old.superseded_by:
        raise Conflict("This file was replaced already: replace the newest one.", code="evidence-superseded")
    new_id = add_evidence(
        upload=upload, kind=old.kind, title=title, valid_from=valid_from, valid_until=valid_until, by=by
    )
    old.superseded_by = new_id
    live = sa.select(EvidenceLink).where(EvidenceLink.evidence_id == old.id, EvidenceLink.unlinked_at.is_(None))
    for link in db.session.scalars(live).all():
        if _is_open(db.session.get_one(Submission, link.submission_id), link.target):
            _cut(link)
            _add_link(link.submission_id, TargetKind(link.target_kind), link.target, new_id, by=by)
    audit.record("store:evidence:replace", by=by, object_type="evidence", object_id=old.id, by_evidence=str(new_id))
    return new_id


def delete_evidence(*, evidence_id: UUID, by: Actor) -> None:
    """Delete a file that the reviewers were never given; the sweep of blobs takes its content within two days.

    Raises `Conflict` (`evidence-in-use`) when they were given it, or when it replaced another or was replaced.
    """
    row = _lock_own(evidence_id, by=by)
    if row.id not in queries.list_deletable(organisation_id=row.organisation_id):
        raise Conflict("The reviewers were given this file, or its history.", code="evidence-in-use")
    db.session.execute(sa.delete(EvidenceLink).where(EvidenceLink.evidence_id == row.id))
    db.session.delete(row)
    audit.record("store:evidence:delete", by=by, object_type="evidence", object_id=evidence_id)


def link_evidence(*, application_id: UUID, target_kind: TargetKind, target: str, evidence_id: UUID, by: Actor) -> None:
    """Have a file of the organisation back a criterion, or a section, of the present dossier. Twice is once.

    Raises `SectionLocked` while the dossier, or that part of it, may not be edited; `Conflict`
    (`evidence-superseded`); `NotFound`.
    """
    submission = _lock_target(application_id, target_kind, target, by=by)
    evidence = _lock_own(evidence_id, by=by)
    if evidence.superseded_by:
        raise Conflict("This file was replaced: choose the newest one.", code="evidence-superseded")
    if _find_link(submission.id, target_kind, target, evidence_id) is None:
        _add_link(submission.id, target_kind, target, evidence_id, by=by)
        audit.record(
            "store:evidence:link", by=by, object_type="submission", object_id=submission.id, evidence=str(evidence_id)
        )


def unlink_evidence(
    *, application_id: UUID, target_kind: TargetKind, target: str, evidence_id: UUID, by: Actor
) -> None:
    """Take a file back from a part of the dossier. What was sent to review remembers it. Raises as `link_evidence`."""
    submission = _lock_target(application_id, target_kind, target, by=by)
    link = _find_link(submission.id, target_kind, target, evidence_id)
    if link is None:
        raise NotFound("This file does not back this part of the dossier.")
    _cut(link)
    audit.record(
        "store:evidence:unlink", by=by, object_type="submission", object_id=submission.id, evidence=str(evidence_id)
    )


def carry_links(*, from_submission: UUID, to_submission: UUID, by: Actor) -> None:
    """Start a new dossier with what backed the one it is made from; a superseded file gives way to the newest.

    What backed a criterion that the grid of the new dossier has no more stays behind.
    """
    criteria = grid.load(db.session.get_one(Submission, to_submission).grid_version).criteria
    for link in queries.list_links(from_submission):
        newest = _newest(link.evidence.id)
        if link.target_kind is TargetKind.CRITERION and link.target not in criteria:
            continue
        if _find_link(to_submission, link.target_kind, link.target, newest) is None:
            _add_link(to_submission, link.target_kind, link.target, newest, by=by)


def warn_expiring(*, by: Actor) -> int:
    """Tell publishers 90, 30 and 7 days before a file ends, and once it has; the reviewers too if a listed app leans on
    it. Once for each notice, the nearest only; gives how many were given."""
    return sum(1 for days in WARNINGS for row in _list_due(days) if _warn(row, days, by=by))


def record_download(*, evidence_id: UUID, by: Actor) -> None:
    """Keep who took a copy of a file: it leaves the platform in clear."""
    audit.record("store:evidence:download", by=by, object_type="evidence", object_id=evidence_id)


def _list_due(days: int) -> Iterator[Evidence]:
    due = sa.select(Evidence).where(
        Evidence.superseded_by.is_(None),
        Evidence.valid_until <= clock.today() + timedelta(days=days),
        sa.or_(Evidence.warned_days.is_(None), Evidence.warned_days > days),
    )
    return iter(db.session.scalars(due.order_by(Evidence.valid_until).limit(_BATCH).with_for_update(skip_locked=True)))


def _warn(row: Evidence, days: int, *, by: Actor) -> bool:
    row.warned_days = days
    day = day_in_words(row.valid_until)
    ended = days < 0
    notification.notify_members(
        organisation_id=row.organisation_id,
        roles=[Role.PUBLISHER],
        kind="store.evidence_expired" if ended else "store.evidence_expiring",
        title=f"Preuve expirée : {row.title}" if ended else f"Preuve bientôt expirée : {row.title}",
        body=f"« {row.title} » n’est plus valable depuis le {day}. Déposez la nouvelle version."
        if ended
        else f"« {row.title} » est valable jusqu’au {day}. Déposez la nouvelle version avant cette date.",
        link="/editeur/preuves",
        by=by,
    )
    if ended:
        _tell_reviewers(row, by=by)
    return True


def _tell_reviewers(row: Evidence, *, by: Actor) -> None:
    """Of each application in the catalogue whose listed dossier leans on the file that ended."""
    leaning = (
        sa.select(Application.name, Listing.submission_id)
        .join(Listing, Listing.application_id == Application.id)
        .join(EvidenceLink, EvidenceLink.submission_id == Listing.submission_id)
        .where(
            EvidenceLink.evidence_id == row.id,
            EvidenceLink.unlinked_at.is_(None),
            Listing.state.in_([ListingState.LISTED, ListingState.SUSPENDED]),
        )
        .distinct()
    )
    for name, submission_id in db.session.execute(leaning.order_by(Application.name)):
        notification.notify_role(
            role=Role.REVIEWER,
            kind="store.evidence_expired",
            title=f"{name} : preuve expirée",
            body=f"« {row.title} », sur laquelle repose le référencement de {name}, n’est plus valable depuis le"
            f" {day_in_words(row.valid_until)}.",
            link=f"/instruction/dossiers/{submission_id}",
            by=by,
        )


def _lock_own(evidence_id: UUID, *, by: Actor) -> Evidence:
    mine = sa.select(Evidence).where(Evidence.id == evidence_id, Evidence.organisation_id == organisation(by))
    row = db.session.scalar(locked(mine))
    if row is None:
        raise NotFound("This piece of evidence does not exist.")
    return row


def _lock_target(application_id: UUID, target_kind: TargetKind, target: str, *, by: Actor) -> Submission:
    """The present dossier, locked, when that part of it exists and may be edited."""
    own_application(application_id, by=by)
    submission = lock_present(application_id)
    if target_kind is TargetKind.CRITERION:
        grid.load(submission.grid_version).get(target)
    elif target not in SECTIONS:
        raise NotFound("The dossier has no such section.")
    if not _is_open(submission, target):
        raise SectionLocked("This part of the dossier may not be edited now.")
    return submission


def _is_open(submission: Submission, target: str) -> bool:
    state = SubmissionState(submission.state)
    return target in editable_sections(state, flagged=submission.flagged, sections=[target])


def _find_link(submission_id: UUID, target_kind: TargetKind, target: str, evidence_id: UUID) -> EvidenceLink | None:
    found = sa.select(EvidenceLink).where(
        EvidenceLink.submission_id == submission_id,
        EvidenceLink.target_kind == target_kind,
        EvidenceLink.target == target,
        EvidenceLink.evidence_id == evidence_id,
        EvidenceLink.unlinked_at.is_(None),
    )
    return db.session.scalar(found)


def _add_link(submission_id: UUID, target_kind: TargetKind, target: str, evidence_id: UUID, *, by: Actor) -> None:
    db.session.add(
        EvidenceLink(
            id=uuid7(),
            submission_id=submission_id,
            target_kind=target_kind,
            target=target,
            evidence_id=evidence_id,
            linked_by=person(by),
            linked_at=clock.now(),
        )
    )
    db.session.flush()


def _cut(link: EvidenceLink) -> None:
    """End a link; one that no review ever saw leaves no trace."""
    seen = db.session.scalar(sa.select(queries.sent_links().where(EvidenceLink.id == link.id).exists()))
    if seen:
        link.unlinked_at = clock.now()
    else:
        db.session.delete(link)
    db.session.flush()


def _newest(evidence_id: UUID) -> UUID:
    while following := db.session.scalar(sa.select(Evidence.superseded_by).where(Evidence.id == evidence_id)):
        evidence_id = following
    return evidence_id
