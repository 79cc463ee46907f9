"""« Je ne reconnais pas cet accès »: the table, the one writer, who is told what, and what the authority never sees."""

from collections.abc import Callable, Sequence
from itertools import product
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from consent import tasks
from consent.models import AccessReport, ContestedAccess
from consent.queries.reports import count_open_reports, get_report, list_own_reports, list_reports, list_steps
from consent.rules.reports import KEPT, TRANSITIONS, Motive, State, Verb, apply, possible
from consent.service import reports
from consent.workflow import Status
from identity_core.service.seeding import Seeded
from notification_core.categories import Topic, topic_of
from notification_core.models import AgentMessage, Message
from platform_core import crypto
from platform_core.access import Actor, ActorKind
from platform_core.clock import FrozenClock
from platform_core.database import DatabaseRole, db, transaction
from platform_core.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from platform_core.ids import uuid7
from platform_core.journal import queries as journal
from platform_core.journal.queries import JournalFilter
from store.workflow import Role
from tests.consent.builders import PRESSURE, WEIGHT
from tests.consent.calls import in_parallel, state_of
from tests.consent.journaling import write_line
from tests.signing_in import sign_in_agent, sign_in_citizen, submit

Grant = Callable[..., UUID]

DOCTOR = Actor(ActorKind.PROFESSIONAL, UUID("00000000-0000-7000-8000-00000000f001"), "Dr Sophie Martin")
POSSIBLE = {
    (None, Verb.RECEIVE): State.RECEIVED,
    (State.RECEIVED, Verb.EXAMINE): State.EXAMINED,
    (State.EXAMINED, Verb.ANSWER): State.ANSWERED,
    (State.ANSWERED, Verb.CLOSE): State.CLOSED,
    (State.RECEIVED, Verb.SETTLE): State.CLOSED,
    (State.EXAMINED, Verb.SETTLE): State.CLOSED,
    (State.ANSWERED, Verb.SETTLE): State.CLOSED,
}


class TestTable:
    @pytest.mark.parametrize(("state", "verb"), list(product([None, *State], Verb)))
    def test_an_act_leads_where_the_table_says_or_is_refused(self, state: State | None, verb: Verb) -> None:
        if (state, verb) in POSSIBLE:
            assert apply(state, verb, roles=[Role.REVIEWER], text="Vu.") is POSSIBLE[state, verb]
        else:
            with pytest.raises(Conflict, match=f"cannot take the act {verb}"):
                apply(state, verb, roles=[Role.REVIEWER], text="Vu.")

    @pytest.mark.parametrize("verb", [Verb.EXAMINE, Verb.ANSWER, Verb.CLOSE])
    def test_the_acts_of_the_authority_are_nobody_elses(self, verb: Verb) -> None:
        (source, *_) = TRANSITIONS[verb].sources
        with pytest.raises(Forbidden):
            apply(source, verb, roles=[Role.PUBLISHER], text="Vu.")

    @pytest.mark.parametrize("text", ["", "  ", "x" * 4001])
    def test_an_answer_has_words_and_not_too_many(self, text: str) -> None:
        with pytest.raises(Invalid):
            apply(State.EXAMINED, Verb.ANSWER, roles=[Role.REVIEWER], text=text)

    def test_what_one_may_do_follows_the_table(self) -> None:
        assert possible(State.EXAMINED, Role.REVIEWER) == [Verb.ANSWER]
        assert possible(State.ANSWERED, None) == [Verb.SETTLE]
        assert possible(State.CLOSED, Role.REVIEWER) == possible(State.CLOSED, None) == []


@pytest.fixture
def balance(applications: dict[str, UUID]) -> UUID:
    return applications["Balance+"]


@pytest.fixture
def by(camille: UUID) -> Actor:
    return Actor(ActorKind.PATIENT, camille, "Camille Durand")


