"""What the platform does by itself: reminders, each once, and the archiving of sleeping drafts."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from platform_core.access import SYSTEM
from platform_core.clock import FrozenClock, today
from platform_core.database import db, transaction
from store import tasks
from store.queries.audits import get_audit, list_audits
from store.queries.history import list_history
from store.rules.commission import Ballot, NewReservation
from store.service import audits, commission, decisions, dossiers, drafts, questions, rehearsal, reminders, reviews
from tests.store.conftest import People, bring_to
from tests.store.races import race


def run() -> int:
    with transaction():
        return reminders.send_reminders(by=SYSTEM)


def told(kind: str) -> list[tuple[str, str]]:
    """Who was told of this kind, and under which link, in the order of the names."""
    rows = sa.text(
        "SELECT a.given_name, m.link FROM notification_agent_message m JOIN identity_agent a ON a.id = m.agent_id"
        " WHERE m.kind = :kind ORDER BY a.given_name, m.link"
    )
    with transaction():
        return [(row.given_name, row.link) for row in db.session.execute(rows, {"kind": kind})]


def listed(people: People) -> tuple[UUID, UUID, int]:
    """A listed application, its submission, and the days until two days before its first warning."""
    application_id, submission_id = bring_to("listed", people)
    return application_id, submission_id, 1096 - 92


def test_a_listing_that_ends_is_announced_at_ninety_and_thirty_days_once_each(
    people: People, clock: FrozenClock
) -> None:
    application_id, _, days = listed(people)
    clock.move(days=days)
    counts = []
    for move in (0, 2, 0, 30, 30, 0, 29):
        clock.move(days=move)
        run()
        counts.append(len(told("store.listing-expiring")))
    assert counts == [0, 1, 1, 1, 2, 2, 2]
    assert set(told("store.listing-expiring")) == {("Alice", f"/editeur/applications/{application_id}")}


def test_a_warning_that_was_missed_is_not_sent_late_beside_the_next(people: People, clock: FrozenClock) -> None:
    _, _, days = listed(people)
    clock.move(days=days + 92 - 10)
    run()
    assert len(told("store.listing-expiring")) == 1


def test_a_delay_that_ended_is_told_once_to_whose_turn_it_is(people: People, clock: FrozenClock) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    link = f"/instruction/dossiers/{submission_id}"
    clock.move(days=61)
    assert (run(), run()) == (1, 0)
    assert told("store.delay-overdue") == [("Inès", link)]
    with transaction():
        reviews.request_complements(submission_id=submission_id, motive="Où ?", flagged=["hosting"], by=people.ines)
    clock.move(days=31)
    assert (run(), run()) == (1, 0)
    assert told("store.delay-overdue") == [("Alice", f"/editeur/applications/{application_id}"), ("Inès", link)]


def test_a_dossier_nobody_took_is_told_to_every_reviewer(people: People, clock: FrozenClock) -> None:
    bring_to("submitted", people)
    clock.move(days=16)
    run()
    assert [name for name, _ in told("store.delay-overdue")] == ["Inès", "Noé"]


def test_a_question_left_without_an_answer_is_recalled_once_and_again_when_reopened(
    people: People, clock: FrozenClock
) -> None:
    _, submission_id = bring_to("in_evaluation", people)
    with transaction():
        asked = questions.ask(submission_id=submission_id, section="hosting", text="Où ?", by=people.ines)
    clock.move(days=15)
    assert run() == 0
    clock.move(days=1)
    assert (run(), run()) == (1, 0)
    with transaction():
        questions.answer(question_id=asked, text="Là.", by=people.alice)
        questions.reopen(question_id=asked, text="Mais où ?", by=people.ines)
    clock.move(days=16)
    assert (run(), run()) == (1, 0)
    assert [name for name, _ in told("store.question-overdue")] == ["Alice", "Alice"]


def test_a_non_suspensive_reservation_past_its_day_is_told_to_both_sides_unless_claimed(
    people: People, clock: FrozenClock
) -> None:
    _, submission_id = bring_to("proposed", people)
    with transaction():
        item_id = rehearsal.hold_session(submission_id, people.cast, Ballot.FAVOURABLE_NON_SUSPENSIVE)
        wanted = NewReservation("Auditer l’accessibilité.", False, today() + timedelta(days=10))
        commission.give_opinion(item_id=item_id, motive="Oui.", reservations=[wanted], by=people.claire)
        decisions.accept(submission_id=submission_id, motive="Oui.", by=people.omar)
    clock.move(days=11)
    assert (run(), run()) == (1, 0)
    assert [name for name, _ in told("store.reservation-overdue")] == ["Alice", "Inès", "Noé"]


def test_a_correction_past_its_day_is_told_once_to_both_sides_and_shows_until_it_is_made(
    people: People, clock: FrozenClock
) -> None:
    application_id, _ = bring_to("listed", people)
    with transaction():
        audit_id = audits.plan(
            application_id=application_id, scope="Les clés.", starts_on=today(), ends_on=today(), by=people.ines
        )
        audits.request_documents(audit_id=audit_id, by=people.ines)
        audits.issue_report(audit_id=audit_id, report="Une clé traîne.", by=people.ines)
        asked = [(text, today() + timedelta(days=10)) for text in ("Changer la clé.", "Former l’équipe.")]
        audits.require_corrections(audit_id=audit_id, actions=asked, by=people.ines)
        done = next(one.id for one in get_audit(audit_id).actions if one.text == "Changer la clé.")
        audits.report_correction(action_id=done, answer="Changée.", by=people.alice)
    clock.move(days=10)
    assert run() == 0
    clock.move(days=1)
    assert (run(), run()) == (1, 0)
    assert [name for name, _ in told("store.correction-overdue")] == ["Alice", "Inès", "Noé"]
    with transaction():
        (audit,) = list_audits(application_id)
        assert (audit.overdue, [one.text for one in audit.actions if one.is_overdue]) == (1, ["Former l’équipe."])


def test_a_draft_asleep_is_announced_at_eleven_months_and_archived_at_twelve(
    people: People, clock: FrozenClock
) -> None:
    application_id, _ = bring_to("draft", people)
    clock.move(days=335)
    assert run() == 0
    clock.move(days=1)
    assert (run(), run()) == (1, 0)
    with transaction():
        assert drafts.archive_drafts(by=SYSTEM) == 0
    clock.move(days=30)
    with transaction():
        assert drafts.archive_drafts(by=SYSTEM) == 1
        assert drafts.archive_drafts(by=SYSTEM) == 0
        assert [(entry.verb, entry.by) for entry in list_history(application_id)] == [("archive", SYSTEM.name)]
        dossiers.open_submission(application_id=application_id, by=people.alice)
    assert len(told("store.draft-asleep")) == 1


def test_two_runs_at_once_send_a_reminder_once(app: Flask, people: People, clock: FrozenClock) -> None:
    bring_to("in_evaluation", people)
    clock.move(days=61)
    both = lambda: reminders.send_reminders(by=SYSTEM)  # noqa: E731
    assert race(app, both, both) == [None, None]
    assert len(told("store.delay-overdue")) == 1


@pytest.mark.parametrize("task", [tasks.expire_listings, tasks.send_reminders, tasks.archive_drafts])
def test_the_tasks_run_as_beat_sends_them(app: Flask, task: Callable[[], None]) -> None:
    task()
