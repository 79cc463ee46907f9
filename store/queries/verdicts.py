"""What the reviewers found on each criterion."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from platform_core.database import db
from store.models.submissions import Verdict
from store.rules.grid import Verdict as VerdictValue


@dataclass(frozen=True, slots=True)
class VerdictView:
    verdict: VerdictValue
    comment: str
    by: str
    version: int


def list_verdicts(submission_id: UUID) -> Mapping[str, VerdictView]:
    """What the reviewers found so far, by criterion."""
    rows = db.session.scalars(sa.select(Verdict).where(Verdict.submission_id == submission_id))
    return {
        row.criterion: VerdictView(VerdictValue(row.verdict), row.comment, row.reviewer_name, row.version)
        for row in rows
    }