@pytest.fixture
def granted(grant_consent: Grant, camille: UUID, balance: UUID) -> UUID:
    return grant_consent(patient_id=camille, app_id=balance, environment="production")


@pytest.fixture
def entry_id(camille: UUID, balance: UUID, granted: UUID, clock: FrozenClock) -> UUID:
    """The line of Camille's journal that she will contest: a reading of weight and blood pressure."""
    write_line(camille, app_id=balance, categories=[WEIGHT, PRESSURE], count=40, request_id="req-contested")
    return newest(camille)


def newest(patient_id: UUID) -> UUID:
    with transaction(patient_id=patient_id):
        (line,) = journal.list_entries(patient_id, JournalFilter(), size=1)
    found: UUID = line.id
    return found


def report(patient_id: UUID, entry_id: UUID, by: Actor, *, pause: bool = False) -> UUID:
    with transaction(patient_id=patient_id):
        return reports.report_access(patient_id=patient_id, entry_id=entry_id, motive=Motive.TIMING, pause=pause, by=by)


def act(verb: Callable[..., object], report_id: UUID, by: Actor, **given: str) -> None:
    with transaction():
        verb(report_id=report_id, by=by, **given)


def titles(patient_id: UUID) -> Sequence[str]:
    with transaction(patient_id=patient_id):
        query = sa.select(Message.title).where(Message.kind.like("consent.report%")).order_by(Message.created_at)
        return db.session.scalars(query).all()


class TestReporting:
    def test_the_authority_gets_the_technical_line_and_nothing_of_the_person(
        self, entry_id: UUID, camille: UUID, balance: UUID, by: Actor, owner: sa.Engine
    ) -> None:
        report_id = report(camille, entry_id, by)
        with transaction():
            found = get_report(report_id)
        assert (found.application_id, found.request_id, found.families) == (balance, "req-contested", ("measures",))
        assert found.patient_reference == crypto.pairwise_id(balance, camille)
        with owner.connect() as connection:
            kept = [
                connection.execute(sa.text(f"SELECT CAST(to_jsonb(t) AS text) FROM {table} t")).scalars().all()
                for table in ("consent_report", "consent_report_event", "notification_agent_message")
            ]
        for secret in (str(camille), "Durand", WEIGHT, PRESSURE, str(entry_id)):
            assert secret not in str(kept), secret

    def test_everybody_concerned_is_told(
        self, entry_id: UUID, camille: UUID, by: Actor, people: Seeded, agents: dict[str, Actor]
    ) -> None:
        report(camille, entry_id, by)
        assert titles(camille) == ["Votre signalement est reçu"]
        assert {topic_of(f"consent.report-{state}") for state in State} == {Topic.SECURITY}
        with transaction():
            told = {
                (agent_id, title)
                for agent_id, title in db.session.execute(
                    sa.select(AgentMessage.agent_id, AgentMessage.title).where(
                        AgentMessage.kind == "consent.access_contested"
                    )
                )
            }
        assert told == {
            (agents["ines"].id, "Accès contesté"),
            (agents["alice"].id, "Un accès de Balance+ est contesté"),
        }

    def test_the_same_act_can_pause_the_app(self, entry_id: UUID, camille: UUID, granted: UUID, by: Actor) -> None:
        report_id = report(camille, entry_id, by, pause=True)
        assert state_of(camille, granted).stored is Status.PAUSED
        with transaction():
            assert get_report(report_id).paused is True

    def test_without_asking_for_it_nothing_is_paused(
        self, entry_id: UUID, camille: UUID, granted: UUID, by: Actor
    ) -> None:
        report(camille, entry_id, by)
        assert state_of(camille, granted).stored is Status.ACTIVE

    def test_a_line_reported_again_gives_the_same_report_and_still_pauses(
        self, entry_id: UUID, camille: UUID, granted: UUID, by: Actor
    ) -> None:
        first = report(camille, entry_id, by)
        assert report(camille, entry_id, by, pause=True) == first
        assert state_of(camille, granted).stored is Status.PAUSED
        with transaction(patient_id=camille):
            assert [one.id for one in list_own_reports(camille)] == [first]
        assert len(titles(camille)) == 1

    def test_a_line_reported_twice_at_once_has_one_report(
        self, app: Flask, entry_id: UUID, camille: UUID, granted: UUID, by: Actor
    ) -> None:
        given = in_parallel(app, 4, lambda: report(camille, entry_id, by, pause=True))
        assert len(set(given)) == 1
        with transaction(patient_id=camille):
            assert [one.id for one in list_own_reports(camille)] == given[:1]

    def test_the_access_of_a_professional_is_reported_alike(
        self, camille: UUID, by: Actor, people: Seeded, clock: FrozenClock
    ) -> None:
        write_line(camille, by=DOCTOR)
        report_id = report(camille, newest(camille), by, pause=True)
        with transaction():
            found = get_report(report_id)
        assert (found.application_id, found.actor_name, found.paused) == (None, "Dr Sophie Martin", False)
        assert found.patient_reference not in {str(camille), crypto.pairwise_id(uuid7(), camille)}

    def test_a_line_of_somebody_else_does_not_exist(
        self, entry_id: UUID, people: Seeded, by: Actor, patient_id: UUID
    ) -> None:
        with pytest.raises(NotFound):
            report(people.patients["dominique"], entry_id, by)

    def test_what_the_patients_own_side_did_is_not_contested(self, camille: UUID, by: Actor, people: Seeded) -> None:
        write_line(camille, by=by)
        with pytest.raises(Conflict, match="apps and professionals"):
            report(camille, newest(camille), by)


