"""E-mails: written with the act that they tell of, handed to the mail server after the commit, by a task."""

from datetime import timedelta
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa

from notification_core import queries
from notification_core.gateway import mailer
from notification_core.models import AddressChange, Email
from notification_core.rules import Parcel, Template
from notification_core.rules.letters import OPTIONAL
from notification_core.rules.limits import may_write
from platform_core import clock, crypto, outbox
from platform_core.database import db
from platform_core.errors import Invalid, Unavailable
from platform_core.ids import uuid7

LEASE = timedelta(minutes=2)
"""How long a task may take to hand an e-mail over before another takes it for dead."""

RETENTION = timedelta(days=30)


class Outcome(StrEnum):
    """What the mail server made of an e-mail."""

    SENT = "sent"
    REFUSED = "refused"
    LATER = "later"


def write_to_address(*, address: str, template: Template, token: str = "") -> bool:
    """Write a fixed e-mail to an address, which the platform may not know yet; `token` goes into its link.

    Returns whether it will be sent: not when this address was written to too often of late, or has refused too much.
    """
    lookup = queries.address_lookup(address)
    if not may_write(queries.count_recent(lookup), mandatory=template not in OPTIONAL):
        return False
    email_id = uuid7()
    db.session.add(
        Email(
            id=email_id,
            template=template,
            recipient_sealed=crypto.seal(address.encode(), f"notification:recipient:{email_id}"),
            recipient_lookup=lookup,
            token_sealed=crypto.seal(token.encode(), f"notification:token:{email_id}") if token else None,
            created_at=clock.now(),
        )
    )
    outbox.enqueue("notification.send_email", email_id)
    return True


def take_email(*, email_id: UUID) -> Parcel | None:
    """Take an e-mail to hand it over; None when that was done.

    Raises `Unavailable` while another task holds it: the outbox insists, in case that one dies.
    """
    waiting = sa.select(Email).where(Email.id == email_id, Email.sent_at.is_(None), Email.refused_at.is_(None))
    email = db.session.scalar(waiting.with_for_update())
    if email is None:
        return None
    if email.taken_at and email.taken_at > clock.now() - LEASE:
        raise Unavailable("Another task is handing this e-mail over.")
    email.taken_at = clock.now()
    return queries.parcel_of(email)


def hand_over(parcel: Parcel) -> Outcome:
    """Hand an e-mail to the mail server. No transaction is open meanwhile: a slow server holds no row."""
    try:
        mailer().send(parcel)
    except Invalid:
        return Outcome.REFUSED
    except Unavailable:
        return Outcome.LATER
    return Outcome.SENT


def record_outcome(*, email_id: UUID, outcome: Outcome) -> None:
    """Write what became of an e-mail. One that waits is free to be taken again at once."""
    done = {Outcome.SENT: {"sent_at": clock.now()}, Outcome.REFUSED: {"refused_at": clock.now()}}
    values = done.get(outcome, {"taken_at": None})
    db.session.execute(sa.update(Email).where(Email.id == email_id).values(values))


def delete_old() -> None:
    """Delete the e-mails that are done with, and the links to confirm an address, after thirty days.

    For the batch role.
    """
    limit = clock.now() - RETENTION
    db.session.execute(sa.delete(Email).where(Email.created_at < limit))
    db.session.execute(sa.delete(AddressChange).where(AddressChange.created_at < limit))
