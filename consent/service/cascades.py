"""Carrying a change of an app's referencing into each of its consents: by batches, resumable, in order, once."""

import logging
from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from consent.models import Cascade
from consent.queries import Batch, Due, count_live, list_decided
from consent.rules.cascade import Change, Decided
from consent.service import lifecycle
from platform_core import clock, outbox
from platform_core.database import bind_patient, db, is_outage

_log = logging.getLogger(__name__)


def open_cascade(*, application_id: UUID, change: Change) -> None:
    """Have the consents of an app follow a change, after the commit of the act, which holds the lock of the listing.

    A cascade under way is replaced: its histories are completed by this one.
    """
    last = sa.select(sa.func.max(Cascade.number)).where(Cascade.application_id == application_id)
    cascade = Cascade(
        application_id=application_id,
        number=(db.session.scalar(last) or 0) + 1,
        change=change,
        decided_at=clock.now(),
        total=count_live(application_id),
    )
    db.session.add(cascade)
    db.session.flush()
    outbox.enqueue("consent.carry_cascade", application_id)


def carry_batch(*, batch: Batch) -> int:
    """Bring the consents of a batch up to date and move the cursor, in one transaction: a run that is killed leaves
    nothing, and the next one takes the same batch.

    The next batch is a message of its own. Returns how many consents could not be brought up to date and wait for the
    message to be sent again; none when another run was first.
    """
    cascade = db.session.get_one(Cascade, (batch.application_id, batch.number), with_for_update=True)
    if cascade.cursor != batch.cursor or cascade.ended_at:
        return 0
    told, failed = _follow(batch.due, list_decided(batch.application_id, batch.number))
    waiting = failed if batch.again else [*cascade.left, *failed]
    cascade.left = waiting
    cascade.done += len(batch.due) - len(failed)
    cascade.told += told
    if batch.due and not batch.again:
        cascade.cursor = batch.due[-1].grant_id
        outbox.enqueue("consent.carry_cascade", batch.application_id)
        return 0
    if not waiting:
        cascade.ended_at = clock.now()
    return len(waiting)


def _follow(due: Sequence[Due], decided: Sequence[Decided]) -> tuple[int, list[str]]:
    """How many patients were told, and the consents that failed: each stands in a savepoint, the others go on."""
    told, failed = 0, []
    for one in due:
        try:
            with db.session.begin_nested():
                bind_patient(one.patient_id)
                told += lifecycle.follow_listing(patient_id=one.patient_id, grant_id=one.grant_id, decided=decided)
        except Exception as error:
            if isinstance(error, sa.exc.SQLAlchemyError) and is_outage(error):
                raise
            _log.exception("The consent %s could not be brought up to date.", one.grant_id)
            failed.append(str(one.grant_id))
    bind_patient(None)
    return told, failed
