"""Reads for the batch role: which consents a cross-patient task must look at."""

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from platform_core import clock
from platform_core.database import db


@dataclass(frozen=True, slots=True)
class Due:
    """A consent for a cross-patient task to look at."""

    patient_id: UUID
    grant_id: UUID
    reason: str = ""


_EXPIRED = sa.text(
    """
    SELECT patient_id, id, 'date' FROM consent_consent
    WHERE status IN ('active', 'paused') AND valid_until <= :now
    UNION
    SELECT patient_id, id, 'date' FROM consent_clock JOIN consent_consent USING (client_pk, patient_id)
    WHERE status IN ('active', 'paused') AND valid_until <= :now + make_interval(secs => offset_seconds)
    UNION
    SELECT consent.patient_id, consent.id, 'exhausted'
    FROM consent_usage AS used
    JOIN consent_consent AS consent ON (consent.patient_id, consent.id) = (used.patient_id, used.consent_id)
    LEFT JOIN consent_clock AS ahead
        ON (ahead.client_pk, ahead.patient_id) = (consent.client_pk, consent.patient_id)
    WHERE used.once_until IS NOT NULL AND consent.status IN ('active', 'paused') AND NOT EXISTS (
        SELECT FROM consent_item AS item LEFT JOIN consent_usage USING (patient_id, consent_id, category, access)
        WHERE (item.patient_id, item.consent_id) = (used.patient_id, used.consent_id) AND (
            item.periodicity_kind <> 'once' OR consent_usage.once_until IS NULL
            OR consent_usage.once_until > :now + make_interval(secs => coalesce(ahead.offset_seconds, 0))
        )
    )
    LIMIT :limit
    """
)


def list_expired(limit: int = 500) -> list[Due]:
    """Live consents whose end has passed (`date`) or whose every item is used up (`exhausted`). For the batch role."""
    return [Due(*row) for row in db.session.execute(_EXPIRED, {"now": clock.now(), "limit": limit})]
