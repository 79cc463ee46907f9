"""The verification of consents: chains, versions, items and receipts against one another and the exported heads."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from joserfc.jwk import ECKey

from consent.models import Consent, ConsentEvent, ConsentItem, ConsentReceipt, ConsentVersion
from consent.queries.receipts import check_signed, public_keys
from consent.rules import chain, receipts
from platform_core import config
from platform_core.database import db
from platform_core.permission import PermissionItem

Heads = Mapping[str, Mapping[int, str]]
_FIRST = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault: in which consent, table and row."""

    consent: str
    table: str
    row: str
    fault: str


def export_path() -> Path:
    """The file, outside the database, that holds the hash of every event."""
    return config.current().data_dir / "journal" / "consents.jsonl"


def verify() -> Iterator[Finding]:
    """Compare every consent with itself and with the exported heads; yields what was tampered with.

    Runs under the batch role.
    """
    (heads, gone), keys, seen = _read_heads(), public_keys(), set()
    for consent in db.session.scalars(sa.select(Consent).order_by(Consent.id).execution_options(yield_per=500)):
        seen.add(str(consent.id))
        if str(consent.id) in gone:
            continue
        yield from _Check(consent, heads.get(str(consent.id), {}), keys).faults()
    for missing in sorted(heads.keys() - seen - gone):
        yield Finding(missing, "consent_consent", missing, "the row was removed")


class _Check:
    """One consent and all its rows."""

    def __init__(self, consent: Consent, heads: Mapping[int, str], keys: Mapping[str, ECKey]) -> None:
        self.consent, self.keys = consent, keys
        self.events = {event["sequence"]: event for event in self._rows(ConsentEvent)}
        self.versions = {version["version"]: version for version in self._rows(ConsentVersion)}
        self.receipts = {receipt["number"]: receipt for receipt in self._rows(ConsentReceipt)}
        self.told = {number: self._told(receipt["jws"]) for number, receipt in self.receipts.items()}
        signed = {n: told["event"]["chain_sha256"] for n, told in self.told.items() if told}
        self.heads = {**signed, **heads}

    def faults(self) -> Iterator[Finding]:
        yield from self._events()
        yield from self._receipts()
        yield from self._versions()
        yield from self._items()
        yield from self._state()

    def _events(self) -> Iterator[Finding]:
        """Each event against its hash, the one before it, and what was exported or signed of it."""
        last = max([self.consent.event_count, *self.heads, *self.events], default=0)
        known = {value: number for number, value in self.heads.items()}
        for number in range(_FIRST, last + 1):
            event = self.events.get(number)
            if event is None:
                yield self._found("event", number, "the row was removed")
                continue
            stored = event["hash"].hex()
            if known.get(stored, number) != number:
                yield self._found("event", number, "the row was moved")
            elif self.heads.get(number, stored) != stored or not self._follows(number, event):
                yield self._found("event", number, "the row was changed")
            elif number > self.consent.event_count:
                yield self._found("event", number, "the row stands after the end of the chain")

    def _follows(self, number: int, event: Mapping[str, Any]) -> bool:
        before = self.events.get(number - 1)
        previous = self.heads.get(number - 1) or (before["hash"].hex() if before else None)
        if number == _FIRST:
            previous = chain.START.hex()
        if previous is None:
            return True
        return chain.event_hash(bytes.fromhex(previous), event) == event["hash"]

    def _receipts(self) -> Iterator[Finding]:
        """Each act that gives a receipt has the one that was signed, and no other."""
        for number, told in sorted(self.told.items()):
            if told is None:
                yield self._found("receipt", number, "the row was changed")
            elif (told["record_id"], told["receipt_number"]) != (str(self.consent.id), number):
                yield self._found("receipt", number, "the row was moved")
            elif number not in self.events:
                continue
            elif told["event"] != receipts.event_part(self.events[number]):
                yield self._found("event", number, "the row differs from its receipt")
        for number, event in self.events.items():
            if event["kind"] in receipts.STATES and number not in self.receipts and self.versions:
                yield self._found("receipt", number, "the row was removed")

    def _versions(self) -> Iterator[Finding]:
        """Each version as its receipts say it."""
        told = {t["pii_processing"]["version"]: t["pii_processing"] for t in self.told.values() if t}
        for number in sorted(told.keys() | self.versions.keys()):
            if number not in self.versions:
                yield self._found("version", number, "the row was removed")
            elif number not in told:
                yield self._found("version", number, "the row was inserted")
            elif told[number] != receipts.processing(self.versions[number]):
                yield self._found("version", number, "the row was changed")

    def _items(self) -> Iterator[Finding]:
        """The items in force are those of the newest version."""
        newest = self.versions.get(self.consent.version)
        if newest is None:
            return
        granted = {_key(item): _terms(item) for item in newest["snapshot"]["items"]}
        present = {(row["category"], row["access"]): _terms(_as_item(row)) for row in self._rows(ConsentItem)}
        for key in sorted(granted.keys() | present.keys()):
            if key not in present:
                yield self._found("item", " ".join(key), "the row was removed")
            elif key not in granted:
                yield self._found("item", " ".join(key), "the row was inserted")
            elif granted[key] != present[key]:
                yield self._found("item", " ".join(key), "the row was changed")

    def _state(self) -> Iterator[Finding]:
        """The consent itself says what its last act left."""
        last = self.events.get(self.consent.event_count)
        end = last["hash"] if last else chain.START
        statuses = [s for _, e in sorted(self.events.items()) if (s := receipts.STATES.get(e["kind"], ("", None))[1])]
        versions = [event["version"] for event in self.events.values()]
        wrong = statuses and (statuses[-1], max(versions)) != (self.consent.status, self.consent.version)
        if wrong or self.consent.event_head != end:
            yield self._found("consent", str(self.consent.id), "the row was changed")

    def _told(self, signed: str) -> dict[str, Any] | None:
        told = check_signed(signed, self.keys).told
        return dict(told) if told else None

    def _rows(self, model: Any) -> list[dict[str, Any]]:
        own = model.patient_id == self.consent.patient_id, model.consent_id == self.consent.id
        return [dict(row) for row in db.session.execute(sa.select(*model.__table__.c).where(*own)).mappings()]

    def _found(self, table: str, row: object, fault: str) -> Finding:
        return Finding(str(self.consent.id), f"consent_{table}", str(row), fault)


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["category"], item["access"]


def _terms(item: Mapping[str, Any]) -> dict[str, Any]:
    return PermissionItem.from_json(item).to_json()


def _as_item(row: Mapping[str, Any]) -> dict[str, Any]:
    recurring = row["periodicity_kind"] == "recurring"
    return {
        "category": row["category"],
        "access": row["access"],
        "data_period": {
            name: day and day.isoformat() for name, day in (("from", row["data_from"]), ("to", row["data_to"]))
        },
        "periodicity": {"max": row["periodicity_max"], "per": row["periodicity_unit"]}
        if recurring
        else {row["periodicity_kind"]: True},
    }


def _read_heads() -> tuple[Heads, set[str]]:
    """What was exported, and the consents that were destroyed with their space; a line cut short, by a process that was
    killed, counts as absent."""
    found: dict[str, dict[int, str]] = defaultdict(dict)
    gone: set[str] = set()
    try:
        lines = export_path().read_text().splitlines()
    except FileNotFoundError:
        return {}, gone
    for text in lines:
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if "destroyed" in line:
            gone.add(line["consent"])
        else:
            found[line["consent"]][line["sequence"]] = line["hash"]
    return found, gone
