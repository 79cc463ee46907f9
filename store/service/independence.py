"""Four eyes: who evaluates a file neither votes nor decides on it."""

from uuid import UUID

import sqlalchemy as sa

from platform_core.access import Actor
from platform_core.database import db
from store.errors import FourEyes
from store.models.calls import CandidacyScore
from store.models.history import StoreEvent
from store.models.submissions import Submission
from store.workflow import TABLES, Role

_REVIEWING = sorted({str(verb) for table in TABLES.values() for verb, t in table.items() if t.roles == {Role.REVIEWER}})


def check_four_eyes(submission: Submission, by: Actor) -> None:
    """Raises `FourEyes` when the actor is the evaluator, ever gave a verdict, or used a reviewer's verb on the file."""
    acted = sa.select(StoreEvent.id).where(
        StoreEvent.submission_id == submission.id, StoreEvent.actor_id == by.id, StoreEvent.verb.in_(_REVIEWING)
    )
    if by.id in {submission.evaluator_id, *submission.evaluators} or db.session.scalar(acted.limit(1)):
        raise FourEyes("Who evaluated a file neither votes nor decides on it.")


def check_not_scorer(candidacy_id: UUID, by: Actor) -> None:
    """Raises `FourEyes` when the actor scored the candidacy."""
    own = sa.select(CandidacyScore.criterion).where(
        CandidacyScore.candidacy_id == candidacy_id, CandidacyScore.reviewer_id == by.id
    )
    if db.session.scalar(own.limit(1)):
        raise FourEyes("Who scored a candidacy does not decide on it.")
