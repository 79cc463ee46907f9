"""The question put to a patient: bound to its browser, answered once, read back once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from consent import queries, tasks
from consent.queries import RequestView
from consent.rules import choices
from consent.service import lifecycle, renewals, requests, silences
from consent.service.requests import RequestOutcome
from consent.workflow import Answer, RequestStatus, Status
from identity_core.service.seeding import Seeded, create_synthetic_patients
from platform_core import clock as platform_clock
from platform_core.access import Actor, ActorKind
from platform_core.categories import registry
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from platform_core.errors import DomainError, Forbidden, Invalid, NotFound
from platform_core.ids import uuid7
from platform_core.permission import CONTINUOUS, ONCE, Ceiling, CeilingItem, Purpose
from store.service import listings
from tests.consent.builders import READ, WEIGHT, WRITE, permission
from tests.consent.calls import call, in_parallel, state_of
from tests.consent.conftest import CAMILLE, asked

Ask = Callable[..., UUID]


def decide(request_id: UUID, patient_id: UUID, decision: Answer = Answer.GRANT, **more: object) -> None:
    with transaction(patient_id=patient_id):
        requests.decide_request(
            request_id=request_id,
            patient_id=patient_id,
            decision=decision,
            **{"by": CAMILLE, **more},  # type: ignore[arg-type]
        )


def take(request_id: UUID, browser_key: str = "browser") -> RequestOutcome:
    with transaction():
        return requests.take_decision(request_id=request_id, browser_key=browser_key)


def see(request_id: UUID, **more: object) -> RequestView:
    with transaction():
        return requests.get_request(request_id=request_id, **{"browser_key": "browser", **more})  # type: ignore[arg-type]


def choose_weight(request_id: UUID, patient_id: UUID) -> None:
    """Tick the first item asked, until the end asked; nothing is confirmed."""
    until = see(request_id).valid_until
    with transaction(patient_id=patient_id):
        requests.choose(
            request_id=request_id, browser_key="browser", patient_id=patient_id, items=asked()[:1], valid_until=until
        )


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(DomainError) as refusal:
        act()
    return refusal.value.code


def test_a_granted_request_gives_the_consent_and_who_decided(app: Flask, ask: Ask, camille: UUID) -> None:
    request_id = ask()
    decide(request_id, camille)
    outcome = take(request_id)
    assert (outcome.outcome, outcome.patient_id) == (RequestStatus.GRANTED, camille)
    assert (outcome.person_id, outcome.assurance, outcome.consent_version) == (CAMILLE.id, "eidas2", 1)
    assert outcome.grant_id is not None
    assert set(state_of(camille, outcome.grant_id).permissions) == set(asked())


@pytest.mark.parametrize("decision", [Answer.REFUSE, Answer.POSTPONE])
def test_another_answer_gives_nothing_and_does_not_say_who(
    app: Flask, ask: Ask, camille: UUID, decision: Answer
) -> None:
    request_id = ask()
    decide(request_id, camille, decision)
    outcome = take(request_id)
    assert (outcome.patient_id, outcome.person_id, outcome.grant_id) == (None, None, None)
    with transaction(patient_id=camille):
        assert queries.list_states(camille) == []


def test_the_answer_is_used_once(app: Flask, ask: Ask, camille: UUID) -> None:
    request_id = ask()
    decide(request_id, camille)
    outcomes = in_parallel(app, 8, lambda: take(request_id))
    assert sum(isinstance(outcome, RequestOutcome) for outcome in outcomes) == 1
    assert outcomes.count("already-taken") == 7


def test_parallel_answers_make_one_decision(app: Flask, ask: Ask, camille: UUID) -> None:
    request_id = ask()
    outcomes = in_parallel(app, 8, lambda: decide(request_id, camille))
    assert outcomes.count("already-answered") == 7
    with transaction(patient_id=camille):
        (state,) = queries.list_states(camille)
    assert state.version == 1


def test_a_request_is_invisible_to_another_browser(app: Flask, ask: Ask, camille: UUID) -> None:
    request_id = ask(browser_key="one")
    for act in (
        lambda: decide(request_id, camille, browser_key="two"),
        lambda: take(request_id, "two"),
        lambda: requests.get_request(request_id=request_id, browser_key="two"),
    ):
        with pytest.raises(NotFound):
            act()


def test_a_choice_under_way_belongs_to_one_patient(app: Flask, ask: Ask, people: Seeded, camille: UUID) -> None:
    request_id = ask()
    choose_weight(request_id, camille)
    assert refused(lambda: decide(request_id, people.patients["lea"])) == "other-patient"
    decide(request_id, camille)
    grant_id = take(request_id).grant_id
    assert grant_id and state_of(camille, grant_id).permissions == asked()[:1]


@pytest.mark.parametrize(("began", "ended"), [(True, RequestStatus.EXPIRED), (False, RequestStatus.ABANDONED)])
def test_a_request_lives_thirty_minutes_and_is_abandoned_when_nobody_took_it_up(
    app: Flask, ask: Ask, camille: UUID, clock: FrozenClock, began: bool, ended: RequestStatus
) -> None:
    request_id = ask()
    if began:
        choose_weight(request_id, camille)
    assert refused(lambda: take(request_id)) == "not-decided"
    clock.move(minutes=30)
    assert refused(lambda: decide(request_id, camille)) == "request-expired"
    assert see(request_id).status is ended
    tasks.record_expiries()
    assert take(request_id).outcome is ended


@pytest.mark.parametrize(
    ("items", "code"),
    [
        ([], "nothing-chosen"),
        ([permission(WEIGHT, READ)], "wider-than-asked"),
        ([permission("measures.heart-rate", WRITE)], "wider-than-asked"),
        ([permission(WEIGHT, WRITE, periodicity=CONTINUOUS)], "wider-than-asked"),
    ],
)
def test_nothing_wider_than_asked_is_granted(
    app: Flask, ask: Ask, camille: UUID, items: list[object], code: str
) -> None:
    request_id = ask()
    assert refused(lambda: decide(request_id, camille, items=items)) == code
    assert refused(lambda: take(request_id)) == "not-decided"


def test_the_end_is_within_what_was_asked(app: Flask, ask: Ask, camille: UUID, clock: FrozenClock) -> None:
    request_id = ask(valid_until=clock().date().replace(month=12))
    too_late = clock().date().replace(year=2027, month=1)
    assert refused(lambda: decide(request_id, camille, valid_until=too_late)) == "wider-than-asked"
    assert (
        refused(lambda: decide(request_id, camille, valid_until=clock().date().replace(day=20))) == "wider-than-asked"
    )


def test_an_end_beyond_twelve_months_is_shortened(app: Flask, ask: Ask, camille: UUID, clock: FrozenClock) -> None:
    request_id = ask(valid_until=clock().date().replace(year=2030))
    with transaction():
        shown = requests.get_request(request_id=request_id, browser_key="browser")
    assert shown.valid_until <= clock().date().replace(year=2027)


def test_a_suspended_app_gets_no_new_consent(
    app: Flask, ask: Ask, camille: UUID, applications: dict[str, UUID], agents: dict[str, Actor]
) -> None:
    request_id = ask()
    with transaction():
        listings.suspend_listing(application_id=applications["Balance+"], motive="Contrôle", by=agents["omar"])
    assert refused(lambda: decide(request_id, camille)) == "application-suspended"
    decide(request_id, camille, Answer.REFUSE)


def test_a_request_stays_within_the_ceiling(app: Flask) -> None:
    ceiling = Ceiling((CeilingItem(WEIGHT, WRITE, CONTINUOUS),), frozenset(Purpose))
    for items, code in (([permission(WEIGHT, READ)], "beyond-ceiling"), ([], "nothing-asked")):
        with pytest.raises(Invalid) as refusal, transaction():
            _ask_sandbox(items, ceiling)
        assert refusal.value.code == code


def test_a_sandbox_client_never_meets_a_real_person(app: Flask, people: Seeded, camille: UUID) -> None:
    ceiling = Ceiling((CeilingItem(WEIGHT, READ, CONTINUOUS),), frozenset(Purpose))
    with transaction():
        request_id = _ask_sandbox([permission(WEIGHT, READ)], ceiling)
        synthetic, *_ = create_synthetic_patients()
    with pytest.raises(Forbidden) as refusal:
        decide(request_id, camille)
    assert refusal.value.code == "sandbox-patients-only"
    decide(request_id, synthetic)
    assert take(request_id).patient_id == synthetic


def _ask_sandbox(items: list[object], ceiling: Ceiling) -> UUID:
    client = uuid7()
    return requests.open_request(
        app=requests.AppFacts(client, client, "sandbox", "Essai", "Essai SAS", None),
        items=items,  # type: ignore[arg-type]
        ceiling=ceiling,
        purpose=Purpose.PREVENTION,
        valid_until=platform_clock.today(),
        resume_path="/oauth/authorize/resume/x",
        browser_key="browser",
        by=Actor(ActorKind.APPLICATION, client, "Essai"),
    )


def standing(patient_id: UUID) -> list[UUID]:
    with transaction(patient_id=patient_id):
        return [one.id for one in queries.list_standing(patient_id)]


class TestPutOff:
    def test_it_waits_in_the_space_and_may_still_be_answered_from_another_browser(
        self, app: Flask, ask: Ask, camille: UUID, clock: FrozenClock
    ) -> None:
        request_id = ask()
        decide(request_id, camille, Answer.POSTPONE, browser_key="browser")
        assert take(request_id).outcome is RequestStatus.POSTPONED
        clock.move(days=29)
        assert standing(camille) == [request_id]
        decide(request_id, camille, browser_key="another")
        assert standing(camille) == []
        assert refused(lambda: decide(request_id, camille)) == "already-answered"
        with transaction(patient_id=camille):
            assert [state.version for state in queries.list_states(camille)] == [1]

    def test_it_is_nobody_elses(self, app: Flask, ask: Ask, people: Seeded, camille: UUID) -> None:
        request_id = ask()
        decide(request_id, camille, Answer.POSTPONE)
        for patient_id in (people.patients["dominique"], None):
            with pytest.raises(NotFound):
                see(request_id, browser_key="another", patient_id=patient_id)
        assert standing(people.patients["dominique"]) == []

    def test_after_thirty_days_it_has_expired(self, app: Flask, ask: Ask, camille: UUID, clock: FrozenClock) -> None:
        request_id = ask()
        decide(request_id, camille, Answer.POSTPONE)
        clock.move(days=30)
        assert standing(camille) == []
        tasks.record_expiries()
        assert see(request_id).status is RequestStatus.EXPIRED

    def test_one_that_stood_for_longer_is_not_shortened(
        self, app: Flask, ask: Ask, camille: UUID, clock: FrozenClock
    ) -> None:
        """The question put to somebody who comes of age stands for a year."""
        decide(ask(), camille)
        with transaction(patient_id=camille):
            (state,) = queries.list_states(camille)
            request_id = renewals.open_renewal(
                patient_id=camille, grant_id=state.grant_id, waits=timedelta(days=360), by=CAMILLE
            )
        decide(request_id, camille, Answer.POSTPONE)
        clock.move(days=359)
        assert standing(camille) == [request_id]

    def test_the_next_answer_to_that_app_takes_its_place(self, app: Flask, ask: Ask, camille: UUID) -> None:
        first, second = ask(), ask()
        decide(first, camille, Answer.POSTPONE)
        decide(second, camille, Answer.POSTPONE)
        assert standing(camille) == [second]
        decide(ask(), camille)
        assert (see(first).status, see(second).status) == (RequestStatus.ABANDONED, RequestStatus.ABANDONED)

    def test_the_end_of_the_referencing_takes_it_back(
        self, app: Flask, ask: Ask, camille: UUID, applications: dict[str, UUID], agents: dict[str, Actor]
    ) -> None:
        request_id = ask()
        decide(request_id, camille, Answer.POSTPONE)
        with transaction():
            listings.withdraw_listing(application_id=applications["Balance+"], motive="Contrôle", by=agents["omar"])
        assert see(request_id).status is RequestStatus.ABANDONED

    def test_what_the_app_may_no_longer_ask_is_no_longer_granted(
        self, app: Flask, ask: Ask, camille: UUID, applications: dict[str, UUID], owner: sa.Engine
    ) -> None:
        request_id = ask()
        decide(request_id, camille, Answer.POSTPONE)
        with owner.begin() as connection:
            connection.execute(sa.text("UPDATE store_listing SET ceiling = jsonb_set(ceiling, '{items}', '[]')"))
        assert refused(lambda: decide(request_id, camille)) == "request-outdated"


def test_a_question_asked_again_takes_the_place_of_the_one_before(app: Flask, ask: Ask, camille: UUID) -> None:
    first = ask()
    ask(replaces=first)
    assert refused(lambda: decide(first, camille)) == "request-expired"
    assert take(first).outcome is RequestStatus.ABANDONED


def test_a_single_access_that_was_used_is_not_given_again_with_something_else(
    app: Flask, ask: Ask, camille: UUID, clock: FrozenClock
) -> None:
    """What the screen says to stay « sans changement » is not decided anew; asked again itself, it is."""
    weight, added, pressure = asked()
    once = replace(weight, periodicity=ONCE)
    decide(ask(once, pressure), camille)
    with transaction(patient_id=camille):
        (state,) = queries.list_states(camille)
    call(camille, state.grant_id, WEIGHT, now=clock())
    clock.move(hours=2)
    decide(ask(added, merges=True), camille)
    with pytest.raises(Forbidden) as used:
        call(camille, state.grant_id, WEIGHT, now=clock())
    assert used.value.code == "consent-exhausted"
    decide(ask(once, merges=True), camille)
    assert call(camille, state.grant_id, WEIGHT, now=clock()) == (WEIGHT,)


class TestSilence:
    def turn_down(self, ask: Ask, patient_id: UUID, times: int = 1) -> None:
        for _ in range(times):
            decide(ask(), patient_id, Answer.REFUSE)

    def is_silent(self, ask: Ask, patient_id: UUID) -> bool:
        request_id = ask()
        with transaction(patient_id=patient_id):
            return requests.refuse_if_silent(
                request_id=request_id, browser_key="browser", patient_id=patient_id, by=CAMILLE
            )

    def test_two_refusals_keep_an_app_silent_for_ninety_days(
        self, app: Flask, ask: Ask, camille: UUID, people: Seeded, clock: FrozenClock
    ) -> None:
        self.turn_down(ask, camille)
        assert not self.is_silent(ask, camille)
        self.turn_down(ask, camille)
        assert self.is_silent(ask, camille)
        assert not self.is_silent(ask, people.patients["dominique"])
        clock.move(days=89, hours=23)
        assert self.is_silent(ask, camille)
        clock.move(hours=1)
        assert not self.is_silent(ask, camille)
        self.turn_down(ask, camille)
        assert not self.is_silent(ask, camille), "counting starts anew"

    def test_an_answer_given_by_silence_says_refused_and_is_not_shown_as_a_refusal_of_the_patient(
        self, app: Flask, ask: Ask, camille: UUID
    ) -> None:
        self.turn_down(ask, camille, 2)
        request_id = ask()
        with transaction(patient_id=camille):
            assert requests.refuse_if_silent(
                request_id=request_id, browser_key="browser", patient_id=camille, by=CAMILLE
            )
        assert take(request_id).outcome is RequestStatus.REFUSED
        with transaction(patient_id=camille):
            assert len(queries.list_refused(camille)) == 2

    def test_a_refused_amendment_counts_and_putting_off_does_not(self, app: Flask, ask: Ask, camille: UUID) -> None:
        decide(ask(), camille)
        for answer in (Answer.REFUSE, Answer.POSTPONE, Answer.POSTPONE):
            decide(ask(), camille, answer)
        assert not self.is_silent(ask, camille)
        self.turn_down(ask, camille)
        assert self.is_silent(ask, camille)

    def test_a_grant_makes_refusals_forgotten(self, app: Flask, ask: Ask, camille: UUID) -> None:
        self.turn_down(ask, camille)
        decide(ask(), camille)
        self.turn_down(ask, camille)
        assert not self.is_silent(ask, camille)

    def test_the_patient_lifts_it(self, app: Flask, ask: Ask, camille: UUID, applications: dict[str, UUID]) -> None:
        self.turn_down(ask, camille, 2)
        with transaction(patient_id=camille):
            silences.lift_silence(patient_id=camille, app_id=applications["Balance+"], by=CAMILLE)
        assert not self.is_silent(ask, camille)

    def test_what_the_patient_asks_for_in_their_own_space_is_shown(self, app: Flask, ask: Ask, camille: UUID) -> None:
        decide(ask(), camille)
        self.turn_down(ask, camille, 2)
        with transaction(patient_id=camille):
            (state,) = queries.list_states(camille)
            own = renewals.open_renewal(patient_id=camille, grant_id=state.grant_id, by=CAMILLE)
            assert not requests.refuse_if_silent(request_id=own, browser_key="browser", patient_id=camille, by=CAMILLE)

    def test_a_year_erases_a_refusal_and_the_sweep_its_trace(
        self, app: Flask, ask: Ask, camille: UUID, clock: FrozenClock, owner: sa.Engine
    ) -> None:
        self.turn_down(ask, camille)
        clock.move(days=365)
        tasks.forget_requests()
        with owner.connect() as connection:
            assert connection.scalar(sa.text("SELECT count(*) FROM consent_silence")) == 0
            assert connection.scalar(sa.text("SELECT count(*) FROM consent_request")) == 0

    def test_the_sandbox_knows_no_silence(self, app: Flask, people: Seeded) -> None:
        ceiling = Ceiling((CeilingItem(WEIGHT, READ, CONTINUOUS),), frozenset(Purpose))
        with transaction():
            asked_twice = [_ask_sandbox([permission(WEIGHT, READ)], ceiling) for _ in range(3)]
            synthetic, *_ = create_synthetic_patients()
        for request_id in asked_twice[:2]:
            decide(request_id, synthetic, Answer.REFUSE)
        with transaction(patient_id=synthetic):
            assert not requests.refuse_if_silent(
                request_id=asked_twice[2], browser_key="browser", patient_id=synthetic, by=CAMILLE
            )


@pytest.mark.parametrize(("decision", "kept"), [(Answer.GRANT, 30), (Answer.REFUSE, 365)], ids=["granted", "refused"])
def test_a_question_is_forgotten_after_its_retention(
    app: Flask, ask: Ask, camille: UUID, clock: FrozenClock, decision: Answer, kept: int
) -> None:
    request_id = ask()
    decide(request_id, camille, decision)
    clock.move(days=kept - 1)
    tasks.forget_requests()
    see(request_id)
    clock.move(days=1)
    tasks.forget_requests()
    with pytest.raises(NotFound):
        see(request_id)


class TestRenewal:
    @pytest.fixture
    def grant_id(self, app: Flask, ask: Ask, camille: UUID) -> UUID:
        decide(ask(), camille, items=asked()[:1], valid_until=platform_clock.today() + timedelta(days=40))
        with transaction(patient_id=camille):
            (state,) = queries.list_states(camille)
        return state.grant_id

    def renew(self, patient_id: UUID, grant_id: UUID, **more: bool) -> UUID:
        with transaction(patient_id=patient_id):
            return renewals.open_renewal(patient_id=patient_id, grant_id=grant_id, by=CAMILLE, **more)

    def test_it_is_a_fresh_decision_that_makes_a_version(self, camille: UUID, grant_id: UUID) -> None:
        request_id = self.renew(camille, grant_id)
        assert standing(camille) == [request_id]
        assert state_of(camille, grant_id).version == 1
        until = platform_clock.today() + timedelta(days=90)
        decide(request_id, camille, valid_until=until)
        state = state_of(camille, grant_id)
        assert (state.version, state.valid_until, state.permissions) == (2, until, asked()[:1])

    def test_it_may_ask_all_that_the_app_may(self, camille: UUID, grant_id: UUID) -> None:
        request_id = self.renew(camille, grant_id, wider=True)
        shown = see(request_id, patient_id=camille)
        assert len(shown.items) == len(shown.ceiling.items) > 1
        assert choices.mark(shown.items[0], None) is choices.Mark.NEW

    def test_the_next_one_takes_its_place(self, camille: UUID, grant_id: UUID) -> None:
        self.renew(camille, grant_id)
        second = self.renew(camille, grant_id)
        assert standing(camille) == [second]

    def test_once_expired_it_gives_a_new_consent_and_once_revoked_none(
        self, camille: UUID, grant_id: UUID, clock: FrozenClock
    ) -> None:
        request_id = self.renew(camille, grant_id)
        clock.move(days=29)
        decide(request_id, camille, Answer.POSTPONE)
        clock.move(days=13)
        decide(request_id, camille, valid_until=platform_clock.today())
        with transaction(patient_id=camille):
            new, old = queries.list_states(camille)
            assert (new.version, old.stored) == (1, Status.EXPIRED)
            lifecycle.revoke_consent(patient_id=camille, grant_id=new.grant_id, by=CAMILLE)
        assert refused(lambda: self.renew(camille, new.grant_id)) == "not-renewable"

    def test_revoking_takes_the_question_back(self, camille: UUID, grant_id: UUID) -> None:
        request_id = self.renew(camille, grant_id)
        with transaction(patient_id=camille):
            lifecycle.revoke_consent(patient_id=camille, grant_id=grant_id, by=CAMILLE)
        assert see(request_id, patient_id=camille).status is RequestStatus.ABANDONED


class TestProof:
    @pytest.fixture
    def request_id(self, app: Flask, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> UUID:
        """The weight is a sensitive category here."""
        found = registry.get(WEIGHT)
        monkeypatch.setitem(registry._categories, WEIGHT, replace(found, sensitive=True))
        return ask()

    @pytest.mark.parametrize(("level", "code"), [("eidas2", "proof-needed"), ("eidas3", "")])
    def test_sensitive_data_is_opened_by_somebody_who_proved_who_they_are(
        self, request_id: UUID, camille: UUID, level: str, code: str
    ) -> None:
        by = replace(CAMILLE, assurance=level)
        if not code:
            decide(request_id, camille, items=asked()[:1], by=by)
            return
        assert refused(lambda: decide(request_id, camille, items=asked()[:1], by=by)) == code
        decide(request_id, camille, items=asked()[2:], by=by)
