"""What is done to a document that is filed: each act checks who may, writes a version, and tells it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from dmp_core.categories import DOCUMENT_KINDS
from dmp_core.models.documents import DocumentRow, StoredDocument
from dmp_core.queries import documents as queries
from dmp_core.rules.documents.visibility import Viewer, ViewerKind, is_visible
from dmp_core.service.documents.storing import APPS, keep_versions
from dmp_core.workflow import DocumentAct, DocumentRole, DocumentState, apply
from platform_core import audit, clock, events
from platform_core.access import SYSTEM, Actor, ActorKind
from platform_core.database import db, run
from platform_core.events import ContributionsChoice, DataChanged
from platform_core.fhir.search import ANY_TIME
from platform_core.fhir.versions import check_version

_LOCK = "SELECT 1 FROM dmp_document WHERE patient_id = %(patient)s AND id = %(id)s FOR UPDATE"
_EFFECTS: Mapping[DocumentAct, Mapping[str, bool]] = {
    DocumentAct.ARCHIVE: {"archived": True},
    DocumentAct.UNARCHIVE: {"archived": False},
    DocumentAct.MASK: {"masked": True},
    DocumentAct.UNMASK: {"masked": False},
    DocumentAct.WITHHOLD: {"invisible_to_patient": True},
    DocumentAct.ANNOUNCE: {"invisible_to_patient": False},
    DocumentAct.HIDE: {"invisible_to_representatives": True},
    DocumentAct.UNHIDE: {"invisible_to_representatives": False},
}
_PATIENTS = frozenset({ActorKind.PATIENT, ActorKind.REPRESENTATIVE})


def perform(
    act: DocumentAct,
    *,
    patient_id: UUID,
    document_id: UUID,
    by: Actor,
    viewer: Viewer | None = None,
    version: int | None = None,
) -> DocumentRow:
    """Do one act to a document; what is so already stays as it is. Gives the document as it became.

    `viewer` says in what quality `by` comes (by default, that of a reader of the pages); `version` is the one that they
    believe in. Raises `NotFound`, `VersionMismatch`, `Forbidden` (`not-author`), `Conflict`.
    """
    looking = viewer or Viewer.of(by)
    run(_LOCK, {"patient": patient_id, "id": document_id})
    before = queries.get_document(patient_id=patient_id, document_id=document_id, viewer=looking)
    check_version(version, before.version)
    state = apply(DocumentState(before.state), act, _roles(before, patient_id, by, looking))
    return _move(patient_id, before, act, state, by)


def delete_document(*, patient_id: UUID, document_id: UUID, by: Actor) -> DocumentRow:
    """Take a document back, as its author: it is kept, and shown to nobody any more. See `perform`."""
    return perform(DocumentAct.DELETE, patient_id=patient_id, document_id=document_id, by=by)


def archive_document(*, patient_id: UUID, document_id: UUID, by: Actor) -> DocumentRow:
    """Put a document away: lists leave it out unless asked. See `perform`."""
    return perform(DocumentAct.ARCHIVE, patient_id=patient_id, document_id=document_id, by=by)


def unarchive_document(*, patient_id: UUID, document_id: UUID, by: Actor) -> DocumentRow:
    """Bring a document back among the others. See `perform`."""
    return perform(DocumentAct.UNARCHIVE, patient_id=patient_id, document_id=document_id, by=by)


def mask_document(*, patient_id: UUID, document_id: UUID, by: Actor) -> DocumentRow:
    """Hide a document from professionals and apps. See `perform`."""
    return perform(DocumentAct.MASK, patient_id=patient_id, document_id=document_id, by=by)


def unmask_document(*, patient_id: UUID, document_id: UUID, by: Actor) -> DocumentRow:
    """Show a document to professionals and apps again. See `perform`."""
    return perform(DocumentAct.UNMASK, patient_id=patient_id, document_id=document_id, by=by)


def withhold_document(*, patient_id: UUID, document_id: UUID, by: Actor) -> DocumentRow:
    """Keep a document from the patient until it is announced to them. See `perform`."""
    return perform(DocumentAct.WITHHOLD, patient_id=patient_id, document_id=document_id, by=by)


def announce_document(*, patient_id: UUID, document_id: UUID, by: Actor) -> DocumentRow:
    """Show the patient a document that was told to them. See `perform`."""
    return perform(DocumentAct.ANNOUNCE, patient_id=patient_id, document_id=document_id, by=by)


def hide_document(*, patient_id: UUID, document_id: UUID, by: Actor) -> DocumentRow:
    """Hide a document from those who represent the patient. See `perform`."""
    return perform(DocumentAct.HIDE, patient_id=patient_id, document_id=document_id, by=by)


def unhide_document(*, patient_id: UUID, document_id: UUID, by: Actor) -> DocumentRow:
    """Show a document to those who represent the patient again. See `perform`."""
    return perform(DocumentAct.UNHIDE, patient_id=patient_id, document_id=document_id, by=by)


def withdraw_documents(*, patient_id: UUID, author_id: UUID, choice: ContributionsChoice) -> int:
    """Do with every document of an author as the patient chose; returns how many changed.

    `keep` shows again what was masked; `delete` ends there: nobody sees it any more.
    """
    act = _CHOICES[choice]
    viewer = Viewer(ViewerKind.AUTHOR, author_id)
    sought = queries.Sought(patient_id, viewer, dict.fromkeys(DOCUMENT_KINDS, ANY_TIME))
    changed = 0
    for row in queries.search_documents(sought, limit=None):
        state = apply(DocumentState(row.state), act, {DocumentRole.PATIENT})
        changed += _move(patient_id, row, act, state, SYSTEM).version > row.version
    return changed


_CHOICES = {
    ContributionsChoice.KEEP: DocumentAct.UNMASK,
    ContributionsChoice.MASK: DocumentAct.MASK,
    ContributionsChoice.DELETE: DocumentAct.WITHDRAW,
}


def _roles(row: DocumentRow, patient_id: UUID, by: Actor, viewer: Viewer) -> frozenset[DocumentRole]:
    """What `by` is to the document. What a patient filed by hand is theirs, also for who represents them."""
    roles = set()
    if by.kind in _PATIENTS:
        roles.add(DocumentRole.PATIENT)
    if by.kind is ActorKind.PROFESSIONAL:
        roles.add(DocumentRole.PROFESSIONAL)
    if row.author_id is not None and row.author_id == (patient_id if by.kind in _PATIENTS else viewer.id):
        roles.add(DocumentRole.AUTHOR)
    return frozenset(roles)


def _move(patient_id: UUID, before: DocumentRow, act: DocumentAct, state: DocumentState, by: Actor) -> DocumentRow:
    """The one writer of a document that is filed: its state or what the act changes, a version, what is told."""
    effects: dict[str, Any] = {"state": state, **_EFFECTS.get(act, {})}
    if all(getattr(before, name) == value for name, value in effects.items()):
        return before
    now = clock.now()
    if act is DocumentAct.ANNOUNCE:
        effects |= {"announced_at": now, "announced_by": by.name}
    effects |= {"version": before.version + 1, "entry_id": uuid4(), "updated_at": now}
    after = before._replace(**effects)
    this = (StoredDocument.patient_id == patient_id, StoredDocument.id == before.id)
    db.session.execute(sa.update(StoredDocument).where(*this).values(**effects))
    keep_versions([{**after._asdict(), "patient_id": patient_id}], act, by=by, at=now)
    audit.record(f"dmp:document:{act}", by=by, object_type="document", object_id=before.id)
    _tell(patient_id, before, after)
    return after


def _tell(patient_id: UUID, before: DocumentRow, after: DocumentRow) -> None:
    """To apps, what they may no longer see is gone; of what they never saw, they hear nothing."""
    seen, sees = is_visible(before, APPS), is_visible(after, APPS)
    if seen or sees:
        category, operation = DOCUMENT_KINDS[after.kind].category, "update" if sees else "delete"
        events.publish(DataChanged(category, patient_id, f"DocumentReference/{after.id}", after.version, operation))
