"""Candidacies to a call: filed, revised and withdrawn by publishers, scored by reviewers, chosen by deciders."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from platform_core import clock
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import Conflict, Fault, Invalid, NotFound
from store.errors import CallClosed
from store.models.applications import Application
from store.models.calls import Call, Candidacy, CandidacyScore
from store.rules import calls as rules
from store.rules.calls import Terms
from store.service.calls import lock_call, move, tell_candidate
from store.service.independence import check_not_scorer
from store.service.transitions import check_other_organisation, locked, own_application, person
from store.workflow import CallState, CandidacyState, CandidacyVerb


def file(
    *,
    call_id: UUID,
    application_id: UUID,
    answers: Mapping[str, str],
    team: str,
    links: Sequence[str] = (),
    by: Actor,
) -> UUID:
    """Answer a call with an application, or answer anew: until the last day, the last answer counts.

    Raises `CallClosed`, `Invalid` (`candidacy-invalid`), `NotFound`, `RoleRequired`.
    """
    own_application(application_id, by=by)
    call = _lock_open(call_id)
    terms = Terms.from_json(call.terms)
    rules.check_candidacy(terms, answers, team, links)
    candidacy = _find(call_id, application_id) or Candidacy(call_id=call_id, application_id=application_id)
    candidacy.answers = {one.code: answers[one.code].strip() for one in terms.criteria}
    candidacy.team, candidacy.links, candidacy.filed_at = team.strip(), list(links), clock.now()
    is_new = candidacy.state != CandidacyState.FILED
    move(candidacy, CandidacyVerb.FILE if is_new else CandidacyVerb.REVISE, by=by)
    if is_new:
        tell_candidate(candidacy, call, CandidacyVerb.FILE, by=by)
    return candidacy.id


def withdraw(*, candidacy_id: UUID, by: Actor) -> None:
    """Take a candidacy back before the call closes. Raises `CallClosed`, `NotFound`."""
    candidacy = _get(candidacy_id)
    own_application(candidacy.application_id, by=by)
    call = _lock_open(candidacy.call_id)
    db.session.refresh(candidacy)
    move(candidacy, CandidacyVerb.WITHDRAW, by=by)
    tell_candidate(candidacy, call, CandidacyVerb.WITHDRAW, by=by)


def score(*, candidacy_id: UUID, scores: Mapping[str, tuple[int, str]], by: Actor) -> None:
    """Score a candidacy of a closed call: for each criterion a number from 0 to 5, and why. Scoring again replaces.

    Raises `Conflict` (`call-not-closed`), `Invalid` (`scores-invalid`), `OwnOrganisation`, `RoleRequired`.
    """
    call, candidacy = _lock_for_choice(candidacy_id, by)
    asked = {one.code for one in Terms.from_json(call.terms).criteria}
    _check_scores(asked, scores)
    move(candidacy, CandidacyVerb.SCORE, by=by)
    rows = [
        {
            "candidacy_id": candidacy.id,
            "reviewer_id": person(by),
            "criterion": criterion,
            "score": value,
            "comment": comment.strip(),
            "reviewer_name": by.name,
            "scored_at": clock.now(),
        }
        for criterion, (value, comment) in scores.items()
    ]
    given = insert(CandidacyScore).values(rows)
    changed = {name: given.excluded[name] for name in ("score", "comment", "scored_at")}
    keys = ["candidacy_id", "reviewer_id", "criterion"]
    db.session.execute(given.on_conflict_do_update(index_elements=keys, set_=changed))


def _check_scores(asked: set[str], scores: Mapping[str, tuple[int, str]]) -> None:
    faults = [Fault(f"score-{code}", "This criterion has no score.", "required") for code in sorted(asked - {*scores})]
    for code, (value, comment) in scores.items():
        if code not in asked or not 0 <= value <= rules.BEST:
            faults.append(Fault(f"score-{code}", "A score goes from 0 to 5.", "out-of-range"))
        elif not comment.strip():
            faults.append(Fault(f"comment-{code}", "A score is explained.", "required"))
    if faults:
        raise Invalid("The scores are incomplete.", code="scores-invalid", faults=faults)


def select(*, candidacy_id: UUID, motive: str, by: Actor) -> None:
    """Choose a candidacy. It may change until the call is concluded; nobody is told before.

    Raises `Conflict` (`call-not-closed`, `scores-missing`), `FourEyes`, `OwnOrganisation`, `MotiveRequired`.
    """
    _choose(candidacy_id, CandidacyVerb.SELECT, motive, by)


def reject(*, candidacy_id: UUID, motive: str, by: Actor) -> None:
    """Do not choose a candidacy. As `select`."""
    _choose(candidacy_id, CandidacyVerb.REJECT, motive, by)


def _choose(candidacy_id: UUID, verb: CandidacyVerb, motive: str, by: Actor) -> None:
    call, candidacy = _lock_for_choice(candidacy_id, by)
    check_not_scorer(candidacy.id, by)
    rows = db.session.execute(
        sa.select(CandidacyScore.reviewer_id, CandidacyScore.criterion).where(
            CandidacyScore.candidacy_id == candidacy.id
        )
    )
    scored: dict[object, set[str]] = {}
    for reviewer_id, criterion in rows:
        scored.setdefault(reviewer_id, set()).add(criterion)
    if rules.count_readers(Terms.from_json(call.terms).criteria, scored) < rules.READERS:
        raise Conflict("Two reviewers score a candidacy before it is decided on.", code="scores-missing")
    move(candidacy, verb, by=by, motive=motive)
    candidacy.motive = motive.strip()


def _lock_open(call_id: UUID) -> Call:
    call = lock_call(call_id)
    if call.state != CallState.PUBLISHED or clock.today() > call.closes_on:
        raise CallClosed("This call does not receive candidacies now.")
    return call


def _lock_for_choice(candidacy_id: UUID, by: Actor) -> tuple[Call, Candidacy]:
    """The closed call and its candidacy, both locked."""
    call = lock_call(_get(candidacy_id).call_id)
    candidacy = db.session.scalars(locked(sa.select(Candidacy).where(Candidacy.id == candidacy_id))).one()
    check_other_organisation(db.session.get_one(Application, candidacy.application_id).organisation_id, by)
    if call.state != CallState.CLOSED:
        raise Conflict("Candidacies are scored and chosen once the call is closed.", code="call-not-closed")
    return call, candidacy


def _get(candidacy_id: UUID) -> Candidacy:
    candidacy = db.session.get(Candidacy, candidacy_id)
    if candidacy is None:
        raise NotFound("This candidacy does not exist.")
    return candidacy


def _find(call_id: UUID, application_id: UUID) -> Candidacy | None:
    own = sa.select(Candidacy).where(Candidacy.call_id == call_id, Candidacy.application_id == application_id)
    return db.session.scalar(locked(own))
