"""Reads: the consent as it stands, what a patient has granted, its versions and history, what is due."""

from consent.queries.cascades import (
    Batch,
    CascadeView,
    count_live,
    find_batch,
    list_cascades,
    list_decided,
    list_recent_cascades,
)
from consent.queries.due import Due, list_expired
from consent.queries.histories import (
    Refusal,
    VersionView,
    find_broken_event,
    get_version,
    list_events,
    list_listing_notes,
    list_refused,
    list_versions,
)
from consent.queries.states import (
    FROZEN,
    ConsentState,
    ItemState,
    consent_time,
    find_live,
    find_patient_of_grant,
    get_state,
    is_listed,
    list_states,
)

__all__ = [
    "FROZEN",
    "Batch",
    "CascadeView",
    "ConsentState",
    "Due",
    "ItemState",
    "Refusal",
    "VersionView",
    "consent_time",
    "count_live",
    "find_batch",
    "find_broken_event",
    "find_live",
    "find_patient_of_grant",
    "get_state",
    "get_version",
    "is_listed",
    "list_cascades",
    "list_decided",
    "list_events",
    "list_expired",
    "list_listing_notes",
    "list_recent_cascades",
    "list_refused",
    "list_states",
    "list_versions",
]
