"""Reading the journal: a patient's own lines, and the verification of the seals."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from platform_core import clock, signing
from platform_core.database import db
from platform_core.journal import rules
from platform_core.journal.models import JournalBatch, JournalEntry
from platform_core.journal.service import RETENTION, export_path
from platform_core.pagination import Page


@dataclass(frozen=True, slots=True)
class JournalFilter:
    """What a reader wants to see; None or empty means everything."""

    app_id: UUID | None = None
    grant_id: UUID | None = None
    category: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None


def list_entries(patient_id: UUID, wanted: JournalFilter, *, page: int, size: int = 50) -> Page[Any]:
    """The patient's lines, newest first, as rows of the columns of `core_journal`."""
    query = _matching(sa.select(*JournalEntry.__table__.c), patient_id, wanted)
    total = db.session.scalar(_matching(sa.select(sa.func.count()).select_from(JournalEntry), patient_id, wanted))
    ordered = query.order_by(JournalEntry.occurred_at.desc(), JournalEntry.id.desc())
    rows = db.session.execute(ordered.offset((page - 1) * size).limit(size)).all()
    return Page(rows, page, size, total or 0)


def last_served(patient_id: UUID, grant_ids: Sequence[UUID], *, since: datetime) -> dict[UUID, Any]:
    """For each grant: when it was last served, in which categories, and how many calls were served `since`."""
    ranked = (
        sa.select(
            JournalEntry.grant_id,
            JournalEntry.occurred_at,
            JournalEntry.categories,
            JournalEntry.access,
            sa.func.count()
            .filter(JournalEntry.occurred_at >= since)
            .over(partition_by=JournalEntry.grant_id)
            .label("recent"),
            sa.func.row_number()
            .over(partition_by=JournalEntry.grant_id, order_by=JournalEntry.occurred_at.desc())
            .label("rank"),
        )
        .where(
            JournalEntry.patient_id == patient_id,
            JournalEntry.grant_id.in_(grant_ids),
            JournalEntry.outcome == "served",
        )
        .subquery()
    )
    rows = db.session.execute(sa.select(ranked).where(ranked.c.rank == 1))
    return {row.grant_id: row for row in rows}


def last_batch() -> int:
    """The number of the last sealed batch; 0 when nothing was sealed yet. Made for the batch role."""
    return db.session.scalar(sa.select(sa.func.max(JournalBatch.number))) or 0


_CALLS = sa.text(
    """
    SELECT app_id, (occurred_at AT TIME ZONE 'Europe/Paris')::date AS day, code, count(*) AS calls,
           count(*) FILTER (WHERE outcome = 'served' AND NOT EXISTS (
               SELECT FROM core_journal AS earlier
                WHERE earlier.patient_id = entry.patient_id AND earlier.grant_id = entry.grant_id
                  AND earlier.access = entry.access AND earlier.outcome = 'served'
                  AND earlier.occurred_at BETWEEN entry.occurred_at - interval '15 minutes' AND entry.occurred_at
                  AND (earlier.occurred_at, earlier.id) < (entry.occurred_at, entry.id)
           )) AS synchronisations
      FROM core_journal AS entry
     WHERE batch > :after AND batch <= :until AND app_id IS NOT NULL
     GROUP BY app_id, day, code
    """
)


def count_calls(*, after: int, until: int) -> Sequence[dict[str, Any]]:
    """The calls in the batches `after` < number <= `until`, counted by app, day (Europe/Paris) and code of refusal.

    `synchronisations` are the served ones that follow fifteen minutes without any on the same grant and access. Made
    for the batch role: no patient is in what it gives.
    """
    rows = db.session.execute(_CALLS, {"after": after, "until": until})
    return [dict(row._mapping) for row in rows]


@dataclass(frozen=True, slots=True)
class Conduct:
    """How an app behaved of late. `waited`: one refusal for frequency, then a call that was served; `stopped`: told
    that a consent has ended, it fell silent.
    """

    app_id: UUID
    served: bool
    wrote: bool
    waited: bool
    stopped: bool


