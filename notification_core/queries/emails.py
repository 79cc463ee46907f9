"""Reads of e-mails: those that wait, those of one address, the links that confirm an address."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from notification_core.models import AddressChange, Email
from notification_core.rules import Parcel, Template, write_letter
from notification_core.rules.limits import GIVEN_UP_AFTER, Recent
from platform_core import clock, config, crypto
from platform_core.database import db


@dataclass(frozen=True, slots=True)
class EmailView:
    recipient: str
    subject: str
    body: str
    created_at: datetime
    sent_at: datetime | None
    refused_at: datetime | None


@dataclass(frozen=True, slots=True)
class EmailCounts:
    """E-mails of the last thirty days: handed over, waiting, refused for good."""

    sent: int
    waiting: int
    refused: int


def list_emails(limit: int = 100) -> Sequence[EmailView]:
    """The newest e-mails, their recipients unsealed: for the development mailbox."""
    newest = sa.select(Email).order_by(Email.created_at.desc(), Email.id.desc()).limit(limit)
    found = [(email, parcel_of(email)) for email in db.session.scalars(newest)]
    return [
        EmailView(
            parcel.recipient,
            parcel.letter.subject,
            parcel.letter.text,
            email.created_at,
            email.sent_at,
            email.refused_at,
        )
        for email, parcel in found
    ]


def parcel_of(email: Email) -> Parcel:
    """An e-mail as it is handed over: its recipient and the token of its link unsealed, its words written."""
    recipient = crypto.unseal(email.recipient_sealed, f"notification:recipient:{email.id}").decode()
    sealed = email.token_sealed
    token = crypto.unseal(sealed, f"notification:token:{email.id}").decode() if sealed else ""
    letter = write_letter(Template(email.template), base_url=config.current().base_url, token=token)
    return Parcel(email.id, recipient, letter)


def address_lookup(address: str) -> bytes:
    """The keyed hash by which the e-mails of one address are counted."""
    return crypto.lookup_hash(f"notification|{address.casefold()}")


def count_recent(lookup: bytes) -> Recent:
    """What an address was sent of late, and whether it takes e-mails at all."""
    mine, now = Email.recipient_lookup == lookup, clock.now()
    last_hour = sa.func.count().filter(Email.created_at > now - timedelta(hours=1))
    counted = sa.select(last_hour, sa.func.count()).where(mine, Email.created_at > now - timedelta(days=1))
    hour, day = db.session.execute(counted).one()
    last = sa.select(Email.sent_at).where(mine, sa.or_(Email.sent_at.is_not(None), Email.refused_at.is_not(None)))
    outcomes = db.session.scalars(last.order_by(Email.created_at.desc(), Email.id.desc()).limit(GIVEN_UP_AFTER)).all()
    sent = [at is not None for at in outcomes]
    return Recent(hour, day, sent.index(True) if True in sent else len(sent))


def count_emails() -> EmailCounts:
    """How e-mails fare: for those who run the platform."""
    refused, sent = Email.refused_at.is_not(None), Email.sent_at.is_not(None)
    waiting = sa.not_(sa.or_(refused, sent))
    count = sa.func.count()
    row = db.session.execute(sa.select(count.filter(sent), count.filter(waiting), count.filter(refused))).one()
    return EmailCounts(*row)


def find_waiting_change(token: str) -> UUID | None:
    """The change of address that a link confirms; None when it was used, replaced, or is more than a day old."""
    return db.session.scalar(waiting_change(token).with_only_columns(AddressChange.id))


def waiting_change(token: str) -> sa.Select[AddressChange]:
    """The statement that finds the change of address that a link confirms."""
    return sa.select(AddressChange).where(
        AddressChange.token_hash == crypto.hash_token(token),
        AddressChange.closed_at.is_(None),
        AddressChange.expires_at > clock.now(),
    )


def address_of_change(change: AddressChange) -> str:
    return crypto.unseal(change.address_sealed, f"notification:address-change:{change.id}").decode()
