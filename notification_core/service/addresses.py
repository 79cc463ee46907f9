"""The address of a person's e-mails: theirs to change, once they have shown that they read what is sent to it."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from identity_core.rules import normal_email
from notification_core import queries
from notification_core.models import Address, AddressChange
from notification_core.rules import Template
from notification_core.service.emails import write_to_address
from notification_core.service.messages import notify
from platform_core import audit, clock, crypto
from platform_core.access import SYSTEM, Actor
from platform_core.database import bind_patient, db
from platform_core.errors import NotFound, TooManyRequests
from platform_core.ids import opaque, uuid7

LIFE = timedelta(hours=24)
MOST_A_DAY = 5


def ask_change(*, person_id: UUID, patient_id: UUID, address: str, by: Actor) -> None:
    """Send a link to a new address of a person, who is this patient; nothing changes until it is opened, within a day.

    A later demand replaces the one before it. Raises `Invalid` (`invalid-email`), `TooManyRequests`
    (`too-many-addresses`).
    """
    address, now, token, change_id = normal_email(address), clock.now(), opaque(), uuid7()
    mine = AddressChange.person_id == person_id
    if (
        db.session.scalar(sa.select(sa.func.count()).where(mine, AddressChange.created_at > now - LIFE)) or 0
    ) >= MOST_A_DAY:
        raise TooManyRequests("Too many addresses were tried today.", code="too-many-addresses")
    _close(mine)
    db.session.add(
        AddressChange(
            id=change_id,
            person_id=person_id,
            patient_id=patient_id,
            token_hash=crypto.hash_token(token),
            address_sealed=crypto.seal(address.encode(), f"notification:address-change:{change_id}"),
            created_at=now,
            expires_at=now + LIFE,
        )
    )
    write_to_address(address=address, template=Template.ADDRESS_TO_CONFIRM, token=token)
    audit.record("notification:address:ask", by=by, object_type="person", object_id=person_id)


def confirm_change(*, token: str) -> None:
    """Write to the person at their new address from now on, and say so at the one before and in their inbox.

    Works once. Raises `NotFound` (`address-link-unknown`): used, replaced, older than a day, or not one of ours.
    """
    change = db.session.scalar(queries.waiting_change(token).with_for_update())
    if change is None:
        raise NotFound("This link was used, replaced, or is too old.", code="address-link-unknown")
    bind_patient(change.patient_id)
    before = [
        address for address, reader in queries.list_addresses(change.patient_id).items() if reader == change.person_id
    ]
    _write_down(change.person_id, queries.address_of_change(change))
    _close(AddressChange.id == change.id)
    for address in before:
        write_to_address(address=address, template=Template.ADDRESS_CHANGED)
    _tell(change.patient_id, f"notification.address-changed:{change.id}")
    audit.record("notification:address:confirm", by=SYSTEM, object_type="person", object_id=change.person_id)


def forget_address(*, person_id: UUID, patient_id: UUID, by: Actor) -> None:
    """Go back to the address that the person's provider gives. The transaction is bound to the patient they are."""
    chosen = db.session.scalar(
        sa.delete(Address).where(Address.person_id == person_id).returning(Address.address_sealed)
    )
    _close(AddressChange.person_id == person_id)
    if chosen is None:
        return
    address = crypto.unseal(chosen, f"notification:address:{person_id}").decode()
    write_to_address(address=address, template=Template.ADDRESS_CHANGED)
    _tell(patient_id)
    audit.record("notification:address:forget", by=by, object_type="person", object_id=person_id)


def _write_down(person_id: UUID, address: str) -> None:
    sealed = crypto.seal(address.encode(), f"notification:address:{person_id}")
    new = insert(Address).values(person_id=person_id, address_sealed=sealed, confirmed_at=clock.now())
    present = {"address_sealed": new.excluded.address_sealed, "confirmed_at": new.excluded.confirmed_at}
    db.session.execute(new.on_conflict_do_update(index_elements=["person_id"], set_=present))


def _close(which: sa.ColumnElement[bool]) -> None:
    waiting = sa.update(AddressChange).where(which, AddressChange.closed_at.is_(None))
    db.session.execute(waiting.values(closed_at=clock.now()))


def _tell(patient_id: UUID, key: str = "") -> None:
    notify(
        patient_id=patient_id,
        kind="notification.address-changed",
        title="L’adresse de vos courriels a changé",
        body="Les courriels qui annoncent vos messages partent désormais à une autre adresse. Si vous n’êtes pas à "
        "l’origine de ce changement, choisissez de nouveau votre adresse.",
        link="/espace/parametres/notifications",
        by=SYSTEM,
        key=key,
    )
