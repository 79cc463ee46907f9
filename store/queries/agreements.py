"""What follows an acceptance: the convention and the interoperability tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from platform_core.database import db
from store.models.conventions import Convention
from store.models.interop import InteropCheck
from store.rules.interop import BEHAVIOURS, Behaviour


@dataclass(frozen=True, slots=True)
class ConventionView:
    """The signatures of a submission's convention; the authority's may still be missing."""

    version: str
    text_hash: str
    quality: str
    signed_by: str
    signed_at: datetime
    countersigned_by: str
    countersigned_at: datetime | None


@dataclass(frozen=True, slots=True)
class CheckView:
    """A behaviour to show in the sandbox, and how. `waived_by` is empty when it was really seen."""

    behaviour: Behaviour
    title: str
    text: str
    how: str
    example: str
    passed_at: datetime | None
    waived_by: str
    motive: str


def find_convention(submission_id: UUID) -> ConventionView | None:
    """The convention of a submission; None until the publisher signs (an amendment may keep the former one)."""
    row = db.session.get(Convention, submission_id)
    return _convention_view(row) if row else None


def find_current_convention(application_id: UUID) -> ConventionView | None:
    """The last convention of an application that both sides signed."""
    signed = sa.select(Convention).where(
        Convention.application_id == application_id, Convention.countersigned_at.is_not(None)
    )
    row = db.session.scalar(signed.order_by(Convention.countersigned_at.desc()).limit(1))
    return _convention_view(row) if row else None


def _convention_view(row: Convention) -> ConventionView:
    return ConventionView(
        row.version,
        row.text_hash,
        row.quality,
        row.signed_by_name,
        row.signed_at,
        row.countersigned_by_name,
        row.countersigned_at,
    )


def list_checks(submission_id: UUID) -> Sequence[CheckView]:
    """The behaviours that a submission must show, in the order of interop.json; none before its tests are open."""
    rows = db.session.scalars(sa.select(InteropCheck).where(InteropCheck.submission_id == submission_id))
    found = {Behaviour(row.behaviour): row for row in rows}
    return [
        CheckView(
            behaviour,
            text.title,
            text.text,
            text.how,
            text.example,
            found[behaviour].passed_at,
            found[behaviour].waived_by_name,
            found[behaviour].motive,
        )
        for behaviour, text in BEHAVIOURS.items()
        if behaviour in found
    ]
