"""Reading the journal: a patient's own lines, what batches tell of apps, and the verification of the seals."""

from platform_core.journal.queries.counts import (
    ActiveDay,
    Conduct,
    count_calls,
    last_batch,
    list_active_days,
    list_conduct,
)
from platform_core.journal.queries.entries import (
    DayActivity,
    DayCount,
    JournalFilter,
    Position,
    count_days,
    count_served_days,
    get_entry,
    last_served,
    list_activity,
    list_entries,
    list_people,
)
from platform_core.journal.queries.proofs import Finding, verify

__all__ = [
    "ActiveDay",
    "Conduct",
    "DayActivity",
    "DayCount",
    "Finding",
    "JournalFilter",
    "Position",
    "count_calls",
    "count_days",
    "count_served_days",
    "get_entry",
    "last_batch",
    "last_served",
    "list_active_days",
    "list_activity",
    "list_conduct",
    "list_entries",
    "list_people",
    "verify",
]
