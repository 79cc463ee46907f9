"""Data calls made as the guard makes them: read the facts, decide, open the windows, commit."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Flask

from consent import queries
from consent.queries import ConsentState
from consent.rules.decision import decide
from consent.rules.facts import ConsentFacts, read_items
from consent.service.windows import open_windows
from consent.workflow import Status
from platform_core.access import Access
from platform_core.database import db, transaction
from platform_core.errors import DomainError
from tests.consent.builders import READ, WEIGHT

_ITEMS = sa.text(
    "SELECT to_jsonb(i) || coalesce(to_jsonb(u), '{}') AS item FROM consent_item i"
    " LEFT JOIN consent_usage u USING (patient_id, consent_id, category, access) WHERE i.consent_id = :grant"
)
_CONSENT = sa.text("SELECT status, valid_until, presence_until FROM consent_consent WHERE id = :grant")


def load_facts(patient_id: UUID, grant_id: UUID) -> ConsentFacts:
    """The facts as the database gives them to the guard, inside a transaction bound to the patient."""
    row = db.session.execute(_CONSENT, {"grant": grant_id}).one()
    items: Any = db.session.execute(_ITEMS, {"grant": grant_id}).scalars()
    return ConsentFacts(
        grant_id, patient_id, Status(row.status), row.valid_until, row.presence_until, read_items(items)
    )


def call(patient_id: UUID, grant_id: UUID, *categories: str, now: datetime, access: Access = READ) -> tuple[str, ...]:
    """One data call; returns the windows that it opened."""
    with transaction(patient_id=patient_id):
        facts = load_facts(patient_id, grant_id)
        decision = decide(facts, categories or [WEIGHT], access, now=now)
        if decision.to_open:
            open_windows(facts=facts, categories=decision.to_open, access=access, now=now)
        return decision.to_open


def state_of(patient_id: UUID, grant_id: UUID, now: datetime | None = None) -> ConsentState:
    with transaction(patient_id=patient_id):
        return queries.get_state(patient_id, grant_id, now)


def in_parallel(app: Flask, count: int, act: Callable[[], object]) -> list[object]:
    """Run the act in so many threads, eight at a time let go together; gives results, or the codes of refusals."""
    gate = threading.Barrier(min(count, 8))

    def run(number: int) -> object:
        with app.app_context():
            if number < 8:
                gate.wait()
            try:
                return act()
            except DomainError as refusal:
                return refusal.code

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(run, range(count)))
