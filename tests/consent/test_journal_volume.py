"""What is out of the habit of an app: the rule alone, then the watch over the sealed journal."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from consent import tasks
from consent.pages.journal_words import unusual
from consent.queries import accesses
from consent.queries.accesses import UnusualView
from consent.rules.volume import Activity, Kind, find_unusual
from consent.service import volumes
from identity_core.service.seeding import Seeded
from notification_core.models import Message
from platform_core.clock import FrozenClock
from platform_core.database import DatabaseRole, db, transaction
from platform_core.journal import service as journal
from tests.consent.builders import PRESSURE, WEIGHT
from tests.consent.journaling import write_line
from tests.signing_in import sign_in_agent, sign_in_citizen

Grant = Callable[..., UUID]

TODAY = date(2026, 11, 21)
LONG_AGO = date(2026, 1, 1)


def activity(
    day: date = TODAY, *, read: int = 0, written: int = 0, night: int = 0, categories: Sequence[str] = (WEIGHT,)
) -> Activity:
    return Activity(day, read, written, night, frozenset(categories))


def habit(*read: int, **others: int) -> list[Activity]:
    """One day each, the last one yesterday."""
    return [activity(TODAY - timedelta(days=n), read=count, **others) for n, count in enumerate(read, start=1)]  # type: ignore[arg-type]


def found(present: Activity, before: Sequence[Activity], **since: date) -> list[tuple[Kind, int, int]]:
    known = {"granted_on": LONG_AGO, "decided_on": LONG_AGO, **since}
    return [(one.kind, one.count, one.usual) for one in find_unusual(present, before, **known)]


class TestRule:
    def test_much_more_than_usual_is_told_with_what_is_usual(self) -> None:
        assert found(activity(read=4800), habit(30, 28, 31, 30)) == [(Kind.READ, 4800, 30)]

    @pytest.mark.parametrize(
        ("read", "usual"),
        [(200, (1, 1, 1)), (150, (30, 30, 30)), (300, (60, 60, 60)), (900, (100, 400, 100, 400, 100, 400))],
        ids=["little", "few", "five times", "irregular"],
    )
    def test_what_is_little_or_within_the_habit_is_not(self, read: int, usual: tuple[int, ...]) -> None:
        assert found(activity(read=read), habit(*usual)) == []

    def test_one_odd_day_does_not_hide_the_next(self) -> None:
        assert found(activity(read=5000), habit(5000, 30, 30, 30, 30)) == [(Kind.READ, 5000, 30)]

    def test_the_first_week_is_protected(self) -> None:
        often = habit(30, 30, 30)
        assert found(activity(read=4800), often, granted_on=TODAY - timedelta(days=6)) == []
        assert found(activity(read=4800), often, granted_on=TODAY - timedelta(days=7)) == [(Kind.READ, 4800, 30)]

    def test_two_days_are_no_habit_nor_are_those_of_long_ago(self) -> None:
        assert found(activity(read=4800), habit(30, 30)) == []
        old = [activity(TODAY - timedelta(days=29 + n), read=30) for n in range(5)]
        assert found(activity(read=4800), old) == []

    def test_days_without_a_call_do_not_count(self) -> None:
        weekly = [activity(TODAY - timedelta(days=7 * n), read=90) for n in (1, 2, 3, 4)]
        assert found(activity(read=400), weekly) == []

    def test_additions_and_nights_have_their_own_habits(self) -> None:
        before = habit(30, 30, 30, written=2, night=1)
        assert found(activity(read=30, written=500, night=60), before) == [(Kind.WRITTEN, 500, 2), (Kind.NIGHT, 60, 1)]
        assert found(activity(read=30, night=40), before) == []
        assert found(activity(night=60), habit(0, 0, 0, night=50)) == []

    def test_a_category_never_touched_is_told_but_not_after_a_new_decision(self) -> None:
        present = activity(read=1, categories=[WEIGHT, PRESSURE])
        assert found(present, habit(1, 1, 1)) == [(Kind.CATEGORY, 1, 0)]
        assert found(present, habit(1, 1, 1), decided_on=TODAY - timedelta(days=6)) == []
        assert find_unusual(present, habit(1, 1, 1), granted_on=LONG_AGO, decided_on=LONG_AGO)[0].categories == (
            PRESSURE,
        )

    @given(st.lists(st.integers(0, 5000), min_size=3, max_size=28), st.integers(0, 100_000), st.integers(0, 100_000))
    def test_more_is_never_less_unusual(self, before: list[int], one: int, other: int) -> None:
        less, more = sorted((one, other))
        if found(activity(read=less), habit(*before)):
            assert found(activity(read=more), habit(*before))

    @given(st.lists(st.integers(0, 5000), min_size=3, max_size=28))
    def test_the_most_of_a_steady_habit_is_not_unusual(self, before: list[int]) -> None:
        assert found(activity(read=sorted(before)[len(before) // 2]), habit(*before)) == []


@pytest.mark.parametrize(
    ("kind", "day", "said"),
    [
        (Kind.READ, TODAY, "Lecture de 4 800 mesures aujourd’hui, d’habitude environ 30"),
        (Kind.WRITTEN, date(2026, 11, 1), "Ajout de 4 800 mesures le 1er novembre 2026, d’habitude environ 30"),
        (Kind.NIGHT, TODAY, "4 800 accès entre minuit et cinq heures aujourd’hui, d’habitude environ 30"),
        (Kind.CATEGORY, TODAY, "Données jamais touchées auparavant, aujourd’hui : Poids"),
    ],
)
def test_it_is_explained_in_words(client: FlaskClient, clock: FrozenClock, kind: Kind, day: date, said: str) -> None:
    one = UnusualView(UUID(int=1), UUID(int=2), "Balance+", day, kind, 4800, 30, (WEIGHT,))
    with client.application.test_request_context():
        assert unusual(one).replace("\u202f", " ").replace("\u00a0", " ") == said


class TestWatch:
    @pytest.fixture
    def grant_id(self, grant_consent: Grant, camille: UUID, applications: dict[str, UUID], clock: FrozenClock) -> UUID:
        """A consent of Balance+ that is ten days old, with thirty measures read on each of them but the last."""
        clock.instant = datetime(2026, 11, 11, 9, tzinfo=UTC)
        given = grant_consent(patient_id=camille, app_id=applications["Balance+"], environment="production")
        for _ in range(10):
            write_line(camille, app_id=applications["Balance+"], grant_id=given, count=30)
            clock.move(days=1)
        return given

    @staticmethod
    def watch() -> None:
        with transaction(role=DatabaseRole.BATCH):
            journal.seal_batch()
        tasks.watch_volumes()

    @staticmethod
    def told(patient_id: UUID) -> Sequence[str]:
        with transaction(patient_id=patient_id):
            return db.session.scalars(sa.select(Message.title).where(Message.kind == "consent.unusual_use")).all()

    @staticmethod
    def noticed(patient_id: UUID, since: date = LONG_AGO) -> list[tuple[Kind, int, int]]:
        with transaction(patient_id=patient_id):
            return [(one.kind, one.count, one.usual) for one in accesses.list_unusual(patient_id, since=since)]

    def test_it_is_noticed_told_once_and_kept_up_to_date(
        self, grant_id: UUID, camille: UUID, applications: dict[str, UUID], people: Seeded, client: FlaskClient
    ) -> None:
        self.watch()
        assert self.noticed(camille) == []
        for _ in range(2):
            write_line(camille, app_id=applications["Balance+"], grant_id=grant_id, count=2400)
            self.watch()
            self.watch()
        assert self.noticed(camille) == [(Kind.READ, 4800, 30)]
        assert self.told(camille) == ["Activité inhabituelle de Balance+"]
        assert self.noticed(people.patients["dominique"]) == []

        sign_in_citizen(client, person_id=people.persons["camille"], patient_id=camille)
        for page in ("/espace", "/espace/applications", "/espace/journal"):
            assert "d’habitude environ 30" in client.get(page).text, page
        sign_in_agent(client, agent_id=people.agents["ines"])
        page = client.get("/instruction/acces-contestes").text
        assert "Bien plus de données lues que d’habitude" in page and "4800" not in page

    def test_a_watch_that_was_killed_takes_the_same_batches_again(
        self, grant_id: UUID, camille: UUID, applications: dict[str, UUID], owner: sa.Engine
    ) -> None:
        write_line(camille, app_id=applications["Balance+"], grant_id=grant_id, count=4800)
        self.watch()
        with owner.begin() as connection:
            connection.execute(sa.text("UPDATE consent_watch SET batch = 0"))
        tasks.watch_volumes()
        assert len(self.told(camille)) == 1
        with transaction(role=DatabaseRole.BATCH):
            assert accesses.last_watched(volumes.VOLUMES) == 1

    def test_a_consent_that_cannot_be_looked_at_holds_up_no_other(
        self, grant_id: UUID, camille: UUID, applications: dict[str, UUID], patient_id: UUID
    ) -> None:
        write_line(patient_id, grant_id=UUID(int=1), count=1)
        write_line(camille, app_id=applications["Balance+"], grant_id=grant_id, count=4800)
        with pytest.raises(RuntimeError, match="1 consents"):
            self.watch()
        assert len(self.told(camille)) == 1
        tasks.watch_volumes()

    def test_the_sandbox_is_not_watched(self, grant_consent: Grant, patient_id: UUID, clock: FrozenClock) -> None:
        given = grant_consent()
        for count in (*[30] * 10, 4800):
            clock.move(days=1)
            write_line(patient_id, grant_id=given, count=count)
        self.watch()
        assert self.noticed(patient_id) == []

    def test_it_is_forgotten_with_the_journal(
        self, grant_id: UUID, camille: UUID, applications: dict[str, UUID], clock: FrozenClock
    ) -> None:
        write_line(camille, app_id=applications["Balance+"], grant_id=grant_id, count=4800)
        self.watch()
        clock.move(days=journal.RETENTION.days)
        tasks.forget_accesses()
        assert len(self.noticed(camille)) == 1
        clock.move(days=1)
        tasks.forget_accesses()
        assert self.noticed(camille) == []
