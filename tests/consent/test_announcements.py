"""After an incident the authority tells everybody who ever authorized the app: once, by batches, from a page."""

from collections.abc import Callable
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from consent import tasks
from consent.models import Announcement
from consent.queries import announcements, reminders
from consent.service import announcements as service
from consent.service import lifecycle
from identity_core.service.seeding import Seeded
from notification_core import queries as inbox
from platform_core.access import Actor
from platform_core.database import DatabaseRole, db, transaction
from platform_core.errors import Invalid
from tests.consent.calls import in_parallel
from tests.consent.conftest import CAMILLE
from tests.signing_in import sign_in_agent, submit

TEXT = "Des données de connexion ont été consultées sans droit. Changez votre mot de passe dans l’application."


@pytest.fixture
def authorized(grant_consent: Callable[..., UUID], applications: dict[str, UUID], people: Seeded) -> dict[str, UUID]:
    """Three people who authorized Balance+: dominique left it since. The sandbox has another."""
    app_id = applications["Balance+"]
    real = {name: people.patients[name] for name in ("camille", "dominique", "paul")}
    grants = {n: grant_consent(patient_id=p, app_id=app_id, environment="production") for n, p in real.items()}
    with transaction(patient_id=real["dominique"]):
        lifecycle.revoke_consent(patient_id=real["dominique"], grant_id=grants["dominique"], by=CAMILLE)
    grant_consent(app_id=app_id)
    return real


def told(patient_id: UUID) -> list[inbox.MessageView]:
    with transaction(patient_id=patient_id):
        found = inbox.list_messages(patient_id=patient_id).items
    return [message for message in found if message.kind == "consent.incident"]


def sent(application_id: UUID) -> UUID:
    """The id of the only announcement about an app."""
    with transaction():
        (found,) = db.session.scalars(sa.select(Announcement.id).where(Announcement.application_id == application_id))
    return UUID(str(found))


def carry(announcement_id: UUID) -> int:
    """Run the task until nothing remains; how many times."""
    for times in range(10):
        with transaction(role=DatabaseRole.BATCH):
            if announcements.find_announced(announcement_id) is None:
                return times
        tasks.carry_announcement(str(announcement_id))
    raise AssertionError("it never ends")


def test_everybody_is_told_once_by_batches_from_the_page_of_the_decider(
    client: FlaskClient,
    authorized: dict[str, UUID],
    applications: dict[str, UUID],
    people: Seeded,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reminders, "PAGE", 2)
    sign_in_agent(client, agent_id=people.agents["omar"])
    page = f"/instruction/applications/{applications['Balance+']}/incident"
    answer = submit(client, page, {"text": "Trop court."})
    assert answer.status_code == 422
    assert "entre 20 et 1000 caractères" in answer.text
    assert submit(client, page, {"text": TEXT}).status_code == 303
    assert "0 personne prévenue, envoi en cours" in client.get(page).text
    announcement_id = sent(applications["Balance+"])
    assert carry(announcement_id) == 3
    tasks.carry_announcement(str(announcement_id))
    for patient_id in authorized.values():
        (message,) = told(patient_id)
        assert TEXT in message.body and "Balance+" in message.title
    with transaction():
        (found,) = announcements.list_announcements(applications["Balance+"])
        subjects = [email.subject for email in inbox.list_emails() if email.recipient == "camille@exemple.invalid"]
    assert (found.told, found.ended_at is not None, found.decider_name) == (3, True, "Alice Roche")
    assert subjects[0] == "Un message important vous attend dans votre espace"
    assert "3 personnes prévenues" in client.get(page).text


def test_who_cannot_be_told_holds_up_no_other_and_is_told_later_once(
    authorized: dict[str, UUID],
    applications: dict[str, UUID],
    agents: dict[str, Actor],
    owner: sa.Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with transaction():
        announcement_id = service.announce_incident(
            application_id=applications["Balance+"], text=TEXT, by=agents["omar"]
        )
    whole = service.reminders.tell_incident

    def die_for_one(*, patient_id: UUID, **named: object) -> bool:
        new = whole(patient_id=patient_id, **named)
        if patient_id == authorized["paul"]:
            raise RuntimeError("this one cannot be told")
        return new

    monkeypatch.setattr(service.reminders, "tell_incident", die_for_one)
    with transaction(role=DatabaseRole.BATCH):
        before = announcements.find_announced(announcement_id)
    assert before is not None
    for _ in range(2):
        with transaction():
            service.carry_announcement(announced=before)
    assert [len(told(authorized[name])) for name in ("camille", "dominique", "paul")] == [1, 1, 0]
    monkeypatch.undo()
    with owner.connect() as connection:
        waiting = "SELECT arguments FROM core_outbox WHERE task = 'consent.tell_incident'"
        (left,) = connection.execute(sa.text(waiting)).scalars().all()
    for _ in range(2):
        tasks.tell_incident(*left)
    assert len(told(authorized["paul"])) == 1
    with transaction():
        (found,) = announcements.list_announcements(applications["Balance+"])
    assert found.told == 3


def test_a_form_sent_twice_announces_once(app: Flask, applications: dict[str, UUID], agents: dict[str, Actor]) -> None:
    def announce(text: str = TEXT) -> UUID:
        with transaction():
            return service.announce_incident(application_id=applications["Balance+"], text=text, by=agents["omar"])

    (once,) = set(in_parallel(app, 4, announce))
    assert announce(f" {TEXT}\n") == once
    assert announce(f"{TEXT} Voici la suite.") != once


@pytest.mark.parametrize("name", ["ines", "alice"])
def test_only_a_decider_announces(
    client: FlaskClient, applications: dict[str, UUID], people: Seeded, name: str
) -> None:
    sign_in_agent(client, agent_id=people.agents[name])
    assert client.get(f"/instruction/applications/{applications['Balance+']}/incident").status_code == 403


@pytest.mark.parametrize("text", ["", " " * 30, "x" * 1001])
def test_an_announcement_has_words(applications: dict[str, UUID], agents: dict[str, Actor], text: str) -> None:
    with pytest.raises(Invalid), transaction():
        service.announce_incident(application_id=applications["Balance+"], text=text, by=agents["omar"])
