"""What people are told without having acted: ends, digests, accesses that begin or serve no more; each once."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from consent import tasks
from consent.service import granting, lifecycle, reminders
from identity_core.rules import RepresentationKind
from identity_core.service.representations import add_representation
from identity_core.service.seeding import Seeded
from notification_core import queries as inbox
from notification_core.categories import OPTIONAL, Topic, topic_of
from notification_core.queries import MessageView
from notification_core.service import preferences
from platform_core.access import SYSTEM, Actor
from platform_core.clock import FrozenClock
from platform_core.database import DatabaseRole, transaction
from platform_core.french import day_in_words
from platform_core.journal import service as journal
from platform_core.permission import CONTINUOUS, ON_DEMAND, ONCE
from store.service import listings
from tests.consent.builders import permission
from tests.consent.calls import in_parallel
from tests.consent.conftest import CAMILLE
from tests.consent.journaling import write_line

Give = Callable[..., UUID]
KINDS = ("consent.ending-30", "consent.ending-7", "consent.digest", "consent.unused", "consent.first-access")


@pytest.fixture
def give(grant_consent: Give, applications: dict[str, UUID], camille: UUID) -> Give:
    """`give(item, …)`: Camille authorizes Balance+ for good, until 31 December 2026 unless said."""

    def to_balance(*items: object, valid_until: date = date(2026, 12, 31), **more: object) -> UUID:
        given = {"patient_id": camille, "app_id": applications["Balance+"], "environment": "production"}
        return grant_consent(*items, valid_until=valid_until, **{**given, **more})

    return to_balance


def at(clock: FrozenClock, day: date, hour: int = 10) -> None:
    """Go to an hour of a day, in winter, in Paris."""
    clock.instant = datetime(day.year, day.month, day.day, hour - 1, tzinfo=UTC)


def told(patient_id: UUID, kind: str) -> list[MessageView]:
    with transaction(patient_id=patient_id):
        found = inbox.list_messages(patient_id=patient_id).items
    return [message for message in found if message.kind == kind]


def run() -> None:
    for task in (tasks.remind_of_ends, tasks.send_digests, tasks.propose_pauses):
        task()


def use(patient_id: UUID, grant_id: UUID, app_id: UUID) -> None:
    """One served call, sealed."""
    write_line(patient_id, app_id=app_id, grant_id=grant_id)
    with transaction(role=DatabaseRole.BATCH):
        journal.seal_batch()


class TestDeadlines:
    def test_an_end_is_announced_a_month_and_a_week_before_whatever_is_run_twice(
        self, give: Give, camille: UUID, clock: FrozenClock
    ) -> None:
        grant_id = give()
        for day in (date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 2), date(2026, 12, 24), date(2026, 12, 30)):
            at(clock, day)
            run()
            run()
            assert len(told(camille, "consent.ending-30")) == (day >= date(2026, 12, 1))
            assert len(told(camille, "consent.ending-7")) == (day >= date(2026, 12, 24))
        (message,) = told(camille, "consent.ending-7")
        assert message.link == f"/espace/applications/{grant_id}"
        assert "Balance+" in message.title and day_in_words(date(2026, 12, 31)) in message.body
        assert "rien n’est reconduit sans vous" in message.body

    def test_it_waits_for_the_morning(self, give: Give, camille: UUID, clock: FrozenClock) -> None:
        give()
        at(clock, date(2026, 12, 1), hour=8)
        run()
        assert told(camille, "consent.ending-30") == []
        at(clock, date(2026, 12, 1), hour=9)
        run()
        assert len(told(camille, "consent.ending-30")) == 1

    def test_a_new_end_is_announced_anew(self, give: Give, camille: UUID, clock: FrozenClock) -> None:
        give()
        at(clock, date(2026, 12, 1))
        run()
        give(valid_until=date(2027, 1, 31))
        for day in (date(2026, 12, 24), date(2027, 1, 1), date(2027, 1, 24)):
            at(clock, day)
            run()
        assert len(told(camille, "consent.ending-30")) == 2
        assert len(told(camille, "consent.ending-7")) == 1

    def test_an_end_just_chosen_is_not_announced_to_who_chose_it(
        self, give: Give, camille: UUID, clock: FrozenClock
    ) -> None:
        grant_id = give(valid_until=date(2027, 5, 21))
        at(clock, date(2026, 12, 5))
        with transaction(patient_id=camille):
            granting.amend_consent(
                patient_id=camille, grant_id=grant_id, items=[permission()], valid_until=date(2026, 12, 31), by=CAMILLE
            )
        run()
        assert told(camille, "consent.ending-30") == []

    def test_what_ended_meanwhile_is_not_announced_and_what_is_paused_is(
        self, give: Give, camille: UUID, people: Seeded, clock: FrozenClock
    ) -> None:
        revoked, dominique = give(), people.patients["dominique"]
        paused = give(patient_id=dominique)
        with transaction(patient_id=camille):
            lifecycle.revoke_consent(patient_id=camille, grant_id=revoked, by=CAMILLE)
        with transaction(patient_id=dominique):
            lifecycle.pause_consent(patient_id=dominique, grant_id=paused, by=CAMILLE)
        at(clock, date(2026, 12, 1))
        run()
        assert told(camille, "consent.ending-30") == []
        assert len(told(dominique, "consent.ending-30")) == 1

    def test_a_sandbox_reminds_nobody(self, give: Give, camille: UUID, clock: FrozenClock) -> None:
        give(permission(periodicity=CONTINUOUS), environment="sandbox", valid_until=date(2027, 2, 19))
        for day in (date(2027, 1, 20), date(2027, 2, 12), date(2027, 2, 19)):
            at(clock, day)
            run()
        assert [kind for kind in KINDS if told(camille, kind)] == []

    def test_a_run_that_is_killed_is_finished_by_the_next_without_telling_anybody_twice(
        self, give: Give, people: Seeded, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        patients = [people.patients[name] for name in ("camille", "dominique", "paul")]
        for patient_id in patients:
            give(patient_id=patient_id)
        at(clock, date(2026, 12, 1))
        whole, unlucky = reminders.remind_of_end, patients[1]

        def die_for_one(*, patient_id: UUID, **named: object) -> None:
            whole(patient_id=patient_id, **named)
            if patient_id == unlucky:
                raise RuntimeError("killed before the commit")

        with monkeypatch.context() as patched:
            patched.setattr(reminders, "remind_of_end", die_for_one)
            with pytest.raises(RuntimeError, match="1 consents"):
                tasks.remind_of_ends()
        assert [len(told(one, "consent.ending-30")) for one in patients] == [1, 0, 1]
        tasks.remind_of_ends()
        assert [len(told(one, "consent.ending-30")) for one in patients] == [1, 1, 1]

    def test_tasks_that_run_at_once_tell_once(self, app: Flask, give: Give, camille: UUID, clock: FrozenClock) -> None:
        give()
        at(clock, date(2026, 12, 1))
        in_parallel(app, 4, tasks.remind_of_ends)
        assert len(told(camille, "consent.ending-30")) == 1


class TestDigest:
    def test_it_lists_what_goes_on_every_ninety_days(
        self, give: Give, camille: UUID, applications: dict[str, UUID], clock: FrozenClock
    ) -> None:
        give(permission(periodicity=CONTINUOUS), valid_until=date(2027, 10, 1))
        for days in (89, 90, 91, 96, 97, 180):
            at(clock, date(2026, 11, 21) + timedelta(days=days))
            run()
            assert len(told(camille, "consent.digest")) == (0 if days < 90 else 1 if days < 180 else 2)
        message = told(camille, "consent.digest")[0]
        for word in (
            "Balance+ (Pesée Claire)",
            day_in_words(date(2027, 10, 1)),
            "en continu",
            "Prévention",
            "Mes applications",
        ):
            assert word in message.body
        assert message.link == "/espace/applications"

    def test_a_digest_missed_comes_later_and_still_once(self, give: Give, camille: UUID, clock: FrozenClock) -> None:
        give(permission(periodicity=CONTINUOUS), valid_until=date(2027, 10, 1))
        for days in (93, 95):
            at(clock, date(2026, 11, 21) + timedelta(days=days))
            run()
        assert len(told(camille, "consent.digest")) == 1

    def test_its_rhythm_is_the_patients(self, give: Give, camille: UUID, people: Seeded, clock: FrozenClock) -> None:
        give(valid_until=date(2027, 10, 1))
        with transaction(patient_id=camille):
            preferences.choose(
                patient_id=camille, person_id=people.persons["camille"], by_email=OPTIONAL, digest_days=30
            )
        for days in (30, 60, 90):
            at(clock, date(2026, 11, 21) + timedelta(days=days))
            run()
        assert len(told(camille, "consent.digest")) == 3

    @pytest.mark.parametrize("periodicity", [ONCE, ON_DEMAND])
    def test_what_needs_the_patient_each_time_is_not_listed(
        self, give: Give, camille: UUID, clock: FrozenClock, periodicity: object
    ) -> None:
        give(permission(periodicity=periodicity), valid_until=date(2027, 10, 1))
        at(clock, date(2027, 2, 19))
        run()
        assert told(camille, "consent.digest") == []

    def test_what_is_paused_or_suspended_is_not_listed(
        self,
        give: Give,
        camille: UUID,
        people: Seeded,
        applications: dict[str, UUID],
        agents: dict[str, Actor],
        clock: FrozenClock,
    ) -> None:
        paused = give(valid_until=date(2027, 10, 1))
        give(valid_until=date(2027, 10, 1), patient_id=people.patients["paul"])
        with transaction(patient_id=camille):
            lifecycle.pause_consent(patient_id=camille, grant_id=paused, by=CAMILLE)
        with transaction():
            listings.suspend_listing(application_id=applications["Balance+"], motive="Contrôle.", by=agents["omar"])
        at(clock, date(2027, 2, 19))
        run()
        assert told(camille, "consent.digest") == told(people.patients["paul"], "consent.digest") == []


class TestUnused:
    def test_a_pause_is_proposed_after_ninety_days_without_use_once(
        self, give: Give, camille: UUID, clock: FrozenClock
    ) -> None:
        grant_id = give(valid_until=date(2027, 10, 1))
        for days in (83, 90, 97, 180, 188):
            at(clock, date(2026, 11, 21) + timedelta(days=days))
            run()
            assert len(told(camille, "consent.unused")) == (days >= 90)
        (message,) = told(camille, "consent.unused")
        assert day_in_words(date(2026, 11, 21)) in message.body
        assert message.link == f"/espace/applications/{grant_id}", "its page has the button that pauses"

    def test_a_use_begins_the_days_anew(
        self, give: Give, camille: UUID, applications: dict[str, UUID], clock: FrozenClock
    ) -> None:
        grant_id = give(valid_until=date(2027, 10, 1))
        at(clock, date(2026, 12, 20))
        use(camille, grant_id, applications["Balance+"])
        for days in (90, 111, 118, 125):
            at(clock, date(2026, 11, 21) + timedelta(days=days))
            run()
            assert len(told(camille, "consent.unused")) == (days >= 119)

    def test_an_access_resumed_or_paused_is_not_called_unused(
        self, give: Give, camille: UUID, clock: FrozenClock
    ) -> None:
        grant_id = give(valid_until=date(2027, 10, 1))
        with transaction(patient_id=camille):
            lifecycle.pause_consent(patient_id=camille, grant_id=grant_id, by=CAMILLE)
        at(clock, date(2027, 2, 19))
        run()
        with transaction(patient_id=camille):
            lifecycle.resume_consent(patient_id=camille, grant_id=grant_id, by=CAMILLE)
        at(clock, date(2027, 2, 26))
        run()
        assert told(camille, "consent.unused") == []


class TestFirstAccess:
    def test_it_is_told_once_as_soon_as_the_journal_is_sealed(
        self, give: Give, camille: UUID, applications: dict[str, UUID], clock: FrozenClock
    ) -> None:
        grant_id = give()
        tasks.tell_first_accesses()
        assert told(camille, "consent.first-access") == []
        for _ in range(2):
            use(camille, grant_id, applications["Balance+"])
            tasks.tell_first_accesses()
            clock.move(days=1)
        (message,) = told(camille, "consent.first-access")
        assert day_in_words(date(2026, 11, 21)) in message.body
        assert message.link == f"/espace/applications/{grant_id}"

    def test_a_refusal_is_no_access_and_the_sandbox_tells_nobody(
        self, give: Give, camille: UUID, people: Seeded, applications: dict[str, UUID]
    ) -> None:
        real, dominique = give(), people.patients["dominique"]
        made_up = give(environment="sandbox", patient_id=dominique)
        write_line(camille, app_id=applications["Balance+"], grant_id=real, code="consent-paused")
        use(dominique, made_up, applications["Balance+"])
        tasks.tell_first_accesses()
        assert told(camille, "consent.first-access") == told(dominique, "consent.first-access") == []

    def test_a_run_killed_before_it_moved_on_tells_nobody_twice(
        self, give: Give, camille: UUID, applications: dict[str, UUID], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        use(camille, give(), applications["Balance+"])

        def die(**_: object) -> None:
            raise RuntimeError("killed")

        with monkeypatch.context() as patched:
            patched.setattr(tasks.volumes, "move_watch", die)
            with pytest.raises(RuntimeError, match="killed"):
                tasks.tell_first_accesses()
        tasks.tell_first_accesses()
        assert len(told(camille, "consent.first-access")) == 1


def test_nobody_can_switch_off_what_is_about_security() -> None:
    for kind in ("consent.suspended", "consent.unusual_use", "consent.incident"):
        assert topic_of(kind) is Topic.SECURITY
    assert [topic_of(kind) for kind in KINDS] == [
        Topic.DEADLINES,
        Topic.DEADLINES,
        Topic.DIGEST,
        Topic.UNUSED,
        Topic.FIRST_ACCESS,
    ]


def test_a_child_is_reminded_through_both_parents(give: Give, people: Seeded, clock: FrozenClock) -> None:
    lea = people.patients["lea"]
    with transaction():
        add_representation(
            patient_id=lea,
            person_id=people.persons["dominique"],
            kind=RepresentationKind.PARENTAL_AUTHORITY,
            valid_from=date(2026, 11, 21),
            by=SYSTEM,
        )
    give(patient_id=lea)
    at(clock, date(2026, 12, 1))
    with transaction() as session:
        session.execute(sa.text("DELETE FROM notification_email"))
    run()
    with transaction():
        found = list(inbox.list_emails())
    assert sorted(email.recipient for email in found) == ["camille@exemple.invalid", "dominique@exemple.invalid"]
    for email in found:
        assert "Balance" not in email.subject + email.body
