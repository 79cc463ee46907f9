"""Reads: who is written to, where, about what, and how often a digest comes."""

from uuid import UUID

import sqlalchemy as sa

from identity_core import queries as identity
from notification_core.categories import Topic
from notification_core.models import Address, Digest, Preference
from notification_core.rules.limits import DEFAULT_DIGEST
from platform_core import crypto
from platform_core.database import db


def list_addresses(patient_id: UUID, topic: Topic | None = None) -> dict[str, UUID | None]:
    """Where to write about a patient, and who reads it there (None: an address of the list of insured people).

    The patient and each of those whom the law charges with them, at the address they confirmed, else that of their
    provider; with a topic, without those who declined it.
    """
    readers = identity.list_readers(patient_id)
    if not readers:
        return {}
    people = [reader.person_id for reader in readers if reader.person_id]
    chosen = {
        row.person_id: _unsealed(row)
        for row in db.session.scalars(sa.select(Address).where(Address.person_id.in_(people)))
    }
    declined = _who_declined(patient_id, topic) if topic else set()
    found: dict[str, UUID | None] = {}
    for reader in readers:
        address = (chosen.get(reader.person_id) if reader.person_id else None) or reader.address
        if address and reader.person_id not in declined:
            found.setdefault(address, reader.person_id)
    return found


def is_reader(*, patient_id: UUID, person_id: UUID) -> bool:
    """Whether a person is written to about a space, when there is an address to write to."""
    return any(reader.person_id == person_id for reader in identity.list_readers(patient_id))


def find_address(person_id: UUID) -> str | None:
    """The address that a person chose and confirmed; None when they are written to at that of their provider."""
    row = db.session.get(Address, person_id)
    return _unsealed(row) if row else None


def list_declined(*, patient_id: UUID, person_id: UUID) -> frozenset[Topic]:
    """The topics of a space that no e-mail announces to this person."""
    mine = sa.select(Preference.topic).where(
        Preference.patient_id == patient_id, Preference.person_id == person_id, Preference.by_email.is_(False)
    )
    return frozenset(Topic(topic) for topic in db.session.scalars(mine))


def digest_days(patient_id: UUID) -> int:
    """How many days lie between two digests of a space."""
    chosen = db.session.scalar(sa.select(Digest.every_days).where(Digest.patient_id == patient_id))
    return chosen or DEFAULT_DIGEST


def _who_declined(patient_id: UUID, topic: Topic) -> set[UUID | None]:
    declined = sa.select(Preference.person_id).where(
        Preference.patient_id == patient_id, Preference.topic == topic, Preference.by_email.is_(False)
    )
    return set(db.session.scalars(declined))


def _unsealed(row: Address) -> str:
    return crypto.unseal(row.address_sealed, f"notification:address:{row.person_id}").decode()
