"""Tables of the consent, of the questions put to patients, and of what follows from the journal of accesses."""

from consent.models.accesses import AccessReport, AccessReportEvent, ContestedAccess, UnusualUse, Watch
from consent.models.consents import (
    Cascade,
    Consent,
    ConsentClock,
    ConsentEvent,
    ConsentItem,
    ConsentReceipt,
    ConsentRequest,
    ConsentSilence,
    ConsentUsage,
    ConsentVersion,
    Erasure,
    Exclusion,
)
from consent.models.notices import Announcement, AppEvent

__all__ = [
    "AccessReport",
    "AccessReportEvent",
    "Announcement",
    "AppEvent",
    "Cascade",
    "Consent",
    "ConsentClock",
    "ConsentEvent",
    "ConsentItem",
    "ConsentReceipt",
    "ConsentRequest",
    "ConsentSilence",
    "ConsentUsage",
    "ConsentVersion",
    "ContestedAccess",
    "Erasure",
    "Exclusion",
    "UnusualUse",
    "Watch",
]
