"""Reads: what the authority announced about apps, and how far each announcement has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from consent.models import Announcement, Consent
from consent.queries.due import Due
from consent.queries.reminders import list_of_app
from platform_core.database import db


@dataclass(frozen=True, slots=True)
class Announced:
    """The next consents whose patients are told. `cursor` is where the announcement stood."""

    id: UUID
    cursor: UUID | None
    due: tuple[Due, ...]


@dataclass(frozen=True, slots=True)
class AnnouncementView:
    """What was announced about an app, by whom, and how many people were told; `ended_at` once everybody was."""

    text: str
    decided_at: datetime
    decider_name: str
    told: int
    ended_at: datetime | None


def list_announcements(application_id: UUID) -> Sequence[AnnouncementView]:
    """The announcements about an app, the newest first."""
    found = sa.select(Announcement).where(Announcement.application_id == application_id)
    rows = db.session.scalars(found.order_by(Announcement.decided_at.desc(), Announcement.id.desc()))
    return [AnnouncementView(one.text, one.decided_at, one.decider_name, one.told, one.ended_at) for one in rows]


def find_announced(announcement_id: UUID) -> Announced | None:
    """Whom an announcement must still reach; None when everybody was told. For the batch role."""
    announcement = db.session.get(Announcement, announcement_id)
    if announcement is None or announcement.ended_at:
        return None
    due = list_of_app(announcement.application_id, announcement.cursor)
    return Announced(announcement_id, announcement.cursor, tuple(due))


def find_concerned(announcement_id: UUID, grant_id: UUID) -> Due | None:
    """Whose consent this is, when an announcement is about its app. For the batch role."""
    about = sa.select(Consent.patient_id, Consent.id).join(Announcement, Announcement.application_id == Consent.app_id)
    row = db.session.execute(about.where(Announcement.id == announcement_id, Consent.id == grant_id)).one_or_none()
    return Due(*row) if row else None
