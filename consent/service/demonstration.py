"""Consents in numbers, written by the database itself: what batches and measures of scale need, without histories."""

from uuid import UUID

import sqlalchemy as sa

from platform_core import clock
from store.queries.applications import ApplicationView

_CONSENTS = sa.text(
    """
    INSERT INTO consent_consent (
        patient_id, id, app_id, client_pk, environment, app_name, publisher_name, status, version, purpose,
        valid_from, valid_until, closed_at, event_count, event_head
    )
    SELECT CAST(md5(:run || '-patient-' || n) AS uuid), CAST(md5(:run || '-consent-' || n) AS uuid),
        :app_id, :app_id, 'production', :app_name, :publisher_name, mixed.status, 1, 'prevention',
        CAST(:now AS timestamptz) - interval '30 days', CAST(:now AS timestamptz) + interval '300 days',
        CASE WHEN mixed.status IN ('revoked', 'expired') THEN CAST(:now AS timestamptz) END,
        0, decode(repeat('00', 32), 'hex')
    FROM generate_series(CAST(:first AS int), CAST(:last AS int) - 1) AS n
    CROSS JOIN LATERAL (
        SELECT CASE n % 10 WHEN 7 THEN 'paused' WHEN 8 THEN 'revoked' WHEN 9 THEN 'expired' ELSE 'active' END AS status
    ) AS mixed
    """
)
_ITEMS = sa.text(
    """
    INSERT INTO consent_item (
        patient_id, consent_id, category, access, periodicity_kind, periodicity_max, periodicity_unit
    )
    SELECT CAST(md5(:run || '-patient-' || n) AS uuid), CAST(md5(:run || '-consent-' || n) AS uuid),
        'measures.body-weight', access, 'recurring', 4, 'day'
    FROM generate_series(CAST(:first AS int), CAST(:last AS int) - 1) AS n
    CROSS JOIN unnest(ARRAY['read', 'write']) AS access
    """
)


def fill_consents(connection: sa.Connection, *, application: ApplicationView, run: UUID, first: int, last: int) -> None:
    """Write the consents numbered `first` to `last` (excluded) of a run, as the owner of the database.

    Of ten in a row, the eighth is paused, the ninth revoked, the tenth expired. They have no event yet.
    """
    numbers = {"run": str(run), "first": first, "last": last}
    names = {"app_id": application.id, "app_name": application.name, "publisher_name": application.publisher_name}
    connection.execute(_CONSENTS, {**numbers, **names, "now": clock.now()})
    connection.execute(_ITEMS, numbers)
