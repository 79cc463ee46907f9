"""The journal of accesses without a browser: plain words, filters, a stable order, a safe export."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from consent.pages import journal as page
from consent.pages import journal_export
from identity_core.service.seeding import Seeded
from platform_core.access import Actor, ActorKind
from platform_core.categories import Category, Family, SmartScope, registry
from platform_core.clock import FrozenClock
from platform_core.database import db, transaction
from platform_core.ids import uuid7
from platform_core.journal import queries as journal
from platform_core.journal.queries import JournalFilter
from tests.consent.builders import PRESSURE, READ, WEIGHT
from tests.consent.journaling import APP, fill_journal, write_line
from tests.signing_in import sign_in_citizen, submit

TITLE = UUID("00000000-0000-7000-8000-00000000d0c1")
DOCTOR = Actor(ActorKind.PROFESSIONAL, UUID("00000000-0000-7000-8000-00000000f001"), "Dr Sophie Martin")


@pytest.fixture
def camilles(client: FlaskClient, people: Seeded, camille: UUID) -> Iterator[FlaskClient]:
    """Camille's browser, on her own record."""
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=camille)
    yield client


@pytest.fixture
def lines(camille: UUID, clock: FrozenClock) -> None:
    """Yesterday one reading; today a reading, six refusals of another app, and the access of a professional."""
    write_line(camille, count=12)
    clock.move(days=1)
    write_line(camille, count=1, access="write")
    for _ in range(6):
        clock.move(minutes=1)
        write_line(camille, app_id=uuid7(), name="=Autre", code="consent-frequency-exceeded")
    clock.move(minutes=1)
    write_line(camille, by=DOCTOR, categories=[PRESSURE], count=0)


def read(client: FlaskClient, path: str = "/espace/journal", **query: str) -> str:
    """The words of the page, ordinary spaces in them."""
    return plain(client.get(path, query_string=query).text)


def plain(html: str) -> str:
    text = re.sub(r"<[^>]+>", " ", html.split("<main")[1].split("</main")[0])
    return " ".join(text.replace("&#39;", "’").split())


def rows(client: FlaskClient, **filters: str) -> list[list[str]]:
    exported = client.get("/espace/journal.csv", query_string=filters).text.removeprefix("\ufeff")
    return list(csv.reader(io.StringIO(exported), delimiter=";"))[1:]


