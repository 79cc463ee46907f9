"""Telling people: a message in their inbox, and an e-mail that says that one waits."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from identity_core import queries as identity
from notification_core import queries
from notification_core.gateway import mailer
from notification_core.models import AgentMessage, Email, Message, Preference
from notification_core.rules import Template, write_letter
from platform_core import clock, config, crypto, outbox
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import Invalid, NotFound
from platform_core.ids import uuid7


def notify(
    *,
    patient_id: UUID,
    kind: str,
    title: str,
    body: str,
    by: Actor,
    link: str = "",
    email: bool = True,
) -> UUID:
    """Write to the inbox of a space and, unless the patient declined it, announce it by e-mail. Returns the id.

    The transaction must be bound to the patient. `kind` is `<package>.<event>`; `link` a local path. The e-mail goes to
    the patient and to those who represent them, and holds nothing of the message.
    """
    message = Message(
        patient_id=patient_id,
        id=uuid7(),
        kind=kind,
        title=title,
        body=body,
        link=_local(link),
        sent_by=by.name,
        created_at=clock.now(),
    )
    db.session.add(message)
    db.session.flush()
    if email and queries.wants_email(patient_id):
        write_to_patient(patient_id=patient_id, template=Template.NEW_MESSAGE)
    return message.id


def notify_agent(
    *,
    agent_id: UUID,
    kind: str,
    title: str,
    body: str,
    by: Actor,
    link: str = "",
    email: bool = True,
) -> UUID:
    """Write to the inbox of an agent and announce it by e-mail. Returns the id. Never about a patient."""
    message = AgentMessage(
        agent_id=agent_id,
        id=uuid7(),
        kind=kind,
        title=title,
        body=body,
        link=_local(link),
        sent_by=by.name,
        created_at=clock.now(),
    )
    db.session.add(message)
    db.session.flush()
    address = identity.find_agent_email(agent_id)
    if email and address:
        _send([address], Template.NEW_AGENT_MESSAGE)
    return message.id


def notify_members(
    *, organisation_id: UUID, roles: Iterable[str], kind: str, title: str, body: str, by: Actor, link: str = ""
) -> None:
    """Notify every agent of an organisation who has one of these roles."""
    for agent_id in identity.list_member_ids(organisation_id, roles):
        notify_agent(agent_id=agent_id, kind=kind, title=title, body=body, by=by, link=link)


def notify_role(*, role: str, kind: str, title: str, body: str, by: Actor, link: str = "") -> None:
    """Notify every agent who has this role, such as all the reviewers."""
    for agent_id in identity.list_agent_ids(role):
        notify_agent(agent_id=agent_id, kind=kind, title=title, body=body, by=by, link=link)


def write_to_patient(*, patient_id: UUID, template: Template) -> None:
    """Send a fixed e-mail to a patient and to those who represent them, without a message in the inbox."""
    _send(identity.list_email_addresses(patient_id), template)


def write_to_address(*, address: str, template: Template) -> None:
    """Send a fixed e-mail to somebody whom the platform may not know yet."""
    _send([address], template)


def mark_read(*, patient_id: UUID, message_id: UUID) -> None:
    """Mark a message of a space as read. Raises `NotFound`."""
    _mark(sa.update(Message).where(Message.patient_id == patient_id, Message.id == message_id), Message.read_at)


def mark_agent_read(*, agent_id: UUID, message_id: UUID) -> None:
    """Mark a message of an agent as read. Raises `NotFound`."""
    mine = sa.update(AgentMessage).where(AgentMessage.agent_id == agent_id, AgentMessage.id == message_id)
    _mark(mine, AgentMessage.read_at)


def choose_email(*, patient_id: UUID, by_email: bool) -> None:
    """Choose whether the messages of a space are announced by e-mail."""
    chosen = insert(Preference).values(patient_id=patient_id, by_email=by_email)
    db.session.execute(chosen.on_conflict_do_update(index_elements=["patient_id"], set_={"by_email": by_email}))


def send_email(*, email_id: UUID) -> None:
    """Hand an e-mail to the mail server, once: a second run waits for the first, and sends only if that one failed.

    An address refused for good is recorded as such. Raises `Unavailable` when the server is away: the outbox insists.
    """
    waiting = sa.select(Email).where(Email.id == email_id, Email.sent_at.is_(None), Email.refused_at.is_(None))
    email = db.session.scalar(waiting.with_for_update())
    if email is None:
        return
    recipient = crypto.unseal(email.recipient_sealed, f"notification:recipient:{email.id}").decode()
    try:
        mailer().send(recipient=recipient, subject=email.subject, body=email.body)
    except Invalid:
        email.refused_at = clock.now()
    else:
        email.sent_at = clock.now()


def _send(addresses: Sequence[str], template: Template) -> None:
    letter = write_letter(template, base_url=config.current().base_url)
    for address in addresses:
        email_id = uuid7()
        db.session.add(
            Email(
                id=email_id,
                recipient_sealed=crypto.seal(address.encode(), f"notification:recipient:{email_id}"),
                subject=letter.subject,
                body=letter.body,
                created_at=clock.now(),
            )
        )
        outbox.enqueue("notification.send_email", email_id)


def _mark(update: sa.Update, read_at: object) -> None:
    marked = db.session.execute(update.values(read_at=sa.func.coalesce(read_at, clock.now())).returning(sa.literal(1)))
    if not marked.first():
        raise NotFound("This message does not exist.")


def _local(link: str) -> str:
    if link and not link.startswith("/"):
        raise ValueError("A message links to a path of this site.")
    return link
