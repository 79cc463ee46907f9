"""What apps are to be told: each act on a consent, in order, in the words of the webhooks, nothing about health."""

import json
from collections.abc import Callable
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from consent import events as consents
from consent.queries import app_events as queries
from consent.rules.app_events import AppEventType
from consent.service import app_events, lifecycle
from consent.tasks import forget_app_events
from identity_core.service.seeding import Seeded
from platform_core import crypto, events
from platform_core.access import Actor
from platform_core.clock import FrozenClock
from platform_core.database import db, transaction
from platform_core.errors import Conflict, NotFound
from store.service import listings
from tests.consent.builders import WEIGHT
from tests.consent.calls import in_parallel
from tests.consent.conftest import CAMILLE

Give = Callable[..., UUID]
Act = Callable[..., None]


def act(verb: Act, patient_id: UUID, grant_id: UUID) -> None:
    with transaction(patient_id=patient_id):
        verb(patient_id=patient_id, grant_id=grant_id, by=CAMILLE)


def told(grant_id: UUID, after: int = 0) -> list[queries.AppEventView]:
    with transaction():
        return list(queries.list_app_events(grant_id=grant_id, after=after))


def test_each_act_on_a_consent_is_told_in_order_and_says_nothing_about_health(
    app: Flask, patient_id: UUID, grant_consent: Give, clock: FrozenClock
) -> None:
    app_id = UUID(int=7)
    grant_id = grant_consent(app_id=app_id)
    assert grant_consent(app_id=app_id, valid_until=clock().date().replace(year=2027)) == grant_id
    acts = (
        lifecycle.pause_consent,
        lifecycle.resume_consent,
        lifecycle.request_presence_window,
        lifecycle.revoke_consent,
    )
    for verb in acts:
        act(verb, patient_id, grant_id)
    found = told(grant_id)
    assert [str(event.type) for event in found] == [
        "consent.granted",
        "consent.amended",
        "consent.paused",
        "consent.resumed",
        "sync.requested",
        "consent.revoked",
    ]
    assert [event.position for event in found] == sorted({event.position for event in found})
    assert told(grant_id, after=found[3].position) == found[4:]
    body = found[1].to_json()
    subject = crypto.pairwise_id(app_id, patient_id)
    assert body == {
        "id": str(found[1].id),
        "type": "consent.amended",
        "created_at": clock().isoformat(),
        "grant_id": str(grant_id),
        "data": {"patient": subject, "version": 2},
    }
    for word in (str(patient_id), WEIGHT, "weight", "Camille", "Balance"):
        assert word not in json.dumps([event.to_json() for event in found])


@pytest.mark.parametrize(
    ("end", "type"),
    [(lifecycle.end_consent, "consent.ended"), (lifecycle.revoke_consent, "consent.revoked")],
)
def test_an_end_is_told_as_what_it_is(app: Flask, patient_id: UUID, grant_consent: Give, end: Act, type: str) -> None:
    grant_id = grant_consent()
    act(end, patient_id, grant_id)
    assert told(grant_id)[-1].type == type


def test_every_event_of_a_consent_has_its_type() -> None:
    published = {kind.__name__ for kind in consents.ConsentChanged.__subclasses__()}
    assert {kind.__name__ for kind in app_events.TYPES} == published
    of_apps = {kind for kind in AppEventType if kind.startswith("application.")}
    assert {*app_events.TYPES.values(), *of_apps} == set(AppEventType)


def test_what_is_undone_is_not_told(app: Flask, patient_id: UUID, grant_consent: Give) -> None:
    grant_id = grant_consent()
    with pytest.raises(RuntimeError), transaction(patient_id=patient_id):
        lifecycle.pause_consent(patient_id=patient_id, grant_id=grant_id, by=CAMILLE)
        raise RuntimeError("after the act")
    assert len(told(grant_id)) == 1


def test_acts_at_once_are_told_in_the_order_in_which_they_were_done(
    app: Flask, patient_id: UUID, grant_consent: Give
) -> None:
    grant_id = grant_consent()

    def toggle() -> None:
        for verb in (lifecycle.pause_consent, lifecycle.resume_consent):
            try:
                act(verb, patient_id, grant_id)
            except Conflict:
                continue

    in_parallel(app, 6, toggle)
    with transaction(patient_id=patient_id):
        rows = db.session.execute(
            sa.text("SELECT kind FROM consent_event WHERE consent_id = :id ORDER BY sequence"), {"id": grant_id}
        )
        history = [f"consent.{kind}" for kind in rows.scalars()]
    assert len(history) > 2
    assert [str(event.type) for event in told(grant_id)] == history


def test_whoever_delivers_hears_of_each_in_the_transaction_of_the_act(
    app: Flask, patient_id: UUID, grant_consent: Give
) -> None:
    heard: list[consents.AppToTell] = []
    events.subscribe(consents.AppToTell, heard.append)
    grant_id = grant_consent()
    mine = [event for event in heard if event.grant_id == grant_id]
    with transaction():
        assert [queries.get_app_event(event.event_id).type for event in mine] == [AppEventType.GRANTED]


def test_a_change_of_the_referencing_is_told_once_for_the_whole_app(
    grant_consent: Give, applications: dict[str, UUID], agents: dict[str, Actor], people: Seeded
) -> None:
    app_id = applications["Balance+"]
    for name in ("camille", "paul"):
        grant_consent(patient_id=people.patients[name], app_id=app_id, environment="production")
    verbs = listings.suspend_listing, listings.reinstate_listing, listings.withdraw_listing
    with transaction():
        for verb in verbs:
            verb(application_id=app_id, motive="Contrôle.", by=agents["omar"])
        found = queries.list_listing_events(app_id=app_id)
    assert [str(event.type) for event in found] == [
        "application.suspended",
        "application.reinstated",
        "application.withdrawn",
    ]
    assert found[0].to_json()["grant_id"] is None
    assert found[0].to_json()["data"] == {"reason": "suspended"}


def test_what_was_told_is_never_changed_and_is_kept_ninety_days(
    app: Flask, patient_id: UUID, grant_consent: Give, clock: FrozenClock
) -> None:
    grant_id = grant_consent()
    for statement in ("UPDATE consent_app_event SET type = 'consent.paused'", "DELETE FROM consent_app_event"):
        with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), transaction():
            db.session.execute(sa.text(statement))
    (event,) = told(grant_id)
    clock.move(days=90)
    forget_app_events()
    assert told(grant_id) == [event]
    clock.move(seconds=1)
    forget_app_events()
    with pytest.raises(NotFound), transaction():
        queries.get_app_event(event.id)
