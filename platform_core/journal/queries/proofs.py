"""The verification of the journal: rows, batches and exported roots against one another."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from platform_core import clock, signing
from platform_core.database import db
from platform_core.journal import rules
from platform_core.journal.models import JournalBatch, JournalEntry
from platform_core.journal.service import RETENTION, export_path


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
