"""Leaving an app: why, what it leaves in the record, the erasure of its copies; and keeping one resource from it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from consent import queries, tasks
from consent.events import ErasureRequested
from consent.queries import erasures, exclusions
from consent.rules.erasures import due_at
from consent.service import erasure, lifecycle, withdrawal
from consent.service import exclusions as service
from consent.service.withdrawal import Reason
from consent.workflow import ERASURES, ErasureState, ErasureVerb, Status, answer_erasure
from dmp_core.categories import KINDS
from dmp_core.queries import points
from dmp_core.service.typed import type_measure
from identity_core.service.seeding import Seeded
from notification_core import queries as notices
from platform_core import clock as clock_module
from platform_core import events
from platform_core.access import Actor
from platform_core.clock import FrozenClock
from platform_core.crypto import pairwise_id
from platform_core.database import transaction
from platform_core.errors import Conflict, Invalid, NotFound
from platform_core.events import ContributionsChoice, ContributionsWithdrawn
from platform_core.ids import uuid7
from tests.consent.builders import WEIGHT, permission
from tests.consent.calls import state_of
from tests.consent.conftest import CAMILLE
from tests.signing_in import sign_in_agent, sign_in_citizen, submit

Grant = Callable[..., UUID]
Stop = Callable[..., int]
KEEP, MASK, DELETE = ContributionsChoice


@pytest.mark.parametrize("state", list(ErasureState))
@pytest.mark.parametrize("verb", list(ErasureVerb))
def test_an_erasure_takes_the_acts_of_its_table_and_no_other(state: ErasureState, verb: ErasureVerb) -> None:
    possible, after = ERASURES[verb]
    if state in possible:
        assert answer_erasure(state, verb) is after
    else:
        with pytest.raises(Conflict):
            answer_erasure(state, verb)


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        (datetime(2026, 11, 21, 9, tzinfo=UTC), datetime(2026, 12, 21, 23, tzinfo=UTC)),
        (datetime(2027, 1, 31, 9, tzinfo=UTC), datetime(2027, 2, 28, 23, tzinfo=UTC)),
        (datetime(2027, 3, 10, 23, 30, tzinfo=UTC), datetime(2027, 4, 11, 22, tzinfo=UTC)),
    ],
    ids=["an ordinary month", "a shorter month", "after midnight in Paris, across daylight saving"],
)
def test_the_month_of_the_publisher_is_a_calendar_month_in_paris(asked: datetime, due: datetime) -> None:
    assert due_at(asked) == due


@pytest.fixture
def grant_id(applications: dict[str, UUID], camille: UUID, grant_consent: Grant) -> UUID:
    return grant_consent(
        permission(WEIGHT), patient_id=camille, app_id=applications["Balance+"], environment="production"
    )


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    told: list[object] = []
    for kind in (ContributionsWithdrawn, ErasureRequested):
        monkeypatch.setitem(events._handlers, kind, [told.append])
    yield told


def withdraw(patient_id: UUID, grant_id: UUID, **choices: object) -> None:
    with transaction(patient_id=patient_id):
        withdrawal.withdraw_consent(patient_id=patient_id, grant_id=grant_id, by=CAMILLE, **choices)  # type: ignore[arg-type]


def kinds(patient_id: UUID, grant_id: UUID) -> list[str]:
    with transaction(patient_id=patient_id):
        assert queries.find_broken_event(patient_id, grant_id) is None
        return [event.kind for event in queries.list_events(patient_id, grant_id)]


def find(patient_id: UUID, grant_id: UUID) -> erasures.ErasureView:
    with transaction(patient_id=patient_id):
        found = erasures.find_erasure(patient_id, grant_id)
    assert found
    return found


def answer(patient_id: UUID, grant_id: UUID, verb: str, by: Actor, motive: str = "") -> None:
    with transaction(patient_id=patient_id):
        erasure.answer_erasure(patient_id=patient_id, grant_id=grant_id, verb=ErasureVerb(verb), motive=motive, by=by)


class TestWithdrawal:
    def test_it_revokes_decides_and_asks_in_one_act(
        self, camille: UUID, grant_id: UUID, heard: list[object], applications: dict[str, UUID]
    ) -> None:
        withdraw(camille, grant_id, reasons=[Reason.UNUSED, Reason.TRUST], contributions=MASK, erase=True)
        assert state_of(camille, grant_id).stored is Status.REVOKED
        assert kinds(camille, grant_id) == ["granted", "revoked", "contributions_mask", "erasure_asked"]
        with transaction(patient_id=camille):
            revoked = queries.list_events(camille, grant_id)[1]
        assert revoked.details == {"reasons": ["unused", "trust"]}
        assert heard[0] == ContributionsWithdrawn(camille, applications["Balance+"], MASK)
        assert isinstance(heard[1], ErasureRequested) and heard[1].grant_id == grant_id

    def test_by_default_what_the_app_wrote_stays_and_nothing_is_asked(
        self, camille: UUID, grant_id: UUID, heard: list[object]
    ) -> None:
        withdraw(camille, grant_id)
        assert (kinds(camille, grant_id), heard) == (["granted", "revoked"], [])

    def test_one_decides_on_what_an_app_wrote_once_it_may_no_longer_write(
        self, camille: UUID, grant_id: UUID, heard: list[object]
    ) -> None:
        def decide(choice: ContributionsChoice) -> None:
            with transaction(patient_id=camille):
                withdrawal.decide_contributions(patient_id=camille, grant_id=grant_id, choice=choice, by=CAMILLE)

        with pytest.raises(Conflict):
            decide(DELETE)
        withdraw(camille, grant_id)
        decide(MASK)
        decide(KEEP)
        assert [event.choice for event in heard if isinstance(event, ContributionsWithdrawn)] == [MASK, KEEP]

    @pytest.mark.parametrize("stop", [withdrawal.stop_everything, withdrawal.pause_everything])
    def test_a_consent_that_ends_meanwhile_keeps_no_other_open(
        self, camille: UUID, grant_id: UUID, grant_consent: Grant, monkeypatch: pytest.MonkeyPatch, stop: Stop
    ) -> None:
        """What was listed before another transaction ended one of them."""
        other = grant_consent(patient_id=camille, environment="production")
        with transaction(patient_id=camille):
            before = queries.list_states(camille)
            lifecycle.end_consent(patient_id=camille, grant_id=other, by=CAMILLE)
        monkeypatch.setattr(withdrawal, "list_states", lambda patient_id: before)
        with transaction(patient_id=camille):
            assert stop(patient_id=camille, by=CAMILLE) == 1
        assert state_of(camille, grant_id).stored in {Status.REVOKED, Status.PAUSED}
        assert state_of(camille, other).stored is Status.ENDED

    def test_stopping_everything_revokes_or_pauses_each(
        self, camille: UUID, grant_id: UUID, applications: dict[str, UUID], grant_consent: Grant
    ) -> None:
        other = grant_consent(patient_id=camille, app_id=applications["Portail CHU"], environment="production")
        with transaction(patient_id=camille):
            lifecycle.pause_consent(patient_id=camille, grant_id=other, by=CAMILLE)
            assert withdrawal.pause_everything(patient_id=camille, by=CAMILLE) == 1
        assert {state_of(camille, one).stored for one in (grant_id, other)} == {Status.PAUSED}
        with transaction(patient_id=camille):
            assert withdrawal.stop_everything(patient_id=camille, by=CAMILLE) == 2
            assert withdrawal.stop_everything(patient_id=camille, by=CAMILLE) == 0
        assert {state_of(camille, one).stored for one in (grant_id, other)} == {Status.REVOKED}


class TestErasure:
    def test_it_is_asked_once_after_the_end_and_names_the_patient_to_the_app_alone(
        self, camille: UUID, grant_id: UUID, applications: dict[str, UUID]
    ) -> None:
        with pytest.raises(Conflict, match="Revoke"), transaction(patient_id=camille):
            erasure.ask_erasure(patient_id=camille, grant_id=grant_id, by=CAMILLE)
        withdraw(camille, grant_id, erase=True)
        with pytest.raises(Conflict, match="already"), transaction(patient_id=camille):
            erasure.ask_erasure(patient_id=camille, grant_id=grant_id, by=CAMILLE)
        with transaction():
            (seen,) = erasures.list_erasures(applications["Balance+"])
            assert erasures.list_erasures(applications["Portail CHU"]) == []
        assert seen == find(camille, grant_id)
        assert seen.patient_reference == pairwise_id(applications["Balance+"], camille)

    def test_the_publisher_receives_then_does_it_and_the_patient_follows(
        self, camille: UUID, grant_id: UUID, agents: dict[str, Actor]
    ) -> None:
        withdraw(camille, grant_id, erase=True)
        answer(camille, grant_id, "acknowledge", agents["alice"])
        answer(camille, grant_id, "complete", agents["alice"])
        assert find(camille, grant_id).state is ErasureState.DONE and not find(camille, grant_id).is_open
        assert kinds(camille, grant_id)[2:] == ["erasure_asked", "erasure_acknowledged", "erasure_done"]
        with transaction(patient_id=camille):
            last = queries.list_events(camille, grant_id)[-1]
        assert (last.actor_name, last.actor_id) == ("Pesée Claire", agents["alice"].id)

    def test_a_refusal_says_why(self, camille: UUID, grant_id: UUID, agents: dict[str, Actor]) -> None:
        withdraw(camille, grant_id, erase=True)
        for motive, code in ((" ", "motive-required"), ("x" * 2001, "motive-too-long")):
            with pytest.raises(Invalid) as refused:
                answer(camille, grant_id, "refuse", agents["alice"], motive)
            assert refused.value.code == code
        answer(camille, grant_id, "refuse", agents["alice"], "La loi impose de garder ces factures dix ans.")
        assert find(camille, grant_id).motive.startswith("La loi")
        with pytest.raises(Conflict):
            answer(camille, grant_id, "complete", agents["alice"])

    def test_the_publisher_is_reminded_then_both_are_told_each_once(
        self, clock: FrozenClock, camille: UUID, grant_id: UUID, agents: dict[str, Actor]
    ) -> None:
        withdraw(camille, grant_id, erase=True)
        alice = agents["alice"].id
        assert alice

        def run(to: datetime) -> tuple[int, bool]:
            clock.instant = to
            tasks.remind_erasures()
            tasks.remind_erasures()
            with transaction():
                told = notices.count_agent_unread(alice)
            return told, find(camille, grant_id).is_overdue

        due = due_at(clock())
        asked = run(clock())
        assert run(due - timedelta(days=7, seconds=1)) == asked == (asked[0], False)
        assert run(due - timedelta(days=7)) == (asked[0] + 1, False)
        assert run(due - timedelta(seconds=1)) == (asked[0] + 1, False)
        assert run(due) == (asked[0] + 2, True)
        assert kinds(camille, grant_id)[-1] == "erasure_overdue"
        answer(camille, grant_id, "complete", agents["alice"])
        assert run(due + timedelta(days=40)) == (asked[0] + 2, False)


def weigh(patient_id: UUID) -> UUID:
    """A weight that the patient typed in; its id."""
    with transaction(patient_id=patient_id):
        type_measure(
            patient_id=patient_id,
            kind=KINDS["body-weight"],
            values=[Decimal("72.5")],
            at=clock_module.now(),
            circumstance=None,
            by=CAMILLE,
        )
        (latest,) = points.list_latest(patient_id=patient_id)
    assert latest.id
    return latest.id


class TestPublishersPage:
    @pytest.fixture
    def address(self, camille: UUID, grant_id: UUID, applications: dict[str, UUID]) -> str:
        withdraw(camille, grant_id, erase=True)
        return f"/editeur/applications/{applications['Balance+']}/effacements"

    def test_it_answers_in_its_own_name_and_reads_no_identity(
        self, client: FlaskClient, people: Seeded, address: str, camille: UUID, grant_id: UUID
    ) -> None:
        sign_in_agent(client, agent_id=people.agents["alice"])
        page = client.get(address).text
        assert find(camille, grant_id).patient_reference in page
        assert "Camille" not in page and str(camille) not in page
        assert "1 demande attend" in client.get(address.removesuffix("/effacements")).text.replace("\xa0", " ")
        one = f"{address}/{grant_id}"
        refused = submit(client, one, {"act": "refuse"}, page=address)
        assert refused.status_code == 422 and "Dites pourquoi vous refusez" in refused.text
        assert submit(client, one, {"act": "sell"}, page=address).status_code == 422
        assert submit(client, one, {"act": "acknowledge"}, page=address).status_code == 303
        motive = {"act": "refuse", f"motive-{grant_id}": "Obligation comptable."}
        assert submit(client, one, motive, page=address).status_code == 303
        assert submit(client, one, {"act": "complete"}, page=address).status_code == 409
        assert find(camille, grant_id).motive == "Obligation comptable."

    def test_another_publisher_is_told_that_there_is_no_such_thing(
        self, client: FlaskClient, people: Seeded, address: str, grant_id: UUID, applications: dict[str, UUID]
    ) -> None:
        sign_in_agent(client, agent_id=people.agents["bruno"])
        own = "/editeur"
        assert client.get(address).status_code == 404
        assert submit(client, f"{address}/{grant_id}", {"act": "complete"}, page=own).status_code == 404
        other = address.replace(str(applications["Balance+"]), str(applications["Portail CHU"]))
        assert submit(client, f"{other}/{grant_id}", {"act": "complete"}, page=own).status_code == 404


class TestExclusion:
    def test_it_outlives_the_consent_and_concerns_one_app(
        self, camille: UUID, grant_id: UUID, applications: dict[str, UUID]
    ) -> None:
        balance, resource = applications["Balance+"], weigh(camille)
        names = {"patient_id": camille, "grant_id": grant_id, "resource_id": resource, "by": CAMILLE}
        with transaction(patient_id=camille):
            for _ in range(2):
                service.exclude_resource(**names, category=WEIGHT)
            (kept,) = exclusions.list_exclusions(camille, balance)
            assert (kept.resource_id, kept.label[:7]) == (resource, "72,5 kg")
            assert exclusions.list_exclusions(camille, applications["Portail CHU"]) == []
        withdraw(camille, grant_id)
        with transaction(patient_id=camille):
            assert exclusions.list_apps_without(camille, resource) == {balance}
            service.include_resource(**names)
            assert exclusions.list_apps_without(camille, resource) == set()
        with pytest.raises(NotFound), transaction(patient_id=camille):
            service.include_resource(**names)

    def test_what_is_not_in_the_record_cannot_be_kept(self, camille: UUID, grant_id: UUID) -> None:
        with pytest.raises(NotFound), transaction(patient_id=camille):
            service.exclude_resource(
                patient_id=camille, grant_id=grant_id, category=WEIGHT, resource_id=uuid7(), by=CAMILLE
            )


class TestPages:
    @pytest.fixture
    def camilles(self, client: FlaskClient, people: Seeded, camille: UUID) -> FlaskClient:
        sign_in_citizen(client, person_id=people.persons["camille"], patient_id=camille)
        return client

    def test_unknown_choices_do_nothing(self, camilles: FlaskClient, camille: UUID, grant_id: UUID) -> None:
        address = f"/espace/applications/{grant_id}"
        for fields in ({"contributions": "sell"}, {"reasons": "because"}):
            assert submit(camilles, f"{address}/revocation", fields).status_code == 422
        assert submit(camilles, "/espace/applications/tout-arreter", {"act": "delete"}).status_code == 422
        wrong = {"resource": "x", "act": "hide"}
        assert submit(camilles, f"{address}/exclusions", wrong, page=address).status_code == 422
        assert state_of(camille, grant_id).stored is Status.ACTIVE

    def test_the_history_says_why_one_left(self, camilles: FlaskClient, grant_id: UUID) -> None:
        address = f"/espace/applications/{grant_id}"
        assert submit(camilles, f"{address}/revocation", {"reasons": "trust"}).status_code == 303
        assert "Je ne lui fais plus confiance" in camilles.get(address).text

    def test_nobody_acts_on_the_consent_of_another(
        self, camilles: FlaskClient, people: Seeded, camille: UUID, grant_id: UUID
    ) -> None:
        sign_in_citizen(camilles, person_id=people.persons["dominique"], patient_id=people.patients["dominique"])
        address = f"/espace/applications/{grant_id}"
        about = {"resource": str(uuid7()), "category": WEIGHT, "contributions": "delete"}
        for act in ("exclusions", "contributions", "effacement", "demande"):
            answered = submit(camilles, f"{address}/{act}", about, page="/espace/parametres")
            assert answered.status_code == 404, act
        assert kinds(camille, grant_id) == ["granted"]

    def test_the_way_back_from_an_exclusion_stays_on_this_site(
        self, camilles: FlaskClient, camille: UUID, grant_id: UUID
    ) -> None:
        address = f"/espace/applications/{grant_id}"
        fields = {"resource": str(weigh(camille)), "category": WEIGHT, "suite": "https://ailleurs.example/"}
        assert submit(camilles, f"{address}/exclusions", fields, page=address).location == address
