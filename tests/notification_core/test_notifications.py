"""Inboxes, and the e-mails that say that a message waits: who sees what."""

from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from identity_core.service.seeding import Seeded
from notification_core import queries, service, tasks
from notification_core.models import Email, Message
from platform_core.access import SYSTEM
from platform_core.database import DatabaseRole, db, transaction
from platform_core.errors import NotFound
from platform_core.outbox import OutboxMessage
from tests.consent.calls import in_parallel
from tests.notification_core.reading import emails, tell
from tests.signing_in import sign_in_agent, sign_in_citizen, submit


def test_an_email_holds_nothing_of_the_message(people: Seeded) -> None:
    tell(people.patients["camille"], "/espace/mesures/blood-glucose")
    (email,) = emails()
    assert email.recipient == "camille@exemple.invalid"
    assert email.subject == "Vous avez un nouveau message dans votre espace"
    for word in ("Glycémie", "2,35", "Diabète", "glucose", "Camille", "Durand"):
        assert word not in email.subject + email.body


def test_the_address_is_sealed_and_the_task_gets_an_id(people: Seeded) -> None:
    tell(people.patients["camille"])
    with transaction() as session:
        email = session.scalars(sa.select(Email)).one()
        message = session.scalars(sa.select(OutboxMessage)).one()
        stored = session.scalars(sa.text("SELECT e::text FROM notification_email e")).one()
    assert (message.task, message.arguments) == ("notification.send_email", [str(email.id)])
    assert "camille@" not in stored


def test_an_email_is_sent_once(people: Seeded) -> None:
    tell(people.patients["camille"])
    with transaction() as session:
        email_id = session.scalars(sa.select(Email.id)).one()
    for _ in range(2):
        tasks.send_email(str(email_id))
        (email,) = emails()
        first = email.sent_at
    assert email.sent_at == first is not None


def test_the_parent_is_written_to_for_the_child(people: Seeded) -> None:
    tell(people.patients["lea"])
    assert [email.recipient for email in emails()] == ["camille@exemple.invalid"]


def test_the_inbox_of_a_space_is_closed_to_every_other(people: Seeded) -> None:
    message_id = tell(people.patients["camille"])
    for bound in (None, people.patients["dominique"]):
        with transaction(patient_id=bound) as session:
            told = sa.select(Message).where(Message.kind == "test.told")
            assert session.scalars(told).all() == []
            with pytest.raises(NotFound):
                service.mark_read(patient_id=people.patients["camille"], message_id=message_id)


def test_a_notice_with_a_key_is_given_once_even_by_tasks_that_run_at_once(app: Flask, people: Seeded) -> None:
    patient_id, key = people.patients["camille"], "test.told:1"

    def tell_once() -> UUID | None:
        with transaction(patient_id=patient_id):
            return service.notify(patient_id=patient_id, kind="test.told", title="t", body="b", by=SYSTEM, key=key)

    told = in_parallel(app, 4, tell_once)
    assert sum(one is not None for one in told) == 1
    assert tell_once() is None
    assert len(emails()) == 1
    with transaction(role=DatabaseRole.BATCH):
        assert queries.list_told([(patient_id, key), (patient_id, "other")]) == {(patient_id, key)}


def test_the_batch_role_reads_which_notices_were_given_and_no_word_of_them(people: Seeded) -> None:
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), transaction(role=DatabaseRole.BATCH):
        db.session.scalars(sa.select(Message.title)).all()


def test_nobody_is_told_outside_a_transaction_bound_to_them(people: Seeded) -> None:
    with pytest.raises(sa.exc.ProgrammingError, match="row-level security"), transaction():
        service.notify(patient_id=people.patients["camille"], kind="test.told", title="t", body="b", by=SYSTEM)
    assert emails() == []


def test_a_message_is_read_on_its_page(client: FlaskClient, people: Seeded) -> None:
    camille = people.patients["camille"]
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=camille)
    message_id = tell(camille)
    with transaction(patient_id=camille):
        before = queries.count_unread(camille)
    submit(client, f"/espace/notifications/{message_id}/lecture", page="/espace/notifications")
    with transaction(patient_id=camille):
        assert queries.count_unread(camille) == before - 1
    other = people.patients["dominique"]
    sign_in_citizen(client, person_id=people.persons["dominique"], patient_id=other)
    answer = submit(client, f"/espace/notifications/{message_id}/lecture", page="/espace/notifications")
    assert answer.status_code == 404


def test_an_inbox_is_paged(client: FlaskClient, people: Seeded) -> None:
    camille = people.patients["camille"]
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=camille)
    for _ in range(queries.PAGE_SIZE):
        tell(camille)
    assert "Page 1 sur 2" in client.get("/espace/notifications").text
    assert "Bienvenue dans votre espace" in client.get("/espace/notifications?page=2").text


def test_members_of_an_organisation_are_told_by_role(client: FlaskClient, people: Seeded) -> None:
    with transaction():
        service.notify_members(
            organisation_id=people.organisations["pese"],
            roles=["publisher"],
            kind="store.accepted",
            title="Dossier accepté",
            body="Votre application est acceptée.",
            link="/editeur",
            by=SYSTEM,
        )
        service.notify_role(role="reviewer", kind="store.submitted", title="Dossier déposé", body="…", by=SYSTEM)
    assert {email.recipient for email in emails()} == {"alice@pese.invalid", "ines@autorite.invalid"}
    sign_in_agent(client, agent_id=people.agents["alice"])
    assert "Dossier accepté" in client.get("/editeur/notifications").text
    with transaction():
        (message,) = queries.list_agent_messages(agent_id=people.agents["alice"]).items
    submit(client, f"/editeur/notifications/{message.id}/lecture", page="/editeur/notifications")
    with transaction():
        assert queries.count_agent_unread(people.agents["alice"]) == 0
    sign_in_agent(client, agent_id=people.agents["ines"])
    page = client.get("/instruction/notifications").text
    assert "Dossier déposé" in page
    assert "Dossier accepté" not in page


def test_a_message_links_to_this_site_only(people: Seeded) -> None:
    with pytest.raises(ValueError, match="path of this site"):
        tell(people.patients["camille"], "https://ailleurs.example")
