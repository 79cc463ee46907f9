"""A person's own address: it changes once they have shown that they read what is sent there, and the old one hears."""

from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from identity_core.service.seeding import Seeded
from notification_core import queries
from notification_core.models import AddressChange
from notification_core.service import addresses
from platform_core import crypto
from platform_core.access import Actor, ActorKind
from platform_core.clock import FrozenClock
from platform_core.database import db, transaction
from platform_core.errors import Invalid, NotFound, TooManyRequests
from tests.consent.calls import in_parallel
from tests.notification_core.reading import emails, link_in, recipients, tell
from tests.signing_in import sign_in_citizen, submit

OLD, NEW = "camille@exemple.invalid", "c.durand@exemple.invalid"
PAGE = "/espace/parametres/notifications"


def ask(people: Seeded, address: str = NEW) -> str:
    """Ask for an address as Camille does; the token of the link that was sent."""
    person_id = people.persons["camille"]
    by = Actor(ActorKind.PATIENT, person_id, "Camille Durand")
    with transaction():
        addresses.ask_change(person_id=person_id, patient_id=people.patients["camille"], address=address, by=by)
    return link_in(emails()[0], "/notifications/adresse/").rpartition("/")[2]


def confirm(token: str) -> None:
    with transaction():
        addresses.confirm_change(token=token)


def place(people: Seeded) -> list[str]:
    camille: UUID = people.patients["camille"]
    with transaction(patient_id=camille):
        return list(queries.list_addresses(camille))


def test_an_address_changes_once_its_link_was_confirmed_and_the_old_one_is_told(
    client: FlaskClient, people: Seeded
) -> None:
    token = ask(people)
    path = f"/notifications/adresse/{token}"
    (email,) = emails()
    assert (email.recipient, email.subject) == (NEW, "Confirmez votre adresse électronique")
    page = client.get(path)
    assert "Confirmer cette adresse" in page.text
    assert (page.headers["Referrer-Policy"], page.headers["Cache-Control"]) == ("no-referrer", "no-store")
    assert place(people) == [OLD], "opening the link changes nothing"
    assert "Votre adresse est confirmée" in submit(client, path).text
    assert place(people) == [NEW]
    assert recipients() == sorted([NEW, OLD, NEW]), "the link, the old address, the message in the inbox"
    assert client.get(path).status_code == 404
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=people.patients["camille"])
    assert "L’adresse de vos courriels a changé" in client.get("/espace/notifications").text
    assert NEW in client.get(PAGE).text
    submit(client, f"{PAGE}/adresse/oubli", page=PAGE)
    assert place(people) == [OLD]
    assert recipients() == sorted([NEW, OLD, NEW, NEW, OLD])


def test_a_person_asks_on_their_page(client: FlaskClient, people: Seeded) -> None:
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=people.patients["camille"])
    assert submit(client, f"{PAGE}/adresse", {"address": NEW}, page=PAGE).status_code == 303
    assert recipients() == [NEW]
    assert place(people) == [OLD]


def test_a_link_works_once_even_for_two_at_once(app: Flask, people: Seeded) -> None:
    token = ask(people)

    def confirm_once() -> bool:
        try:
            confirm(token)
        except NotFound:
            return False
        return True

    assert sorted(map(bool, in_parallel(app, 4, confirm_once))) == [False, False, False, True]
    assert len(recipients()) == 3


def test_a_link_lives_a_day(people: Seeded, clock: FrozenClock) -> None:
    late = ask(people)
    clock.move(hours=24)
    with pytest.raises(NotFound):
        confirm(late)
    assert place(people) == [OLD]


def test_a_later_demand_replaces_the_one_before(people: Seeded) -> None:
    first = ask(people, "first@exemple.invalid")
    second = ask(people, "second@exemple.invalid")
    with pytest.raises(NotFound):
        confirm(first)
    confirm(second)
    assert place(people) == ["second@exemple.invalid"]


def test_nothing_at_rest_tells_the_token_or_the_address(people: Seeded) -> None:
    token = ask(people)
    with transaction():
        rows = db.session.scalars(
            sa.text(
                "SELECT c::text FROM notification_address_change c UNION ALL SELECT e::text FROM notification_email e"
                " UNION ALL SELECT o::text FROM core_outbox o"
            )
        ).all()
        assert db.session.scalar(sa.select(AddressChange.token_hash)) == crypto.hash_token(token)
    assert len(rows) == 3
    for secret in (token, NEW, token.encode().hex(), NEW.encode().hex()):
        assert all(secret not in row for row in rows)


def test_addresses_are_not_tried_without_end(client: FlaskClient, people: Seeded, clock: FrozenClock) -> None:
    for number in range(addresses.MOST_A_DAY):
        ask(people, f"essai{number}@exemple.invalid")
    with pytest.raises(TooManyRequests):
        ask(people)
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=people.patients["camille"])
    answer = submit(client, f"{PAGE}/adresse", {"address": NEW}, page=PAGE)
    assert answer.status_code == 429
    assert "trop de changements" in answer.text
    clock.move(hours=24)
    ask(people)


@pytest.mark.parametrize("address", ["", "camille", "a@b.fr\nBcc: c@d.fr"])
def test_what_is_no_address_is_said_so(client: FlaskClient, people: Seeded, address: str) -> None:
    with pytest.raises(Invalid):
        ask(people, address)
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=people.patients["camille"])
    answer = submit(client, f"{PAGE}/adresse", {"address": address}, page=PAGE)
    assert answer.status_code == 422
    assert "Donnez une adresse électronique" in answer.text


def test_a_confirmed_address_is_written_to_for_the_child_too(people: Seeded) -> None:
    confirm(ask(people))
    tell(people.patients["lea"])
    assert emails()[0].recipient == NEW
