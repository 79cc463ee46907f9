"""Interoperability tests: the platform watches the application in the sandbox and ticks what it shows."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from platform_core import clock
from platform_core.access import SYSTEM, Actor
from platform_core.database import db
from platform_core.errors import Conflict, NotFound
from platform_core.permission import Ceiling
from store.errors import MotiveRequired, TransitionRefused
from store.models.interop import InteropCheck, Observation
from store.models.listings import Listing
from store.models.submissions import Submission
from store.rules import dossier
from store.rules.interop import Behaviour, Exchange, list_required
from store.service.transitions import check_role, lock_for_review, locked, move, person
from store.workflow import ListingState, Role, SubmissionState, SubmissionVerb

_SEEN_AGAIN_AFTER = timedelta(minutes=1)


def start(submission: Submission) -> None:
    """Open the tests of a submission whose convention is signed; what was seen since its draft counts."""
    seen = _list_seen(submission)
    for behaviour in list_required(_asked(submission), _listed(submission.application_id)):
        db.session.add(
            InteropCheck(submission_id=submission.id, behaviour=behaviour, passed_at=seen.get(str(behaviour)))
        )
    move(submission, SubmissionVerb.START_INTEROP_TESTS, by=SYSTEM)
    _conclude(submission)


def observe(*, application_id: UUID, behaviour: Behaviour, by: Actor = SYSTEM) -> bool:
    """Note that an application behaved as expected in the sandbox; whether it had not been seen in the last minute.

    Idempotent and cheap when repeated: meant for callers that see every call. The last behaviour owed ends the tests.
    """
    now = clock.now()
    noted = (
        postgresql.insert(Observation)
        .values(application_id=application_id, behaviour=behaviour, observed_at=now)
        .on_conflict_do_update(
            index_elements=["application_id", "behaviour"],
            set_={"observed_at": now},
            where=Observation.observed_at < now - _SEEN_AGAIN_AFTER,
        )
        .returning(sa.literal(1))
    )
    if db.session.scalar(noted) is None:
        return False
    tested = sa.select(Submission).where(
        Submission.application_id == application_id, Submission.state == SubmissionState.INTEROP_TESTS
    )
    if submission := db.session.scalar(locked(tested)):
        check = _find_check(submission.id, behaviour)
        if check and check.passed_at is None:
            check.passed_at = now
            _conclude(submission)
    return True


def waive(*, submission_id: UUID, behaviour: Behaviour, motive: str, by: Actor) -> None:
    """Do without a behaviour that the application cannot show, and say why. Raises `Conflict` (`already-passed`)."""
    submission = lock_for_review(submission_id, by=by)
    check_role(by, Role.REVIEWER)
    if submission.state != SubmissionState.INTEROP_TESTS:
        raise TransitionRefused("waive", submission.state)
    check = _find_check(submission_id, behaviour)
    if check is None:
        raise NotFound("This behaviour is not asked of the application.")
    if check.passed_at:
        raise Conflict("This behaviour was shown, or is waived, already.", code="already-passed")
    if not motive.strip():
        raise MotiveRequired("A waiver says why.")
    check.passed_at, check.motive = clock.now(), motive.strip()
    check.waived_by, check.waived_by_name = person(by), by.name
    _conclude(submission)


def check_passed(submission: Submission) -> None:
    """Raises `Conflict` (`interop-pending`) naming the behaviours still owed."""
    if owed := _list_owed(submission.id):
        raise Conflict(f"Not shown in the sandbox yet: {', '.join(owed)}.", code="interop-pending")


def _conclude(submission: Submission) -> None:
    db.session.flush()
    if not _list_owed(submission.id):
        move(submission, SubmissionVerb.PASS_INTEROP_TESTS, by=SYSTEM)


def _list_owed(submission_id: UUID) -> list[str]:
    owed = sa.select(InteropCheck.behaviour).where(
        InteropCheck.submission_id == submission_id, InteropCheck.passed_at.is_(None)
    )
    return sorted(db.session.scalars(owed))


def _find_check(submission_id: UUID, behaviour: Behaviour) -> InteropCheck | None:
    return db.session.get(InteropCheck, (submission_id, str(behaviour)))


def _list_seen(submission: Submission) -> dict[str, object]:
    seen = sa.select(Observation.behaviour, Observation.observed_at).where(
        Observation.application_id == submission.application_id, Observation.observed_at >= submission.created_at
    )
    return {behaviour: at for behaviour, at in db.session.execute(seen)}


def _asked(submission: Submission) -> Exchange:
    return _exchange(dossier.asked_ceiling(submission.dossier), submission.dossier)


def _listed(application_id: UUID) -> Exchange | None:
    """The exchanges of the live listing, by the dossier that it rests on."""
    row = db.session.execute(
        sa.select(Listing.ceiling, Submission.dossier)
        .join(Submission, Submission.id == Listing.submission_id)
        .where(
            Listing.application_id == application_id,
            Listing.state.in_([ListingState.LISTED, ListingState.SUSPENDED]),
        )
    ).one_or_none()
    return _exchange(Ceiling.from_json(row[0]), row[1]) if row else None


def _exchange(ceiling: Ceiling, content: Mapping[str, Any]) -> Exchange:
    webhooks = content.get("technical", {}).get("webhooks") is True
    return Exchange(ceiling, dossier.asked_profile(content), webhooks)