class TestExamination:
    @pytest.fixture
    def report_id(self, entry_id: UUID, camille: UUID, by: Actor) -> UUID:
        return report(camille, entry_id, by)

    def test_the_patient_is_told_at_each_step_once(
        self, report_id: UUID, camille: UUID, agents: dict[str, Actor], clock: FrozenClock
    ) -> None:
        ines = agents["ines"]
        steps: list[tuple[Callable[..., object], dict[str, str]]] = [
            (reports.examine_report, {}),
            (reports.answer_report, {"text": " L’éditeur a rattrapé trois jours de panne. "}),
            (reports.close_report, {}),
        ]
        for verb, given in steps:
            clock.move(minutes=1)
            act(verb, report_id, ines, **given)
            for _ in range(2):
                tasks.tell_reporter(str(report_id))
        assert titles(camille) == [
            "Votre signalement est reçu",
            "Votre signalement est examiné",
            "Votre signalement a reçu une réponse",
            "Votre signalement est clos",
        ]
        with transaction(patient_id=camille):
            (found,) = list_own_reports(camille)
            said = [(step.verb, step.by) for step in list_steps(report_id)]
        assert (found.state, found.answer) == (State.CLOSED, "L’éditeur a rattrapé trois jours de panne.")
        assert said[-1] == (Verb.RECEIVE, "La personne concernée") and said[0] == (Verb.CLOSE, ines.name)

    def test_the_patient_settles_it_and_is_not_told_of_their_own_act(
        self, report_id: UUID, camille: UUID, by: Actor
    ) -> None:
        with transaction(patient_id=camille):
            reports.settle_report(patient_id=camille, report_id=report_id, by=by)
        tasks.tell_reporter(str(report_id))
        assert titles(camille) == ["Votre signalement est reçu"]
        with pytest.raises(Conflict), transaction(patient_id=camille):
            reports.settle_report(patient_id=camille, report_id=report_id, by=by)

    def test_nobody_examines_a_report_on_their_own_app(self, report_id: UUID, agents: dict[str, Actor]) -> None:
        alice = agents["alice"]
        both = Actor(alice.kind, alice.id, alice.name, None, alice.organisation_id, frozenset({Role.REVIEWER}))
        with pytest.raises(DomainError) as refused:
            act(reports.examine_report, report_id, both)
        assert refused.value.code == "own-organisation"

    def test_it_is_read_by_its_patient_alone(
        self, report_id: UUID, camille: UUID, people: Seeded, balance: UUID
    ) -> None:
        dominique = people.patients["dominique"]
        with transaction(patient_id=dominique):
            assert list_own_reports(dominique) == []
            assert db.session.scalar(sa.select(sa.func.count()).select_from(ContestedAccess)) == 0
        with transaction():
            assert list_reports(state=State.RECEIVED).total == 1
            assert list_reports(state=State.CLOSED).total == 0
            assert count_open_reports(balance) == 1

    def test_it_is_erased_with_the_lines_of_the_journal(
        self, report_id: UUID, camille: UUID, by: Actor, clock: FrozenClock
    ) -> None:
        with transaction(patient_id=camille):
            reports.settle_report(patient_id=camille, report_id=report_id, by=by)
        clock.move(days=KEPT.days)
        tasks.forget_accesses()
        with transaction(patient_id=camille):
            assert len(list_own_reports(camille)) == 1
        clock.move(seconds=1)
        tasks.forget_accesses()
        with transaction(patient_id=camille):
            assert list_own_reports(camille) == []
            assert db.session.scalar(sa.select(sa.func.count()).select_from(ContestedAccess)) == 0
        with transaction(role=DatabaseRole.BATCH):
            assert db.session.scalar(sa.select(sa.func.count()).select_from(AccessReport)) == 0


