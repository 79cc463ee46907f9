"""Entries that an app writes, changes, or takes back."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import sqlalchemy as sa

from dmp_core.fhir.entries import EntryRenderer
from dmp_core.models.entries import EntryRow, StoredEntry
from dmp_core.queries import entries as queries
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.rules.entries.kinds import KINDS, EntryKind, kind_of
from dmp_core.rules.entries.reading import is_written
from dmp_core.service.drafts import Author, check_written
from dmp_core.service.entries.storing import judge, replace, store
from platform_core import clock
from platform_core.access import Access, DataCall
from platform_core.database import db
from platform_core.errors import Conflict, Fault, Forbidden, NotFound
from platform_core.events import ContributionsChoice, DataChanged, publish
from platform_core.fhir.registry import Resource, Stored
from platform_core.fhir.search import refused
from platform_core.fhir.validation import invalid
from platform_core.fhir.versions import check_version


def add_entry(*, call: DataCall, resource: Resource, criteria: str = "") -> Stored:
    """Store one entry, unless `criteria` (`If-None-Exist`, an identifier) find one that this app wrote.

    Raises `Invalid`, `Forbidden` (`patient-mismatch`, `consent-…`), `TooManyRequests`, or `Conflict` (`duplicate`).
    """
    kind = _kind(resource)
    draft = judge(kind, resource, call.patient_reference)
    permit = call.require([kind.category], Access.WRITE)
    check_written(resource, permit)
    renderer = EntryRenderer(permit)
    if criteria and (found := _find_same(kind, criteria, permit.patient_id, permit.author_id)):
        return renderer.stored(found, created=False)
    (row,) = store([draft], Author.of(permit))
    return renderer.stored(row, created=True)


def change_entry(*, call: DataCall, entry_id: str, resource: Resource, version: int | None) -> Stored:
    """Write the next version of an entry, as its author. `version` is the one believed in (`If-Match`).

    Raises as `add_entry`, and `NotFound`, `VersionMismatch`, `Forbidden` (`not-author`).
    """
    kind = _kind(resource)
    draft = judge(kind, resource, call.patient_reference)
    if resource.get("id", entry_id) != entry_id:
        raise invalid([Fault(f"{kind.resource}.id", "is not the id of the address.", "value")])
    permit = call.require([kind.category], Access.WRITE)
    check_written(resource, permit)
    before = queries.find_entry(
        patient_id=permit.patient_id, entry_id=entry_id, viewer=Viewer.writing(permit.actor), lock=True
    )
    if before is None or before.category != kind.category or before.document_id is not None:
        raise _not_theirs(call, kind, entry_id)
    check_version(version, before.version)
    return EntryRenderer(permit).stored(replace(before, draft, Author.of(permit)), created=False)


def withdraw_entries(*, patient_id: UUID, author_id: UUID, choice: ContributionsChoice) -> int:
    """Do with every entry of an author as the patient chose; returns how many changed. See `withdraw_measures`."""
    values: dict[str, Any]
    among: sa.ColumnElement[bool]
    match choice:
        case ContributionsChoice.KEEP:
            values, among = {"hidden_at": None}, StoredEntry.hidden_at.is_not(None)
        case ContributionsChoice.MASK:
            values, among = {"hidden_at": clock.now()}, StoredEntry.hidden_at.is_(None)
        case ContributionsChoice.DELETE:
            values, among = {"hidden_at": clock.now(), "wrong": True}, sa.true()
    changed = db.session.execute(
        sa.update(StoredEntry)
        .where(StoredEntry.patient_id == patient_id, StoredEntry.author_id == author_id, ~StoredEntry.wrong, among)
        .values(version=StoredEntry.version + 1, updated_at=clock.now(), **values)
        .returning(StoredEntry.id, StoredEntry.category, StoredEntry.version)
        .execution_options(synchronize_session=False)
    ).all()
    operation = "delete" if values["hidden_at"] else "update"
    for identifier, category, version in changed:
        reference = f"{KINDS[category].resource}/{identifier}"
        publish(DataChanged(category, patient_id, reference, version, operation))
    return len(changed)


def _kind(resource: Resource) -> EntryKind:
    kind = kind_of(resource)
    if kind is None or not is_written(kind):
        where = f"{resource.get('resourceType')}.category"
        raise invalid([Fault(where, "is of a kind that no app writes.", "not-supported")])
    return kind


def _not_theirs(call: DataCall, kind: EntryKind, entry_id: str) -> NotFound | Forbidden:
    """Another's entry may be read by the app, which then may know that it is not its own."""
    visible = queries.find_entry(patient_id=call.patient_id, entry_id=entry_id, viewer=Viewer.of(call.actor))
    if visible and visible.category == kind.category and _may_read(call, kind):
        return Forbidden(f"Only its author changes this {kind.resource}.", code="not-author")
    return NotFound(f"There is no {kind.resource} {entry_id}.")


def _may_read(call: DataCall, kind: EntryKind) -> bool:
    try:
        call.require([kind.category], Access.READ)
    except Forbidden:
        return False
    return True


def _find_same(kind: EntryKind, criteria: str, patient_id: UUID, author_id: UUID | None) -> EntryRow | None:
    pairs = parse_qsl(criteria)
    system, bar, value = pairs[0][1].partition("|") if len(pairs) == 1 and pairs[0][0] == "identifier" else ("", "", "")
    if not (bar and system and value):
        raise refused("If-None-Exist", "must hold identifier=<system>|<value>")
    _one_at_a_time(f"{patient_id}:{author_id}:{kind.category}:{criteria}")
    found: Sequence[EntryRow] = queries.list_own_entries(
        patient_id=patient_id, author_id=author_id, category=kind.category, identifier=(system, value)
    )
    if len(found) > 1:
        raise Conflict("Several entries match the criteria of the conditional create.", code="duplicate")
    return found[0] if found else None


def _one_at_a_time(key: str) -> None:
    """Make twins of a conditional create wait for each other until the transaction ends."""
    db.session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(key, 0))))
