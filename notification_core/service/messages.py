"""Messages in an inbox, that of a space or that of an agent, and the e-mails that announce them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from identity_core import queries as identity
from notification_core import queries
from notification_core.categories import Topic, topic_of
from notification_core.models import AgentMessage, Inbox, Message
from notification_core.rules import Template
from notification_core.service.emails import write_to_address
from notification_core.service.preferences import unsubscription
from platform_core import clock
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import NotFound
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
    key: str = "",
) -> UUID | None:
    """Write to the inbox of a space and announce it by e-mail. Returns the id of the message.

    The transaction must be bound to the patient. `kind` is `<package>.<event>`, declared under a topic
    (`notification_core.categories`); `link` a local path; a blank line in `body` begins a paragraph. With a `key`, a
    space is told once whatever happens: the second time nothing is written and None comes back.

    The e-mail goes to the patient and to each of those who represent them, unless that person declined the topic, and
    holds nothing of the message.
    """
    told = _write(Message, {"patient_id": patient_id}, kind, title, body, by, link, key)
    if told and email:
        _announce(patient_id, topic_of(kind))
    return told


def notify_agent(
    *,
    agent_id: UUID,
    kind: str,
    title: str,
    body: str,
    by: Actor,
    link: str = "",
    email: bool = True,
    key: str = "",
) -> UUID | None:
    """Write to the inbox of an agent and announce it by e-mail, as `notify` does. Never about a patient."""
    told = _write(AgentMessage, {"agent_id": agent_id}, kind, title, body, by, link, key)
    address = identity.find_agent_email(agent_id)
    if told and email and address:
        write_to_address(address=address, template=Template.NEW_AGENT_MESSAGE)
    return told


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
    for address in queries.list_addresses(patient_id):
        write_to_address(address=address, template=template)


def mark_read(*, patient_id: UUID, message_id: UUID) -> None:
    """Mark a message of a space as read. Raises `NotFound`."""
    _mark(Message, Message.patient_id == patient_id, message_id)


def mark_agent_read(*, agent_id: UUID, message_id: UUID) -> None:
    """Mark a message of an agent as read. Raises `NotFound`."""
    _mark(AgentMessage, AgentMessage.agent_id == agent_id, message_id)


def _announce(patient_id: UUID, topic: Topic) -> None:
    """Each person has their own way out of what they may decline; an address shared by two is written to once."""
    if topic is Topic.SECURITY:
        write_to_patient(patient_id=patient_id, template=Template.NEW_SECURITY_MESSAGE)
        return
    for address, person_id in queries.list_addresses(patient_id, topic).items():
        token = unsubscription(patient_id=patient_id, person_id=person_id, topic=topic) if person_id else ""
        write_to_address(address=address, template=Template.NEW_MESSAGE, token=token)


def _write(
    inbox: type[Inbox],
    owner: dict[str, UUID],
    kind: str,
    title: str,
    body: str,
    by: Actor,
    link: str,
    key: str,
) -> UUID | None:
    if link and not link.startswith("/"):
        raise ValueError("A message links to a path of this site.")
    row: dict[str, Any] = {
        **owner,
        "id": uuid7(),
        "kind": kind,
        "title": title,
        "body": body,
        "link": link,
        "sent_by": by.name,
        "created_at": clock.now(),
        "key": key or None,
    }
    new = insert(inbox).values(row)
    once = new.on_conflict_do_nothing(index_elements=[*owner, "key"], index_where=inbox.key.is_not(None))
    told: UUID | None = db.session.scalar(once.returning(inbox.id))
    return told


def _mark(inbox: type[Inbox], mine: sa.ColumnElement[bool], message_id: UUID) -> None:
    read = sa.update(inbox).where(mine, inbox.id == message_id)
    marked = db.session.execute(
        read.values(read_at=sa.func.coalesce(inbox.read_at, clock.now())).returning(sa.literal(1))
    )
    if not marked.first():
        raise NotFound("This message does not exist.")
