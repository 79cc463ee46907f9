"""What reviewers do with a dossier: charge, admissibility, verdicts, complements, questions, notes, proposal."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from platform_core.access import Actor
from platform_core.clock import FrozenClock, now, today
from platform_core.database import db, transaction
from platform_core.errors import Conflict, Forbidden, Invalid, NotFound, VersionMismatch
from store.errors import CriteriaNotMet, OwnOrganisation, RoleRequired, SectionLocked, TransitionRefused
from store.queries.history import list_history, list_intervals
from store.queries.questions import list_notes, list_questions
from store.queries.queue import QueueFilter, count_queue, list_queue
from store.queries.submissions import SubmissionView, get_submission
from store.queries.verdicts import list_verdicts
from store.rules.delays import Phase
from store.rules.dossier import section_version
from store.rules.grid import Verdict
from store.service import commission, decisions, dossiers, drafts, questions, rehearsal, reviews
from store.workflow import Opinion, QuestionState, Role, SubmissionState
from tests.store.conftest import People, bring_to, complete_dossier
from tests.store.races import one_wins, race


def view(submission_id: UUID) -> SubmissionView:
    with transaction():
        return get_submission(submission_id)


def find(submission_id: UUID, verdict: Verdict, *, by: Actor, criterion: str = "SEC-01", **more: Any) -> None:
    reviews.record_verdict(
        submission_id=submission_id,
        criterion=criterion,
        verdict=verdict,
        comment=more.get("comment", ""),
        version=more.get("version", 1),
        by=by,
    )


def test_a_draft_is_not_the_reviewers_business_even_once_abandoned(people: People) -> None:
    application_id, submission_id = bring_to("draft", people)
    for _ in range(2):
        with pytest.raises(NotFound), transaction():
            get_submission(submission_id)
        with pytest.raises(NotFound), transaction():
            reviews.take_in_charge(submission_id=submission_id, by=people.ines)
        with transaction():
            assert list_queue().total == 0
            if view_state(application_id) != SubmissionState.ABANDONED:
                drafts.abandon(application_id=application_id, by=people.alice)


def view_state(application_id: UUID) -> str:
    found = sa.text("SELECT state FROM store_submission WHERE application_id = :id")
    return str(db.session.scalar(found, {"id": application_id}))


def test_a_dossier_is_taken_given_and_left_and_is_never_taken_from_a_colleague(people: People) -> None:
    _, submission_id = bring_to("submitted", people)
    with transaction():
        reviews.take_in_charge(submission_id=submission_id, by=people.ines)
    with pytest.raises(Conflict) as refused, transaction():
        reviews.take_in_charge(submission_id=submission_id, by=people.noe)
    assert refused.value.code == "already-assigned"
    with transaction():
        reviews.assign(submission_id=submission_id, reviewer_id=people.noe.id, by=people.ines)
    assert view(submission_id).evaluator_id == people.noe.id
    with transaction():
        reviews.release(submission_id=submission_id, by=people.noe)
    assert (view(submission_id).evaluator_id, view(submission_id).evaluator_name) == (None, "")


def test_a_dossier_is_given_to_a_reviewer_only(people: People) -> None:
    _, submission_id = bring_to("submitted", people)
    with pytest.raises(NotFound), transaction():
        reviews.assign(submission_id=submission_id, reviewer_id=people.omar.id, by=people.ines)


def test_an_inadmissible_file_is_closed_and_another_may_follow(people: People) -> None:
    application_id, submission_id = bring_to("submitted", people)
    with transaction():
        reviews.declare_inadmissible(submission_id=submission_id, motive="Hors du champ.", by=people.ines)
    assert (view(submission_id).state, view(submission_id).waiting_on) == (SubmissionState.INADMISSIBLE, None)
    with transaction():
        dossiers.open_submission(application_id=application_id, by=people.alice)


@pytest.mark.parametrize(
    "act",
    [
        lambda **asked: reviews.take_in_charge(**asked),
        lambda **asked: reviews.declare_admissible(**asked),
        lambda **asked: reviews.request_complements(motive="Motif.", flagged=["hosting"], **asked),
        lambda **asked: reviews.propose(opinion=Opinion.FAVOURABLE, motive="Motif.", **asked),
        lambda **asked: questions.ask(section="hosting", text="Où ?", **asked),
        lambda **asked: questions.write_note(text="Vu.", **asked),
        lambda **asked: decisions.accept(motive="Motif.", **asked),
        lambda **asked: decisions.refuse(motive="Motif.", **asked),
    ],
    ids=["take", "admit", "complements", "propose", "ask", "note", "accept", "refuse"],
)
def test_nobody_examines_a_file_of_their_own_organisation(people: People, act: Callable[..., None]) -> None:
    _, submission_id = bring_to("submitted", people)
    insider = replace(
        people.ines,
        organisation_id=people.alice.organisation_id,
        roles=frozenset({"reviewer", "decider", "publisher"}),
    )
    with pytest.raises(OwnOrganisation), transaction():
        act(submission_id=submission_id, by=insider)


def test_a_decider_does_not_review(people: People) -> None:
    _, submission_id = bring_to("in_evaluation", people)
    with pytest.raises(RoleRequired), transaction():
        find(submission_id, Verdict.CONFORMING, by=people.omar, version=0)
    with pytest.raises(Forbidden), transaction():
        questions.ask(submission_id=submission_id, section="hosting", text="Où ?", by=people.omar)


@pytest.mark.parametrize(
    ("verdict", "criterion", "comment", "code"),
    [
        (Verdict.NOT_CONFORMING, "SEC-01", " ", "comment-required"),
        (Verdict.TO_CLARIFY, "SEC-01", "", "comment-required"),
        (Verdict.NOT_APPLICABLE, "SEC-01", "", "comment-required"),
    ],
)
def test_a_verdict_that_says_no_says_why(
    people: People, verdict: Verdict, criterion: str, comment: str, code: str
) -> None:
    _, submission_id = bring_to("in_evaluation", people)
    with pytest.raises(Invalid) as refused, transaction():
        find(submission_id, verdict, by=people.ines, criterion=criterion, comment=comment, version=0)
    assert refused.value.code == code


def test_two_reviewers_on_one_criterion_do_not_overwrite_each_other(app: Flask, people: People) -> None:
    _, submission_id = bring_to("in_evaluation", people)
    raised = race(
        app,
        lambda: find(submission_id, Verdict.CONFORMING, by=people.ines, version=0),
        lambda: find(submission_id, Verdict.NOT_CONFORMING, by=people.noe, version=0, comment="Expiré."),
    )
    assert one_wins(raised) is VersionMismatch
    with transaction():
        kept = list_verdicts(submission_id)["SEC-01"]
    won = raised.index(None)
    assert (kept.verdict, kept.by) == [(Verdict.CONFORMING, "Inès"), (Verdict.NOT_CONFORMING, "Noé")][won]


def test_the_evaluation_is_concluded_once_every_criterion_has_its_verdict(people: People) -> None:
    _, submission_id = bring_to("in_evaluation", people)
    with pytest.raises(Conflict) as refused, transaction():
        reviews.propose(submission_id=submission_id, opinion=Opinion.UNFAVOURABLE, motive="Non.", by=people.ines)
    assert refused.value.code == "evaluation-incomplete"


def test_an_obligatory_criterion_not_met_forbids_to_propose_an_opinion_that_would_forget_it(people: People) -> None:
    _, submission_id = bring_to("proposed", people)
    with transaction():
        find(submission_id, Verdict.NOT_CONFORMING, by=people.ines, comment="Le certificat a expiré.")
    for opinion in (Opinion.FAVOURABLE, Opinion.FAVOURABLE_NON_SUSPENSIVE):
        with pytest.raises(CriteriaNotMet), transaction():
            reviews.propose(submission_id=submission_id, opinion=opinion, motive="Conforme.", by=people.ines)
    with transaction():
        suspensive = Opinion.FAVOURABLE_SUSPENSIVE
        reviews.propose(submission_id=submission_id, opinion=suspensive, motive="Hébergement.", by=people.ines)
    assert view(submission_id).proposal is suspensive


def test_a_verdict_given_after_the_proposal_takes_it_back_and_only_reviewers_know(people: People) -> None:
    application_id, submission_id = bring_to("proposed", people)
    assert view(submission_id).phase is Phase.COMMISSION
    with transaction():
        find(submission_id, Verdict.TO_CLARIFY, by=people.ines, comment="À préciser.")
    assert (view(submission_id).proposal, view(submission_id).phase) == (None, Phase.EVALUATION)
    with transaction():
        public = {entry.verb for entry in list_history(application_id)}
        internal = {entry.verb for entry in list_history(application_id, internal=True)}
    assert internal - public == {"propose_opinion", "resume_evaluation"}


def test_complements_open_what_is_flagged_and_nothing_else(people: People) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    with transaction():
        questions.ask(submission_id=submission_id, section="privacy", text="Quels risques ?", by=people.ines)
        reviews.request_complements(
            submission_id=submission_id, motive="Hébergement.", flagged=["hosting"], by=people.ines
        )
    assert (list(view(submission_id).flagged), view(submission_id).waiting_on) == (
        ["hosting", "privacy"],
        Role.PUBLISHER,
    )
    whole = complete_dossier()
    for section in ("hosting", "privacy"):
        with transaction():
            save(application_id, section, {**whole[section]}, people.alice)
    with pytest.raises(SectionLocked) as locked, transaction():
        save(application_id, "ethics", {**whole["ethics"]}, people.alice)
    assert locked.value.code == "section-locked"


def save(application_id: UUID, section: str, values: dict[str, Any], by: Actor) -> None:
    version = section_version(complete_dossier(), section)
    dossiers.save_section(application_id=application_id, section=section, values=values, version=version, by=by)


@pytest.mark.parametrize(
    ("flagged", "code"),
    [([], "nothing-flagged"), (["nowhere"], "unknown-flag"), (["hosting", "XXX-99"], "unknown-flag")],
)
def test_complements_name_parts_that_exist(people: People, flagged: list[str], code: str) -> None:
    _, submission_id = bring_to("in_evaluation", people)
    with pytest.raises(Invalid) as refused, transaction():
        reviews.request_complements(submission_id=submission_id, motive="?", flagged=flagged, by=people.ines)
    assert refused.value.code == code


def test_a_question_is_answered_reopened_and_closed_and_keeps_what_was_said(people: People) -> None:
    _, submission_id = bring_to("in_evaluation", people)
    with transaction():
        question_id = questions.ask(
            submission_id=submission_id, criterion="SEC-01", text="Depuis quand ?", by=people.ines
        )
    with pytest.raises(NotFound), transaction():
        questions.answer(question_id=question_id, text="Hier.", by=people.bruno)
    with transaction():
        questions.answer(question_id=question_id, text="Hier.", by=people.alice)
    with pytest.raises(TransitionRefused), transaction():
        questions.answer(question_id=question_id, text="Avant-hier.", by=people.alice)
    with transaction():
        questions.reopen(question_id=question_id, text="Le jour exact ?", by=people.noe)
    with transaction():
        questions.answer(question_id=question_id, text="Le 4.", by=people.alice)
        questions.close(question_id=question_id, by=people.ines)
    with transaction():
        (found,) = list_questions(submission_id)
    assert (found.state, found.criterion, found.section) == (QuestionState.CLOSED, "SEC-01", None)
    assert [(message.by, message.text) for message in found.messages] == [
        ("Inès", "Depuis quand ?"),
        ("Alice", "Hier."),
        ("Noé", "Le jour exact ?"),
        ("Alice", "Le 4."),
    ]


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({"text": "?"}, Invalid),
        ({"text": "?", "criterion": "SEC-01", "section": "hosting"}, Invalid),
        ({"text": "?", "criterion": "XXX-99"}, NotFound),
        ({"text": "?", "section": "nowhere"}, NotFound),
        ({"text": "  ", "section": "hosting"}, Invalid),
        ({"text": "?", "section": "hosting", "due_on": -1}, Invalid),
    ],
)
def test_a_question_has_a_text_a_target_and_a_date_to_come(
    people: People, asked: dict[str, Any], refusal: type[Exception]
) -> None:
    _, submission_id = bring_to("in_evaluation", people)
    if "due_on" in asked:
        asked = {**asked, "due_on": today() + timedelta(days=asked["due_on"])}
    with pytest.raises(refusal), transaction():
        questions.ask(submission_id=submission_id, by=people.ines, **asked)


def test_complements_are_sent_once_every_question_is_answered(people: People) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    with transaction():
        question_id = questions.ask(submission_id=submission_id, section="hosting", text="Où ?", by=people.ines)
        reviews.request_complements(submission_id=submission_id, motive="Précisez.", by=people.ines)
    with pytest.raises(Conflict) as refused, transaction():
        dossiers.submit(application_id=application_id, by=people.alice)
    assert refused.value.code == "questions-open"
    with transaction():
        questions.answer(question_id=question_id, text="À Nantes.", by=people.alice)
        dossiers.submit(application_id=application_id, by=people.alice)
    assert view(submission_id).state is SubmissionState.IN_EVALUATION


def test_notes_are_the_reviewers_alone(people: People) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    with pytest.raises(Forbidden), transaction():
        questions.write_note(submission_id=submission_id, text="Vu.", by=people.bruno)
    with transaction():
        questions.write_note(submission_id=submission_id, criterion="SEC-01", text="Vu.", by=people.ines)
    with transaction():
        assert [(note.by, note.text) for note in list_notes(submission_id)] == [("Inès", "Vu.")]
        assert all(entry.motive != "Vu." for entry in list_history(application_id, internal=True))
        assert list_questions(submission_id) == []


def test_the_clock_of_the_evaluation_stops_while_the_publisher_answers(people: People, clock: FrozenClock) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    before = view(submission_id).due_at
    assert before is not None
    clock.move(days=10)
    with transaction():
        reviews.request_complements(submission_id=submission_id, motive="Où ?", flagged=["hosting"], by=people.ines)
    assert (view(submission_id).waiting_on, view(submission_id).days_left) == (Role.PUBLISHER, 30)
    clock.move(days=25)
    with transaction():
        dossiers.submit(application_id=application_id, by=people.alice)
    present = view(submission_id)
    assert (present.waiting_on, present.due_at) == (Role.REVIEWER, before + timedelta(days=25))
    with transaction():
        spent = [(one.phase, (one.end - one.start).days if one.end else None) for one in list_intervals(submission_id)]
    assert spent[-3:] == [(Phase.EVALUATION, 10), (Phase.COMPLEMENTS, 25), (Phase.EVALUATION, None)]


def test_the_queue_is_narrowed_by_state_person_delay_and_words(people: People, clock: FrozenClock) -> None:
    _, first = bring_to("in_evaluation", people, "Balance+")
    clock.move(days=61)
    _, second = bring_to("submitted", people, "Tensio")
    with transaction():
        expected: list[tuple[QueueFilter, list[UUID]]] = [
            (QueueFilter(), [first, second]),
            (QueueFilter(state=SubmissionState.SUBMITTED), [second]),
            (QueueFilter(evaluator_id=people.ines.id), [first]),
            (QueueFilter(unassigned=True), [second]),
            (QueueFilter(overdue=True), [first]),
            (QueueFilter(waiting_on=Role.PUBLISHER), []),
            (QueueFilter(text="tens"), [second]),
            (QueueFilter(text="balance+ sas"), [first, second]),
            (QueueFilter(text="100%"), []),
        ]
        for chosen, ids in expected:
            assert [row.submission_id for row in list_queue(chosen=chosen).items] == ids, chosen
        counts = count_queue(by=people.ines)
    assert (counts.overdue, counts.unassigned, counts.mine) == (1, 1, 1)
    assert counts.by_state == {SubmissionState.IN_EVALUATION: 1, SubmissionState.SUBMITTED: 1}


def test_a_publisher_who_sends_complements_while_the_file_is_abandoned_elsewhere_is_told(
    app: Flask, people: People
) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    with transaction():
        reviews.request_complements(submission_id=submission_id, motive="Où ?", flagged=["hosting"], by=people.ines)
    raised = race(
        app,
        lambda: dossiers.submit(application_id=application_id, by=people.alice),
        lambda: drafts.abandon(application_id=application_id, by=people.alice),
    )
    assert raised[0] in {None, TransitionRefused}
    assert view(submission_id).state is SubmissionState.ABANDONED


def test_a_proposal_waits_for_the_commission(people: People) -> None:
    _, submission_id = bring_to("in_evaluation", people)
    with transaction():
        rehearsal.find_all_conforming(submission_id=submission_id, by=people.ines)
        session_id = commission.plan_session(starts_at=now() + timedelta(days=1), place="Paris", by=people.ines)
    with pytest.raises(Conflict) as refused, transaction():
        commission.add_to_agenda(session_id=session_id, submission_id=submission_id, by=people.ines)
    assert refused.value.code == "proposal-missing"
