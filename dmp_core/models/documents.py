"""Documents, their versions and the sets they were submitted in."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSON
from sqlalchemy.orm import Mapped, mapped_column

from dmp_core.rules.documents.labels import Labels
from dmp_core.workflow import DocumentState
from platform_core.blobs.service import BlobRef
from platform_core.database import Base, one_of


class DocumentRow(NamedTuple):
    """A document as queries bring it; `meta` and `body` are texts ready to be spliced."""

    id: UUID
    entry_id: UUID
    unique_id: str
    version: int
    state: str
    kind: str
    type_code: str
    class_code: str
    confidentiality: str
    masked: bool
    invisible_to_patient: bool
    invisible_to_representatives: bool
    archived: bool
    announced_at: datetime | None
    announced_by: str
    author_person: str
    author_institution: str
    author_specialty: str
    title: str
    media_type: str
    size: int
    sha256: bytes
    blob_name: str
    pdf_a: str
    made_at: datetime
    dated_at: datetime
    effective_at: datetime
    replaces: UUID | None
    author_id: UUID | None
    author_name: str
    source: str
    updated_at: datetime
    meta: str
    body: str

    @property
    def labels(self) -> Labels:
        return Labels(self.confidentiality, self.masked, self.invisible_to_patient, self.invisible_to_representatives)

    @property
    def blob(self) -> BlobRef:
        return BlobRef(self.blob_name, self.size, self.sha256)


class StoredDocument(Base):
    """One document of the record, as it is now: what its DocumentReference says, and where its content lies.

    `id` is the logicalId of XDS: it outlives changes of metadata, each of which draws a new `entry_id` (entryUUID).
    `author_id` and `author_name` tell who wrote it into the record; `author_person` and those that follow, who made it.
    A code whose system is free is kept as `system|code`. `effective_at` is the start of the care, else the creation.
    """

    __tablename__ = "dmp_document"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID]
    unique_id: Mapped[str]
    version: Mapped[int]
    state: Mapped[str]
    kind: Mapped[str]
    type_code: Mapped[str]
    class_code: Mapped[str]
    format: Mapped[str]
    facility: Mapped[str]
    setting: Mapped[str]
    confidentiality: Mapped[str]
    masked: Mapped[bool]
    invisible_to_patient: Mapped[bool]
    invisible_to_representatives: Mapped[bool]
    archived: Mapped[bool]
    announced_at: Mapped[datetime | None]
    announced_by: Mapped[str]
    event_codes: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    author_keys: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    author_person: Mapped[str]
    author_institution: Mapped[str]
    author_specialty: Mapped[str]
    author_role: Mapped[str]
    title: Mapped[str]
    language: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    sha1: Mapped[bytes]
    sha256: Mapped[bytes]
    blob_name: Mapped[str]
    pdf_a: Mapped[str]
    made_at: Mapped[datetime]
    dated_at: Mapped[datetime]
    service_start: Mapped[datetime | None]
    service_end: Mapped[datetime | None]
    effective_at: Mapped[datetime]
    replaces: Mapped[UUID | None]
    submission_id: Mapped[UUID | None]
    folder_ids: Mapped[list[UUID]] = mapped_column(ARRAY(sa.Uuid))
    author_id: Mapped[UUID | None]
    author_name: Mapped[str]
    source: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    meta: Mapped[Any] = mapped_column(JSON)
    body: Mapped[Any] = mapped_column(JSON)

    __table_args__ = (
        one_of("state", "state", DocumentState),
        sa.UniqueConstraint("patient_id", "unique_id"),
        sa.Index("ix_dmp_document_effective", "patient_id", sa.text("effective_at DESC"), sa.text("id DESC")),
        sa.Index("ix_dmp_document_dated", "patient_id", sa.text("dated_at DESC"), sa.text("id DESC")),
        sa.Index(None, "patient_id", "updated_at", "id"),
        sa.Index(None, "blob_name"),
        {"postgresql_partition_by": "HASH (patient_id)"},
    )


class DocumentVersion(Base):
    """What could change of a document, as each version had it: written with the version, never again."""

    __tablename__ = "dmp_document_version"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    document_id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[UUID]
    act: Mapped[str]
    state: Mapped[str]
    confidentiality: Mapped[str]
    masked: Mapped[bool]
    invisible_to_patient: Mapped[bool]
    invisible_to_representatives: Mapped[bool]
    archived: Mapped[bool]
    by_kind: Mapped[str]
    by_name: Mapped[str]
    at: Mapped[datetime]

    __table_args__ = (sa.Index(None, "patient_id", "entry_id"),)


class DocumentSet(Base):
    """A submission set or a folder (IHE MHD List) that came with documents, as it was received."""

    __tablename__ = "dmp_document_set"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    author_id: Mapped[UUID | None]
    source: Mapped[str]
    created_at: Mapped[datetime]
    meta: Mapped[Any] = mapped_column(JSON)
    body: Mapped[Any] = mapped_column(JSON)
