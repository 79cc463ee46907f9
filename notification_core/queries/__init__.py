"""Reads of the inboxes, of what people chose, and of e-mails. Those of a space need the transaction bound to its
patient.
"""

from notification_core.queries.choices import (
    digest_days,
    find_address,
    is_reader,
    list_addresses,
    list_declined,
)
from notification_core.queries.emails import (
    EmailCounts,
    EmailView,
    address_lookup,
    address_of_change,
    count_emails,
    count_recent,
    find_waiting_change,
    list_emails,
    parcel_of,
    waiting_change,
)
from notification_core.queries.inboxes import (
    PAGE_SIZE,
    MessageView,
    count_agent_unread,
    count_unread,
    list_agent_messages,
    list_messages,
    list_told,
)

__all__ = [
    "PAGE_SIZE",
    "EmailCounts",
    "EmailView",
    "MessageView",
    "address_lookup",
    "address_of_change",
    "count_agent_unread",
    "count_emails",
    "count_recent",
    "count_unread",
    "digest_days",
    "find_address",
    "find_waiting_change",
    "is_reader",
    "list_addresses",
    "list_agent_messages",
    "list_declined",
    "list_emails",
    "list_messages",
    "list_told",
    "parcel_of",
    "waiting_change",
]
