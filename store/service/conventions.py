"""The convention: signed by the publisher, countersigned by the authority, carried over while its text is current."""

from hmac import compare_digest
from uuid import UUID

import sqlalchemy as sa

from platform_core import clock
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import Conflict, Invalid
from store.models.conventions import Convention
from store.models.submissions import Submission
from store.rules import convention
from store.service import interop
from store.service.independence import check_four_eyes
from store.service.transitions import lock_for_review, lock_own_submission, move, person
from store.workflow import SubmissionKind, SubmissionVerb


def sign(*, submission_id: UUID, quality: str, text_hash: str, by: Actor) -> None:
    """Sign the present text, in the name of the publisher's organisation.

    `quality` is that of the signatory; `text_hash` is the hash of the text that was read. Raises `Invalid`
    (`quality-required`), `Conflict` (`text-changed`, `already-signed`).
    """
    submission = lock_own_submission(submission_id, by=by)
    text = convention.present()
    if not quality.strip():
        raise Invalid("Say in what quality you sign.", code="quality-required")
    if not compare_digest(text_hash.encode(), text.hash.encode()):
        raise Conflict("The text of the convention changed since it was read.", code="text-changed")
    if db.session.get(Convention, submission_id):
        raise Conflict("The convention is signed already.", code="already-signed")
    move(submission, SubmissionVerb.SIGN_CONVENTION, by=by)
    db.session.add(
        Convention(
            submission_id=submission.id,
            application_id=submission.application_id,
            version=text.version,
            text_hash=text.hash,
            quality=quality.strip(),
            signed_by=person(by),
            signed_by_name=by.name,
            signed_at=clock.now(),
        )
    )


def countersign(*, submission_id: UUID, by: Actor) -> None:
    """Sign for the authority, which opens the interoperability tests. Raises `Conflict` (`not-signed`), `FourEyes`."""
    submission = lock_for_review(submission_id, by=by)
    check_four_eyes(submission, by)
    signed = db.session.get(Convention, submission_id)
    if signed is None:
        raise Conflict("The publisher has not signed the convention.", code="not-signed")
    move(submission, SubmissionVerb.COUNTERSIGN_CONVENTION, by=by)
    signed.countersigned_by, signed.countersigned_by_name = by.id, by.name
    signed.countersigned_at = clock.now()
    interop.start(submission)


def carry_over(submission: Submission, *, by: Actor) -> None:
    """Spare the publisher a signature: an amendment or a renewal keeps the signed convention while it is current."""
    last = sa.select(Convention.version).where(
        Convention.application_id == submission.application_id, Convention.countersigned_at.is_not(None)
    )
    version = db.session.scalar(last.order_by(Convention.countersigned_at.desc()).limit(1))
    if submission.kind != SubmissionKind.FIRST and convention.carries_over(version):
        move(submission, SubmissionVerb.CARRY_CONVENTION_OVER, by=by)
        interop.start(submission)
