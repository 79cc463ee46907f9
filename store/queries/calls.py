"""Calls for applications, the candidacies to them, and what pilots measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from platform_core import clock
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import NotFound
from store.models.applications import Application
from store.models.calls import Call, Candidacy, CandidacyScore, Pilot
from store.models.listings import Listing
from store.queries.listings import PilotView, pilot_view
from store.rules.calls import READERS, Terms, count_readers, weigh
from store.workflow import CallState, CandidacyState

_PUBLIC = (CallState.PUBLISHED, CallState.CLOSED, CallState.SELECTED)


@dataclass(frozen=True, slots=True)
class CallView:
    """A call; `is_open` while candidacies are received."""

    id: UUID
    slug: str
    state: CallState
    terms: Terms
    published_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.state is CallState.PUBLISHED and clock.today() <= self.terms.closes_on


@dataclass(frozen=True, slots=True)
class ScoreView:
    """What one reviewer gave: for each criterion a score and its reason."""

    reviewer_id: UUID
    reviewer_name: str
    scores: Mapping[str, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class CandidacyView:
    """A candidacy with its scores; `total` is out of 100, None while a criterion has no score."""

    id: UUID
    call_id: UUID
    application_id: UUID
    application_name: str
    organisation_id: UUID
    state: CandidacyState
    answers: Mapping[str, str]
    team: str
    links: Sequence[str]
    motive: str
    filed_at: datetime
    scores: Sequence[ScoreView]
    total: float | None
    readers: int

    @property
    def is_ready(self) -> bool:
        """Whether enough reviewers scored it for a choice."""
        return self.readers >= READERS


@dataclass(frozen=True, slots=True)
class PilotReport:
    """A pilot of a call. `number` is that of its listing while it is an experiment; `results` when it is over."""

    limits: PilotView
    application_id: UUID
    name: str
    slug: str
    number: str
    results: Mapping[str, str] | None
    conclusion: str
    reported_at: datetime | None

    @property
    def is_over(self) -> bool:
        return clock.today() > self.limits.ends_on


def list_public_calls() -> Sequence[CallView]:
    """The calls that everybody may read, those that end soonest first; the closed ones after."""
    query = sa.select(Call).where(Call.state.in_(_PUBLIC))
    calls = [_call_view(call) for call in db.session.scalars(query.order_by(Call.closes_on, Call.id))]
    return sorted(calls, key=lambda call: not call.is_open)


def list_calls() -> Sequence[CallView]:
    """Every call, the newest first, for the authority."""
    return [_call_view(call) for call in db.session.scalars(sa.select(Call).order_by(Call.prepared_at.desc(), Call.id))]


def get_public_call(slug: str) -> CallView:
    """Raises `NotFound`, for a draft and an archived call too."""
    call = db.session.scalar(sa.select(Call).where(Call.slug == slug, Call.state.in_(_PUBLIC)))
    return _call_view(_known(call))


def get_call(call_id: UUID) -> CallView:
    """Raises `NotFound`."""
    return _call_view(_known(db.session.get(Call, call_id)))


def list_candidacies(call_id: UUID) -> Sequence[CandidacyView]:
    """The candidacies of a call that stand, the best total first."""
    found = _views(Candidacy.call_id == call_id, Candidacy.state != CandidacyState.WITHDRAWN)
    return sorted(found, key=lambda one: (-(one.total or 0), one.application_name, one.id))


def get_candidacy(candidacy_id: UUID) -> CandidacyView:
    """A candidacy as those who score it see it. Raises `NotFound`."""
    found = _views(Candidacy.id == candidacy_id)
    if not found:
        raise NotFound("This candidacy does not exist.")
    return found[0]


def list_own_candidacies(call_id: UUID, *, by: Actor) -> Sequence[CandidacyView]:
    """The candidacies of the publisher's organisation to a call."""
    return _views(Candidacy.call_id == call_id, Application.organisation_id == by.organisation_id)


def list_pilots(call_id: UUID) -> Sequence[PilotReport]:
    """The pilots of a call, by name."""
    return _reports(Pilot.call_id == call_id)


