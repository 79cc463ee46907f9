"""Lines of the journal written as the guard writes them, for the tests that read them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from platform_core.access import Actor, ActorKind
from platform_core.database import transaction
from platform_core.ids import uuid7
from platform_core.journal import service as journal
from tests.consent.builders import WEIGHT

APP = UUID("00000000-0000-7000-8000-00000000a001")


def write_line(
    patient_id: UUID,
    *,
    app_id: UUID | None = APP,
    name: str = "Balance+",
    by: Actor | None = None,
    code: str = "",
    access: str = "read",
    categories: Sequence[str] = (WEIGHT,),
    count: int = 3,
    grant_id: UUID | None = None,
    request_id: str = "request-1",
    resources: list[UUID] | None = None,
) -> None:
    """One call of an app, or of `by`; refused when it has a `code`."""
    with transaction(patient_id=patient_id):
        journal.record(
            journal.Entry(
                patient_id=patient_id,
                actor=by or Actor(ActorKind.APPLICATION, app_id, name),
                interaction="search" if access == "read" else "create",
                resource="Observation",
                access=access,
                outcome=journal.REFUSED if code else journal.SERVED,
                request_id=request_id,
                categories=list(categories),
                count=0 if code else count,
                code=code,
                app_id=None if by else app_id,
                grant_id=grant_id,
                resources=resources,
            )
        )


def fill_journal(owner: sa.Engine, patient_id: UUID, *, lines: int, until: datetime) -> None:
    """So many lines of that patient, one a minute up to an instant, and some of others beside them."""
    with owner.begin() as connection:
        connection.execute(
            sa.text(
                """
                INSERT INTO core_journal (patient_id, id, occurred_at, actor_kind, actor_id, actor_name, app_id,
                    interaction, resource, access, categories, count, outcome, code, request_id)
                SELECT CASE WHEN n % 10 = 0 THEN CAST(:other AS uuid) ELSE CAST(:patient AS uuid) END,
                    gen_random_uuid(), :until - n * interval '1 minute', 'application', :app, 'Balance+', :app,
                    'search', 'Observation', 'read', '{measures.body-weight}', 1, 'served', '', 'request-' || n
                FROM generate_series(1, :lines) AS n
                """
            ),
            {"patient": patient_id, "other": uuid7(), "app": APP, "until": until, "lines": lines},
        )
        connection.execute(sa.text("ANALYZE core_journal"))