class TestWords:
    def test_each_line_is_a_sentence(self, lines: None, camilles: FlaskClient) -> None:
        said = read(camilles)
        assert "Balance+ a lu 12 mesures : Poids" in said
        assert "Balance+ a ajouté 1 mesure : Poids" in said
        assert "Refusé : trop fréquent" in said and "consent-frequency-exceeded" not in said
        assert "Demande request-1" in said
        assert "20 novembre" not in said and "21 novembre 2026" in said and "22 novembre 2026" in said

    def test_a_professional_is_shown_alike_and_told_apart(self, lines: None, camilles: FlaskClient) -> None:
        said = read(camilles, qui=str(DOCTOR.id))
        assert "Dr Sophie Martin a cherché des mesures, et n’a rien trouvé : Tension artérielle" in said
        assert "Professionnel de santé" in said
        assert "Balance+ a lu" not in said

    def test_what_brings_nothing_new_is_told_as_such(self, camille: UUID, camilles: FlaskClient) -> None:
        write_line(camille, access="write", count=0)
        assert "Balance+ a envoyé des mesures, sans rien de nouveau : Poids" in read(camilles)

    def test_identical_refusals_in_a_row_are_told_once(
        self, camille: UUID, camilles: FlaskClient, clock: FrozenClock
    ) -> None:
        for code in ("consent-paused", *["consent-frequency-exceeded"] * 4):
            clock.move(minutes=5)
            write_line(camille, code=code)
        said = read(camilles)
        assert said.count("a voulu lire des mesures") == 2 * 2, "each once in sight, once beside its link"
        assert "Balance+ a voulu lire des mesures, 4 fois : Poids de 10 h 10 à 10 h 25" in said

    def test_a_resource_has_the_name_that_its_category_gives_it(
        self, camille: UUID, camilles: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        described = Category(
            "reading.letters",
            "Lettres",
            "Lettres",
            "Letters",
            "Letters",
            frozenset({READ}),
            SmartScope("DocumentReference"),
            describe=lambda ids: {one: "Ordonnance <du 3 mai>" for one in ids if one == TITLE},
        )
        monkeypatch.setattr(registry, "_categories", dict(registry._categories))
        monkeypatch.setattr(registry, "_families", dict(registry._families))
        registry.register(Family("reading", "Lectures", "Readings"), [described])
        write_line(camille, categories=["reading.letters"], count=3, resources=[TITLE, uuid7()])
        answer = camilles.get("/espace/journal").text
        assert "Balance+ a lu 3 données : Lettres « Ordonnance &lt;du 3 mai&gt; » et 2 autres" in plain(answer)
        assert "Ordonnance <du" not in answer
        assert rows(camilles)[0][5] == "Ordonnance <du 3 mai>"

    def test_the_chart_counts_the_days(self, lines: None, camilles: FlaskClient) -> None:
        said = read(camilles)
        assert "3 accès servis, 6 refusés" in said
        assert "22 novembre 2026 2 6 21 novembre 2026 1 0" in said


class TestFilters:
    def test_they_narrow_it(self, lines: None, camilles: FlaskClient, clock: FrozenClock) -> None:
        today = clock().date()
        assert len(rows(camilles)) == 9
        assert len(rows(camilles, qui=str(APP))) == 2
        assert len(rows(camilles, resultat="refuses")) == 6
        assert len(rows(camilles, du=today.isoformat())) == 8
        assert len(rows(camilles, au=(today - timedelta(days=1)).isoformat())) == 1
        assert len(rows(camilles, qui="x", du="hier", resultat="?")) == 9

    def test_a_category_never_stands_in_an_address(self, lines: None, camilles: FlaskClient) -> None:
        assert len(rows(camilles, donnees=PRESSURE)) == 9, "said in an address, it is not heard"
        shown = submit(camilles, "/espace/journal", {"donnees": PRESSURE, "resultat": "servis"})
        assert shown.status_code == 200
        assert "Dr Sophie Martin" in plain(shown.text) and "Balance+ a" not in plain(shown.text)
        assert not re.search(rf'href="[^"]*{PRESSURE}', shown.text)
        exported = submit(camilles, "/espace/journal.csv", {"donnees": PRESSURE}, page="/espace/journal")
        assert exported.text.count("Dr Sophie Martin") == 1 and "Balance+" not in exported.text

    def test_without_a_category_a_form_leads_to_its_address(self, lines: None, camilles: FlaskClient) -> None:
        sent = submit(camilles, "/espace/journal", {"donnees": "", "qui": str(APP), "du": "2026-11-22"})
        assert (sent.status_code, sent.location) == (303, f"/espace/journal?du=2026-11-22&qui={APP}")


class TestPaging:
    def test_lines_that_come_meanwhile_move_nothing(
        self, camille: UUID, camilles: FlaskClient, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(page, "PAGE_SIZE", 2)
        for number in range(5):
            clock.move(minutes=1)
            write_line(camille, request_id=f"call-{number}")
        seen, path = [], "/espace/journal"
        while path:
            html = camilles.get(path).text
            seen += re.findall(r"call-\d", html)
            clock.move(minutes=1)
            write_line(camille, request_id="later-1")
            older = re.search(r'href="([^"]*avant=[^"]*)"', html)
            path = older[1].replace("&amp;", "&") if older else ""
        assert seen == [f"call-{number}" for number in reversed(range(5))]

    def test_a_filter_on_a_category_pages_by_its_form(
        self, camille: UUID, camilles: FlaskClient, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(page, "PAGE_SIZE", 1)
        for number in range(2):
            clock.move(minutes=1)
            write_line(camille, request_id=f"call-{number}")
        first = submit(camilles, "/espace/journal", {"donnees": WEIGHT}).text
        older = re.search(r'name="avant" value="([^"]+)"', first)
        assert older and "call-1" in first and "call-0" not in first
        second = submit(camilles, "/espace/journal", {"donnees": WEIGHT, "avant": older[1]}).text
        assert "call-0" in second and "call-1" not in second

    @pytest.mark.parametrize("position", ["x", "W10", "WzEsMl0", "WyIyMDI2LTExLTIxIiwieCJd"])
    def test_a_mangled_position_is_the_beginning(self, lines: None, camilles: FlaskClient, position: str) -> None:
        assert "a ajouté 1 mesure" in read(camilles, avant=position)

    def test_a_long_journal_is_read_through_its_index(
        self, camille: UUID, clock: FrozenClock, owner: sa.Engine
    ) -> None:
        fill_journal(owner, camille, lines=12_000, until=clock())
        plans = []

        def explain(connection, cursor, statement, parameters, context, many):  # type: ignore[no-untyped-def]
            if statement.startswith("SELECT"):
                cursor.execute(f"EXPLAIN {statement}", parameters)
                plans.append("\n".join(row[0] for row in cursor.fetchall()))

        with transaction(patient_id=camille):
            (tenth, *_) = journal.list_entries(camille, JournalFilter(), size=10)[-1:]
            sa.event.listen(db.engine, "before_cursor_execute", explain)
            try:
                position = journal.Position(tenth.occurred_at, tenth.id)
                journal.list_entries(camille, JournalFilter(), before=position)
                journal.count_days(camille, JournalFilter(since=clock() - timedelta(hours=6)))
                journal.list_people(camille)
            finally:
                sa.event.remove(db.engine, "before_cursor_execute", explain)
        assert len(plans) == 3
        assert "ix_core_journal_patient_time" in plans[0] and "Sort" not in plans[0]
        assert "ix_core_journal_patient_time" in plans[1]
        assert "ix_core_journal_people" in plans[2]
        assert not any("Seq Scan" in plan for plan in plans)


def test_the_list_of_apps_asks_the_database_no_more_for_many_than_for_one(
    camille: UUID, camilles: FlaskClient, grant_consent: Callable[..., UUID], clock: FrozenClock
) -> None:
    def count_statements() -> int:
        counted: list[str] = []

        def count(connection, cursor, statement, parameters, context, many):  # type: ignore[no-untyped-def]
            counted.append(statement)

        sa.event.listen(db.engine, "before_cursor_execute", count)
        try:
            assert camilles.get("/espace/applications").status_code == 200
        finally:
            sa.event.remove(db.engine, "before_cursor_execute", count)
        return len(counted)

    def give() -> UUID:
        return grant_consent(patient_id=camille, environment="production")

    called = give()
    write_line(camille, grant_id=called)
    write_line(camille, grant_id=called, code="consent-paused")
    count_statements()
    alone = count_statements()
    silent = [give() for _ in range(8)]
    assert count_statements() == alone
    with transaction(patient_id=camille):
        last = journal.last_served(camille, [called, *silent])
        days = journal.count_served_days(camille, [called, *silent], since=clock() - timedelta(days=1))
    assert [(grant_id, line.occurred_at, line.access) for grant_id, line in last.items()] == [(called, clock(), "read")]
    assert days == {called: {clock().date(): 1}}


class TestExport:
    def test_it_holds_no_formula(self, lines: None, camilles: FlaskClient) -> None:
        answer = camilles.get("/espace/journal.csv")
        assert answer.mimetype == "text/csv" and answer.headers["Cache-Control"] == "no-store"
        assert "'=Autre" in answer.text and ";=Autre" not in answer.text

    def test_it_is_written_chunk_by_chunk_each_line_once(
        self, camille: UUID, camilles: FlaskClient, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(journal_export, "CHUNK", 2)
        for number in range(4):
            clock.move(minutes=1)
            write_line(camille, request_id=f"call-{number}")
        assert [row[-1] for row in rows(camilles)] == ["call-3", "call-2", "call-1", "call-0"]
        answer = camilles.get("/espace/journal.csv", buffered=False)
        assert answer.is_streamed
        answer.close()

    def test_it_shows_nobody_elses_lines(self, lines: None, camilles: FlaskClient, people: Seeded) -> None:
        sign_in_citizen(camilles, person_id=people.persons["dominique"], patient_id=people.patients["dominique"])
        assert rows(camilles) == []
        assert "Aucun accès" in read(camilles)