_CONDUCT = sa.text(
    """
    SELECT line.app_id,
           bool_or(line.outcome = 'served') AS served,
           bool_or(line.outcome = 'served' AND line.access = 'write' AND line.count > 0) AS wrote,
           bool_or(line.code = :too_often AND next.outcome = 'served'
                   AND last.code IS DISTINCT FROM :too_often) AS waited,
           bool_or(line.code = :ended AND line.occurred_at <= :quiet_since AND NOT EXISTS (
               SELECT FROM core_journal AS later
                WHERE later.patient_id = line.patient_id AND later.grant_id = line.grant_id
                  AND later.occurred_at > line.occurred_at + interval '1 minute'
           ) AND NOT EXISTS (
               SELECT FROM core_journal AS first
                WHERE first.patient_id = line.patient_id AND first.grant_id = line.grant_id
                  AND first.code = :ended AND first.occurred_at < line.occurred_at - interval '1 minute'
           )) AS stopped
      FROM core_journal_batch AS batch
      JOIN core_journal AS line ON line.batch = batch.number
      LEFT JOIN LATERAL (
           SELECT n.outcome FROM core_journal AS n
            WHERE line.code = :too_often AND n.patient_id = line.patient_id AND n.grant_id = line.grant_id
              AND n.access = line.access AND n.categories && line.categories
              AND (n.occurred_at, n.id) > (line.occurred_at, line.id)
            ORDER BY n.occurred_at, n.id LIMIT 1) AS next ON true
      LEFT JOIN LATERAL (
           SELECT p.code FROM core_journal AS p
            WHERE line.code = :too_often AND p.patient_id = line.patient_id AND p.grant_id = line.grant_id
              AND p.access = line.access AND p.categories && line.categories
              AND (p.occurred_at, p.id) < (line.occurred_at, line.id)
            ORDER BY p.occurred_at DESC, p.id DESC LIMIT 1) AS last ON true
     WHERE batch.sealed_at >= :sealed_since AND line.app_id = ANY(:apps)
     GROUP BY line.app_id
    """
)


def list_conduct(apps: Sequence[UUID], *, sealed_since: datetime, quiet_since: datetime) -> Sequence[Conduct]:
    """What these apps did in the batches sealed since an instant; one is silent that has not called `quiet_since`.

    Made for the batch role: no patient is in what it gives.
    """
    given = {"apps": list(apps), "sealed_since": sealed_since, "quiet_since": quiet_since}
    rows = db.session.execute(_CONDUCT, {**given, "too_often": "consent-frequency-exceeded", "ended": "consent-ended"})
    return [Conduct(**row._mapping) for row in rows]