class TestPages:
    def test_reporting_takes_a_motive(self, entry_id: UUID, camille: UUID, client: FlaskClient, people: Seeded) -> None:
        sign_in_citizen(client, person_id=people.persons["camille"], patient_id=camille)
        address = f"/espace/journal/{entry_id}/contester"
        assert "checked" not in client.get(address).text
        assert submit(client, address, {"pause": "oui"}).status_code == 422
        sent = submit(client, address, {"motif": "unknown", "pause": "oui"})
        assert sent.status_code == 303
        receipt = client.get(sent.location).text
        assert "req-contested" in receipt and "Je ne connais pas qui" in receipt
        assert client.get(address).location == sent.location, "reported once"
        assert sent.location in client.get("/espace/journal").text
        assert client.get(f"/espace/journal/{uuid7()}/contester").status_code == 404
        sign_in_citizen(client, person_id=people.persons["dominique"], patient_id=people.patients["dominique"])
        assert client.get(sent.location).status_code == client.get(address).status_code == 404

    def test_the_authority_reads_and_acts_the_publisher_does_not(
        self,
        entry_id: UUID,
        camille: UUID,
        balance: UUID,
        by: Actor,
        client: FlaskClient,
        agents: dict[str, Actor],
    ) -> None:
        report_id = report(camille, entry_id, by)
        address = f"/instruction/acces-contestes/{report_id}"
        sign_in_agent(client, agent_id=agents["alice"].id or uuid7())
        assert client.get(address).status_code == 403
        sign_in_agent(client, agent_id=agents["ines"].id or uuid7())
        page = client.get(address).text
        assert "req-contested" in page and "Durand" not in page and "Poids" not in page
        assert submit(client, f"{address}/repondre", {"text": "Vu."}, page=address).status_code == 409
        assert submit(client, f"{address}/examiner", page=address).status_code == 303
        assert submit(client, f"{address}/repondre", {"text": " "}, page=address).status_code == 422
        assert submit(client, f"{address}/repondre", {"text": "Vu."}, page=address).status_code == 303
        assert "Vu." in client.get(address).text
        of_app = "/instruction/acces-contestes?etat=answered&application="
        assert f"/{report_id}" in client.get(f"{of_app}{balance}").text
        assert f"/{report_id}" not in client.get(f"{of_app}{uuid7()}").text
        assert f"/{report_id}" in client.get(f"{of_app}x").text, "a filter that cannot be read is no filter"