def find_own_report(application_id: UUID, *, by: Actor) -> tuple[PilotReport, CallView] | None:
    """The pilot of an application of the publisher's, with its call; None when it had none."""
    found = _reports(Pilot.application_id == application_id, Application.organisation_id == by.organisation_id)
    if not found:
        return None
    call = sa.select(Call).join(Pilot, Pilot.call_id == Call.id).where(Pilot.application_id == application_id)
    return found[0], _call_view(db.session.scalars(call).one())


def find_pilot_of(candidacy_id: UUID) -> PilotReport | None:
    """The pilot that a candidacy led to."""
    found = _reports(Pilot.candidacy_id == candidacy_id)
    return found[0] if found else None


def _reports(*which: sa.ColumnElement[bool]) -> Sequence[PilotReport]:
    rows = db.session.execute(
        sa.select(Pilot, Application.name, Application.slug, Listing.number)
        .join(Application, Application.id == Pilot.application_id)
        .join(Listing, Listing.application_id == Application.id)
        .where(*which)
        .order_by(Application.name, Pilot.id)
    )
    return [
        PilotReport(
            pilot_view(pilot),
            pilot.application_id,
            name,
            slug,
            number,
            pilot.results,
            pilot.conclusion,
            pilot.reported_at,
        )
        for pilot, name, slug, number in rows
    ]


def _views(*which: sa.ColumnElement[bool]) -> Sequence[CandidacyView]:
    rows = db.session.execute(
        sa.select(Candidacy, Application.name, Application.organisation_id, Call.terms)
        .join(Application, Application.id == Candidacy.application_id)
        .join(Call, Call.id == Candidacy.call_id)
        .where(*which)
        .order_by(Application.name, Candidacy.id)
        .execution_options(populate_existing=True)
    ).all()
    scores = _scores([candidacy.id for candidacy, *_ in rows])
    return [
        _candidacy_view(candidacy, name, organisation_id, Terms.from_json(terms), scores.get(candidacy.id, {}))
        for candidacy, name, organisation_id, terms in rows
    ]


def _scores(candidacy_ids: Sequence[UUID]) -> Mapping[UUID, Mapping[UUID, list[CandidacyScore]]]:
    """The scores of each candidacy by reviewer, in the order of their names."""
    given = sa.select(CandidacyScore).where(CandidacyScore.candidacy_id.in_(candidacy_ids))
    order = CandidacyScore.reviewer_name, CandidacyScore.reviewer_id, CandidacyScore.criterion
    found: dict[UUID, dict[UUID, list[CandidacyScore]]] = {}
    for one in db.session.scalars(given.order_by(*order).execution_options(populate_existing=True)):
        found.setdefault(one.candidacy_id, {}).setdefault(one.reviewer_id, []).append(one)
    return found


def _candidacy_view(
    candidacy: Candidacy,
    name: str,
    organisation_id: UUID,
    terms: Terms,
    given: Mapping[UUID, Sequence[CandidacyScore]],
) -> CandidacyView:
    by_criterion: dict[str, list[int]] = {}
    for one in (one for rows in given.values() for one in rows):
        by_criterion.setdefault(one.criterion, []).append(one.score)
    return CandidacyView(
        candidacy.id,
        candidacy.call_id,
        candidacy.application_id,
        name,
        organisation_id,
        CandidacyState(candidacy.state),
        candidacy.answers,
        candidacy.team,
        candidacy.links,
        candidacy.motive,
        candidacy.filed_at,
        [
            ScoreView(key, rows[0].reviewer_name, {one.criterion: (one.score, one.comment) for one in rows})
            for key, rows in given.items()
        ],
        weigh(terms.criteria, by_criterion),
        count_readers(terms.criteria, {key: {one.criterion for one in rows} for key, rows in given.items()}),
    )


def _call_view(call: Call) -> CallView:
    return CallView(call.id, call.slug, CallState(call.state), Terms.from_json(call.terms), call.published_at)


def _known(call: Call | None) -> Call:
    if call is None:
        raise NotFound("This call does not exist.")
    return call
