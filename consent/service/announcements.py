"""After an incident: everybody who ever authorized the app is told, batch by batch, each once (RGPD art. 34)."""

import logging
from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from consent.models import Announcement
from consent.queries import Due
from consent.queries.announcements import Announced
from consent.service import reminders
from platform_core import audit, clock, outbox
from platform_core.access import Actor
from platform_core.database import bind_patient, db, is_outage
from platform_core.errors import Fault, Invalid
from platform_core.ids import uuid7

_log = logging.getLogger(__name__)

SHORTEST, LONGEST = 20, 1000
_CARRY, _TELL = "consent.carry_announcement", "consent.tell_incident"


def announce_incident(*, application_id: UUID, text: str, by: Actor) -> UUID:
    """Have everybody who ever authorized an app told of an incident, after the commit. Returns the id.

    The same words about the same app are announced once, however often a form is sent. Raises `Invalid`
    (`invalid-announcement`) when the text has fewer than 20 or more than 1 000 characters.
    """
    words = text.strip().replace("\r\n", "\n")
    if not SHORTEST <= len(words) <= LONGEST:
        fault = Fault("text", f"between {SHORTEST} and {LONGEST} characters")
        raise Invalid("Say what happened, in a few sentences.", code="invalid-announcement", faults=[fault])
    if known := _find_same(application_id, words):
        return known
    assert by.id is not None
    announcement = Announcement(
        id=uuid7(),
        application_id=application_id,
        text=words,
        decided_at=clock.now(),
        decided_by=by.id,
        decider_name=by.name,
    )
    db.session.add(announcement)
    db.session.flush()
    audit.record("consent:incident:announce", by=by, object_type="application", object_id=application_id)
    outbox.enqueue(_CARRY, announcement.id)
    return announcement.id


def _find_same(application_id: UUID, words: str) -> UUID | None:
    """The announcement of these words, if any; those about one app wait for one another until the commit."""
    lock = sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"announcement:{application_id}", 0))
    db.session.execute(sa.select(lock))
    same = Announcement.application_id == application_id, Announcement.text == words
    return db.session.scalar(sa.select(Announcement.id).where(*same).limit(1))


def carry_announcement(*, announced: Announced) -> None:
    """Tell the people of a batch and move the cursor, in one transaction; the next batch is a message of its own.

    A run that is killed leaves nothing, and one that comes second does nothing.
    """
    announcement = db.session.get_one(Announcement, announced.id, with_for_update=True)
    if announcement.cursor != announced.cursor or announcement.ended_at:
        return
    announcement.told += _tell(announced.id, announcement.text, announced.due)
    if announced.due:
        announcement.cursor = announced.due[-1].grant_id
        outbox.enqueue(_CARRY, announcement.id)
    else:
        announcement.ended_at = clock.now()


def tell_one(*, announcement_id: UUID, due: Due) -> None:
    """Tell somebody whom their batch could not; once. The transaction is bound to the patient."""
    announcement = db.session.get_one(Announcement, announcement_id, with_for_update=True)
    announcement.told += reminders.tell_incident(
        patient_id=due.patient_id, grant_id=due.grant_id, announcement_id=announcement_id, text=announcement.text
    )


def _tell(announcement_id: UUID, text: str, due: Sequence[Due]) -> int:
    """How many people were told. One who cannot be is undone alone, logged, and told by a message of their own."""
    told = 0
    for one in due:
        try:
            with db.session.begin_nested():
                bind_patient(one.patient_id)
                told += reminders.tell_incident(
                    patient_id=one.patient_id, grant_id=one.grant_id, announcement_id=announcement_id, text=text
                )
        except Exception as error:
            if isinstance(error, sa.exc.SQLAlchemyError) and is_outage(error):
                raise
            _log.exception("The person of the consent %s could not be told of an incident.", one.grant_id)
            outbox.enqueue(_TELL, announcement_id, one.grant_id)
    bind_patient(None)
    return told
