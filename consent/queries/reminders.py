"""Reads for the batch role: whom a reminder may concern on a day. Each is then looked at in their own transaction.

A page holds `PAGE` rows at most, and begins after the last row of the one before. Nothing of the sandbox is found.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa

from consent.models import Consent
from consent.queries.due import Due
from consent.rules import reminders
from consent.rules.calendar import end_of
from consent.workflow import LIVE
from platform_core.database import db

PAGE = 500


@dataclass(frozen=True, slots=True)
class Concerned:
    """A consent that a reminder may be about, and the day (Europe/Paris) since which it holds."""

    patient_id: UUID
    grant_id: UUID
    since: date


_SINCE = "(valid_from AT TIME ZONE 'Europe/Paris')::date"
_HELD = f"""
    SELECT patient_id, id, {_SINCE} AS since FROM consent_consent
    WHERE environment = 'production' AND status = 'active' AND (CAST(:after AS uuid) IS NULL OR id > :after)
        AND :today - {_SINCE} >= :unused AND (:today - {_SINCE} - :unused) % :week = 0
    ORDER BY id LIMIT :page
"""  # noqa: S608 - our own words
_FOLLOWED = f"""
    SELECT patient_id, id, since FROM (
        SELECT DISTINCT ON (patient_id) patient_id, id, {_SINCE} AS since FROM consent_consent AS consent
        WHERE environment = 'production' AND status = 'active' AND (CAST(:after AS uuid) IS NULL OR patient_id > :after)
            AND EXISTS (
                SELECT FROM consent_item AS item
                WHERE (item.patient_id, item.consent_id) = (consent.patient_id, consent.id)
                    AND item.periodicity_kind IN ('continuous', 'recurring'))
        ORDER BY patient_id, valid_from, id) AS oldest
    WHERE :today - since >= :each AND (:today - since) % :each < :late
    ORDER BY patient_id LIMIT :page
"""  # noqa: S608 - our own words


def list_ending(today: date, after: Concerned | None = None) -> list[Concerned]:
    """Live consents whose end may be announced on a day."""
    spans = [
        Consent.valid_until.between(end_of(first), end_of(last)) for first, last in reminders.ending_between(today)
    ]
    since = sa.cast(sa.func.timezone("Europe/Paris", Consent.valid_from), sa.Date)
    found = sa.select(Consent.patient_id, Consent.id, since).where(
        Consent.environment == "production", Consent.status.in_(LIVE), sa.or_(*spans)
    )
    following = found.where(Consent.id > after.grant_id) if after else found
    return [Concerned(*row) for row in db.session.execute(following.order_by(Consent.id).limit(PAGE))]


def list_long_held(today: date, after: Concerned | None = None) -> list[Concerned]:
    """Active consents given ninety days ago or more: each is looked at once a week."""
    given = {"unused": reminders.UNUSED_AFTER, "week": 7, "after": after and after.grant_id}
    return _list(_HELD, today, given)


def list_followed(today: date, after: Concerned | None = None) -> list[Concerned]:
    """The spaces whose digest may be due on a day, each with the oldest consent under which an app goes on having
    access without asking anew.
    """
    given = {"each": reminders.EACH_DIGEST, "late": reminders.CATCH_UP, "after": after and after.patient_id}
    return _list(_FOLLOWED, today, given)


def list_of_app(application_id: UUID, after: UUID | None) -> list[Due]:
    """Everybody who ever authorized an app, in the order of the consents: those who left it had data copied too."""
    given = sa.select(Consent.patient_id, Consent.id).where(
        Consent.app_id == application_id, Consent.environment == "production"
    )
    following = given.where(Consent.id > after) if after else given
    return [Due(*row) for row in db.session.execute(following.order_by(Consent.id).limit(PAGE))]


def list_real(grant_ids: Collection[UUID]) -> set[UUID]:
    """Which of these consents are not of the sandbox."""
    real = sa.select(Consent.id).where(Consent.id.in_(grant_ids), Consent.environment == "production")
    return set(db.session.scalars(real))


def _list(statement: str, today: date, given: Mapping[str, object]) -> list[Concerned]:
    rows = db.session.execute(sa.text(statement), {"today": today, "page": PAGE, **given})
    return [Concerned(*row) for row in rows]
