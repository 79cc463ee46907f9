"""The versions of a dossier, as they were submitted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from platform_core.access import Actor
from platform_core.database import db
from store.models.applications import Application
from store.models.submissions import Submission
from store.models.versions import Version


@dataclass(frozen=True, slots=True)
class VersionView:
    """A dossier as it was sent: the number of its submission, its own within it, who sent it and when."""

    submission_id: UUID
    submission_number: int
    number: int
    dossier: Mapping[str, Any]
    grid_version: str
    submitted_at: datetime
    submitted_by: str


def list_versions(application_id: UUID) -> Sequence[VersionView]:
    """Every version of every submission of an application, the newest first."""
    return _views(_versions().where(Submission.application_id == application_id))


def list_own_versions(application_id: UUID, *, by: Actor) -> Sequence[VersionView]:
    """The same, of an application of the publisher's own organisation; none of another's."""
    own = Application.organisation_id == by.organisation_id
    return _views(_versions().join(Application).where(Application.id == application_id, own))


def find_last_version(submission_id: UUID) -> VersionView | None:
    """The version that the reviewers last received; None while the submission was never sent."""
    found = _views(_versions().where(Version.submission_id == submission_id).limit(1))
    return found[0] if found else None


def find_answered_grid(application_id: UUID, *, before: int) -> str | None:
    """The grid that the application answered last, before the submission of that number."""
    sent = sa.select(Version.grid_version).join(Submission, Submission.id == Version.submission_id)
    earlier = sent.where(Submission.application_id == application_id, Submission.number < before)
    return db.session.scalar(earlier.order_by(Submission.number.desc(), Version.number.desc()).limit(1))


def _versions() -> sa.Select[Version, int]:
    found = sa.select(Version, Submission.number).join(Submission, Submission.id == Version.submission_id)
    return found.order_by(Submission.number.desc(), Version.number.desc())


def _views(query: sa.Select[Version, int]) -> list[VersionView]:
    return [
        VersionView(
            row.submission_id,
            number,
            row.number,
            row.dossier,
            row.grid_version,
            row.submitted_at,
            row.submitted_by_name,
        )
        for row, number in db.session.execute(query)
    ]
