"""The question put to a patient: bound to its browser, answered once, read back once."""

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask

from consent import queries, tasks
from consent.service import requests
from consent.service.requests import RequestOutcome
from consent.workflow import Answer, RequestStatus
from identity_core.service.seeding import Seeded, create_synthetic_patients
from platform_core import clock as platform_clock
from platform_core.access import Actor, ActorKind
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from platform_core.errors import DomainError, Forbidden, Invalid, NotFound
from platform_core.ids import uuid7
from platform_core.permission import CONTINUOUS, Ceiling, CeilingItem, Purpose
from store.service import listings
from tests.consent.builders import READ, WEIGHT, WRITE, permission
from tests.consent.calls import in_parallel, state_of
from tests.consent.conftest import CAMILLE, asked

Ask = Callable[..., UUID]


def decide(request_id: UUID, patient_id: UUID, decision: Answer = Answer.GRANT, **more: object) -> None:
    with transaction(patient_id=patient_id):
        requests.decide_request(
            request_id=request_id,
            patient_id=patient_id,
            decision=decision,
            by=CAMILLE,
            **more,  # type: ignore[arg-type]
        )


def take(request_id: UUID, browser_key: str = "browser") -> RequestOutcome:
    with transaction():
        return requests.take_decision(request_id=request_id, browser_key=browser_key)


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
    with transaction(patient_id=camille):
        requests.choose(
            request_id=request_id,
            browser_key="browser",
            patient_id=camille,
            items=asked()[:1],
            valid_until=requests.get_request(request_id=request_id, browser_key="browser").valid_until,
        )
    assert refused(lambda: decide(request_id, people.patients["lea"])) == "other-patient"
    decide(request_id, camille)
    grant_id = take(request_id).grant_id
    assert grant_id and state_of(camille, grant_id).permissions == asked()[:1]


def test_a_request_lives_thirty_minutes(app: Flask, ask: Ask, camille: UUID, clock: FrozenClock) -> None:
    request_id = ask()
    assert refused(lambda: take(request_id)) == "not-decided"
    clock.move(minutes=30)
    assert refused(lambda: decide(request_id, camille)) == "request-expired"
    tasks.record_expiries()
    assert take(request_id).outcome is RequestStatus.EXPIRED


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