def _matching(query: sa.Select[Any], patient_id: UUID, wanted: JournalFilter) -> sa.Select[Any]:
    conditions: dict[str, Callable[[Any], sa.ColumnElement[bool]]] = {
        "app_id": lambda value: JournalEntry.app_id == value,
        "grant_id": lambda value: JournalEntry.grant_id == value,
        "category": lambda value: JournalEntry.categories.contains([value]),
        "outcome": lambda value: JournalEntry.outcome == value,
        "since": lambda value: JournalEntry.occurred_at >= value,
        "until": lambda value: JournalEntry.occurred_at < value,
    }
    asked = [condition(value) for name, condition in conditions.items() if (value := getattr(wanted, name))]
    return query.where(JournalEntry.patient_id == patient_id, *asked)


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault found by the verification: in which batch, on which row when one can be named."""

    batch: int
    row: str
    fault: str


def verify() -> Iterator[Finding]:
    """Compare every sealed row, batch and exported root; yields what was changed, removed, inserted or cut.

    Runs under the batch role.
    """
    exported = _read_export()
    keys = KeySet([ECKey.import_key(jwk) for jwk in signing.public_jwks("journal", every=True)["keys"]])
    previous, expected = rules.NO_PREVIOUS, 1
    for batch in db.session.scalars(sa.select(JournalBatch).order_by(JournalBatch.number)):
        for missing in range(expected, batch.number):
            yield Finding(missing, "", "the batch is missing")
        yield from _check_batch(batch, previous, exported.pop(batch.number, None), keys)
        previous, expected = batch.chain, batch.number + 1
    yield from _find_strays()
    for number in sorted(exported):
        yield Finding(number, "", "the batch was exported but is no longer in the database")


def _check_batch(batch: JournalBatch, previous: bytes, line: Any, keys: KeySet) -> Iterator[Finding]:
    chain = rules.chain_hash(number=batch.number, size=batch.size, root=batch.root, previous=previous)
    if batch.previous != previous or batch.chain != chain:
        yield Finding(batch.number, "", "the batch does not chain to the one before it")
    try:
        signed = jws.deserialize_compact(batch.signature, keys, algorithms=["ES256"]).payload
    except (JoseError, ValueError):
        signed = None
    if signed != batch.chain:
        yield Finding(batch.number, "", "the signature does not match")
    if line is None:
        yield Finding(batch.number, "", "the batch is not in the exported roots")
    elif (line["chain"], line["sealed_at"]) != (batch.chain.hex(), batch.sealed_at.isoformat()):
        yield Finding(batch.number, "", "the exported root differs from the database")
    if batch.dropped_at is None:
        yield from _check_rows(batch, (line or {}).get("rows"))
    else:
        yield from _check_dropped(batch)


def _check_dropped(batch: JournalBatch) -> Iterator[Finding]:
    """Retention drops whole batches, once their time has come: rows that are gone before it were removed."""
    if batch.dropped_at is None or not batch.sealed_at + RETENTION <= batch.dropped_at <= clock.now():
        yield Finding(batch.number, "", "the batch was dropped before its time")
    for row in db.session.scalars(sa.select(JournalEntry.id).where(JournalEntry.batch == batch.number)):
        yield Finding(batch.number, str(row), "the row was inserted after the sealing")


def _check_rows(batch: JournalBatch, exported: dict[str, str] | None) -> Iterator[Finding]:
    columns = [*(getattr(JournalEntry, name) for name in rules.SEALED_FIELDS), JournalEntry.leaf]
    query = sa.select(*columns).where(JournalEntry.batch == batch.number)
    rows = db.session.execute(query.order_by(JournalEntry.position, JournalEntry.leaf)).all()
    leaves = {str(row.id): rules.leaf_hash(row) for row in rows}
    stored = {str(row.id): bytes(row.leaf or b"") for row in rows}
    sealed = stored if exported is None else {name: bytes.fromhex(leaf) for name, leaf in exported.items()}
    for name, times in Counter(str(row.id) for row in rows).items():
        if name not in sealed or times > 1:
            yield Finding(batch.number, name, "the row was inserted after the sealing")
    for name in sealed.keys() - leaves.keys():
        yield Finding(batch.number, name, "the row was removed")
    changed = {name for name in sealed.keys() & leaves.keys() if not leaves[name] == sealed[name] == stored[name]}
    for name in changed:
        yield Finding(batch.number, name, "the row was changed")
    if leaves.keys() == sealed.keys():
        for name, expected in zip(leaves, sealed, strict=True):
            if name != expected:
                yield Finding(batch.number, name, "the row was moved")
    if len(rows) != batch.size or rules.merkle_root(list(leaves.values()) or [b""]) != batch.root:
        yield Finding(batch.number, "", "the rows do not give the sealed root")


def _find_strays() -> Iterator[Finding]:
    """Rows that say they stand in a batch which does not exist."""
    known = sa.select(JournalBatch.number)
    strays = sa.select(JournalEntry.batch, JournalEntry.id).where(
        JournalEntry.batch.is_not(None), JournalEntry.batch.not_in(known)
    )
    for number, row in db.session.execute(strays):
        yield Finding(number or 0, str(row), "the row stands in a batch that does not exist")


def _read_export() -> dict[int, Any]:
    """The last line of each number. One cut short, by a sealer that was killed, counts as absent."""
    try:
        lines = export_path().read_text().splitlines()
    except FileNotFoundError:
        return {}
    return {line["number"]: line for line in map(_line, lines) if line}


def _line(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
