"""Telling people: a message in their inbox, an e-mail that says that one waits, and what they chose about both."""

from notification_core.service.emails import write_to_address
from notification_core.service.messages import (
    mark_agent_read,
    mark_read,
    notify,
    notify_agent,
    notify_members,
    notify_role,
    write_to_patient,
)

__all__ = [
    "mark_agent_read",
    "mark_read",
    "notify",
    "notify_agent",
    "notify_members",
    "notify_role",
    "write_to_address",
    "write_to_patient",
]
