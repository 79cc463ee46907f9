"""Writing the journal, and sealing it: one sealer at a time numbers what is committed; a late row waits."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import sqlalchemy as sa

from platform_core import clock, config, signing
from platform_core.access import Actor
from platform_core.database import db, run
from platform_core.ids import uuid7
from platform_core.journal import rules
from platform_core.journal.models import JournalBatch, JournalEntry

RETENTION = timedelta(days=3 * 366)
"""Three years, and the days that leap years may add."""

SERVED, REFUSED = "served", "refused"
_SEALER_LOCK = 0x454E534A
_INSERT = """
    INSERT INTO core_journal (patient_id, id, occurred_at, actor_kind, actor_id, actor_name, on_behalf_of, app_id,
        grant_id, interaction, resource, access, categories, count, outcome, code, request_id, resources)
    VALUES (%(patient_id)s, %(id)s, %(occurred_at)s, %(actor_kind)s, %(actor_id)s, %(actor_name)s, %(on_behalf_of)s,
        %(app_id)s, %(grant_id)s, %(interaction)s, %(resource)s, %(access)s, %(categories)s, %(count)s, %(outcome)s,
        %(code)s, %(request_id)s, %(resources)s)"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal.

    `count` is the number of resources; `code` the stable code of a refusal, or in what quality a professional came;
    `resources` the ids that were touched, when they are few and their category can tell what they are.
    """

    patient_id: UUID
    actor: Actor
    interaction: str
    resource: str
    access: str
    outcome: str
    request_id: str
    categories: list[str] = field(default_factory=list)
    count: int = 0
    code: str = ""
    app_id: UUID | None = None
    grant_id: UUID | None = None
    resources: list[UUID] | None = None


def record(entry: Entry) -> None:
    """Write one line in the present transaction, which must be bound to the patient."""
    run(
        _INSERT,
        {
            "patient_id": entry.patient_id,
            "id": uuid7(),
            "occurred_at": clock.now(),
            "actor_kind": str(entry.actor.kind),
            "actor_id": entry.actor.id,
            "actor_name": entry.actor.name,
            "on_behalf_of": entry.actor.on_behalf_of,
            "app_id": entry.app_id,
            "grant_id": entry.grant_id,
            "interaction": entry.interaction,
            "resource": entry.resource,
            "access": entry.access,
            "categories": entry.categories,
            "count": entry.count,
            "outcome": entry.outcome,
            "code": entry.code,
            "request_id": entry.request_id,
            "resources": entry.resources,
        },
    )


def seal_batch(*, most: int = 10_000) -> int:
    """Seal the committed rows that wait, as one batch; returns how many (0: nothing waited, or another sealer works).

    Runs under the batch role. The root, its leaves and its signature are also appended to a file outside the
    database, which `verify` compares with.
    """
    if not db.session.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_SEALER_LOCK))):
        return 0
    columns = [getattr(JournalEntry, name) for name in rules.SEALED_FIELDS]
    waiting = sa.select(*columns).where(JournalEntry.batch.is_(None)).order_by(JournalEntry.id).limit(most)
    rows = db.session.execute(waiting).all()
    if not rows:
        return 0
    last = db.session.scalars(sa.select(JournalBatch).order_by(JournalBatch.number.desc()).limit(1)).one_or_none()
    number, previous = (last.number + 1, last.chain) if last else (1, rules.NO_PREVIOUS)
    leaves = [rules.leaf_hash(row) for row in rows]
    root = rules.merkle_root(leaves)
    chain = rules.chain_hash(number=number, size=len(rows), root=root, previous=previous)
    batch = JournalBatch(
        number=number,
        sealed_at=clock.now(),
        size=len(rows),
        root=root,
        previous=previous,
        chain=chain,
        signature=signing.sign_bytes("journal", "ES256", chain),
    )
    db.session.add(batch)
    _number_rows(rows, leaves, number)
    _export(batch, [str(row.id) for row in rows], leaves)
    return len(rows)


def drop_batches(*, most: int = 100) -> int:
    """Erase the rows of the batches sealed longer ago than the retention, whole batches at a time; returns how many.

    Their roots stay, so that the chain still holds. Runs under the batch role.
    """
    old = sa.select(JournalBatch).where(
        JournalBatch.dropped_at.is_(None), JournalBatch.sealed_at <= clock.now() - RETENTION
    )
    batches = db.session.scalars(old.order_by(JournalBatch.number).limit(most)).all()
    numbers = [batch.number for batch in batches]
    db.session.execute(sa.delete(JournalEntry).where(JournalEntry.batch.in_(numbers)))
    for batch in batches:
        batch.dropped_at = clock.now()
    return len(batches)


def _number_rows(rows: Sequence[sa.Row[Any]], leaves: list[bytes], number: int) -> None:
    statement = (
        sa.update(sa.inspect(JournalEntry).local_table)  # type: ignore[arg-type]
        .where(JournalEntry.patient_id == sa.bindparam("of_patient"), JournalEntry.id == sa.bindparam("of_id"))
        .values(batch=number, position=sa.bindparam("at"), leaf=sa.bindparam("hash"))
    )
    parameters = [
        {"of_patient": row.patient_id, "of_id": row.id, "at": position, "hash": leaves[position]}
        for position, row in enumerate(rows)
    ]
    db.session.connection().execute(statement, parameters)


def export_path() -> Path:
    """The file, outside the database, that holds every sealed root."""
    return config.current().data_dir / "journal" / "roots.jsonl"


def _export(batch: JournalBatch, ids: list[str], leaves: list[bytes]) -> None:
    """Append the batch to the file before the commit: a batch that then fails to commit is sealed again, and
    the later line of a number is the one that counts."""
    path = export_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    line = {
        "number": batch.number,
        "sealed_at": batch.sealed_at.isoformat(),
        "size": batch.size,
        "root": batch.root.hex(),
        "previous": batch.previous.hex(),
        "chain": batch.chain.hex(),
        "signature": batch.signature,
        "rows": dict(zip(ids, (leaf.hex() for leaf in leaves), strict=True)),
    }
    with path.open("a+b") as file:
        file.write(_after_the_last_line(file) + json.dumps(line).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _after_the_last_line(file: IO[bytes]) -> bytes:
    """What to write before a new line: a sealer killed in the middle of one left it without its end."""
    if file.seek(0, os.SEEK_END) == 0:
        return b""
    file.seek(-1, os.SEEK_END)
    return b"" if file.read(1) == b"\n" else b"\n"
