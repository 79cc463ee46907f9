"""Tables of the record: measures and the devices that took them, documents and their versions.

A measure keeps the Observation as text without what each reader sees differently (id, meta, subject, device), so that
it is sent back by splicing. Measures are partitioned by hash of the patient.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSON, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from dmp_core.rules.documents.labels import Labels
from dmp_core.rules.professionals.agreements import AgreementState, Mode
from dmp_core.rules.search.sources import SearchSource, TextState
from dmp_core.workflow import DocumentState
from platform_core.blobs.service import BlobRef
from platform_core.database import Base, one_of, uuid_key


class StoredMeasure(Base):
    """One measure. `value2` is the diastolic pressure; `author_id` and `author_name` tell who wrote it.

    With `hidden_at`, no app and no professional reads it; if it is entered in error too, nobody does: it is deleted.
    """

    __tablename__ = "dmp_measure"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    effective_at: Mapped[datetime]
    value: Mapped[Decimal] = mapped_column(sa.Numeric)
    value2: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    status: Mapped[str]
    device_id: Mapped[UUID | None]
    device_details: Mapped[Any | None] = mapped_column(JSON)
    author_id: Mapped[UUID | None]
    author_name: Mapped[str]
    source: Mapped[str]
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    meta: Mapped[Any] = mapped_column(JSON)
    body: Mapped[Any] = mapped_column(JSON)
    hidden_at: Mapped[datetime | None]

    __table_args__ = (
        sa.Index("ix_dmp_measure_kind_time", "patient_id", "kind", sa.text("effective_at DESC"), sa.text("id DESC")),
        sa.Index(None, "patient_id", "updated_at", "id"),
        {"postgresql_partition_by": "HASH (patient_id)"},
    )


class StoredDevice(Base):
    """A device, known by one identifier within a record."""

    __tablename__ = "dmp_device"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    identifier_system: Mapped[str]
    identifier_value: Mapped[str]
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    meta: Mapped[Any] = mapped_column(JSON)
    body: Mapped[Any] = mapped_column(JSON)

    __table_args__ = (sa.UniqueConstraint("patient_id", "identifier_system", "identifier_value"),)


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


class MeasureRow(NamedTuple):
    """A measure as queries bring it: texts ready to be spliced. The id of a computed one is not a UUID."""

    id: str
    kind: str
    effective_at: datetime
    version: int
    updated_at: datetime
    author_id: str | None
    source: str
    meta: str
    body: str
    device_id: UUID | None
    device_details: str | None


class DeviceRow(NamedTuple):
    """A device as queries bring it."""

    id: UUID
    version: int
    updated_at: datetime
    meta: str
    body: str


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


class StoredEntry(Base):
    """One entry of the record: a vaccination, a reimbursement, a line of the health profile, a result of biology.

    `codes` and `identifiers` are `system|value`. `wrong` says that it was entered in error, `hidden_at` that the
    patient keeps it from all others; `document_id` and `path` name the place of the document where it was read.
    """

    __tablename__ = "dmp_entry"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    category: Mapped[str]
    version: Mapped[int]
    status: Mapped[str]
    wrong: Mapped[bool]
    label: Mapped[str]
    codes: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    identifiers: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    effective_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    value: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    unit: Mapped[str]
    low: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    high: Mapped[Decimal | None] = mapped_column(sa.Numeric)
    interpretation: Mapped[str]
    document_id: Mapped[UUID | None]
    path: Mapped[str]
    hidden_at: Mapped[datetime | None]
    author_id: Mapped[UUID | None]
    author_name: Mapped[str]
    source: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    meta: Mapped[Any] = mapped_column(JSON)
    body: Mapped[Any] = mapped_column(JSON)

    __table_args__ = (
        sa.Index(
            "ix_dmp_entry_category_time", "patient_id", "category", sa.text("effective_at DESC"), sa.text("id DESC")
        ),
        sa.Index(None, "patient_id", "updated_at", "id"),
        sa.Index(None, "patient_id", "document_id"),
        {"postgresql_partition_by": "HASH (patient_id)"},
    )


class SearchText(Base):
    """What the search goes by for one document or entry: its words, and its text sealed under the patient's key."""

    __tablename__ = "dmp_search"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str]
    state: Mapped[str]
    effective_at: Mapped[datetime]
    body: Mapped[bytes]
    lexemes: Mapped[str] = mapped_column(TSVECTOR)

    __table_args__ = (
        one_of("source", "source", SearchSource),
        one_of("state", "state", TextState),
        sa.Index("ix_dmp_search_lexemes", "patient_id", "lexemes", postgresql_using="gin"),
        {"postgresql_partition_by": "HASH (patient_id)"},
    )


class SearchWord(Base):
    """A word of a record, which a misspelt one may stand for. Acts that learn it at once each keep it: none waits."""

    __tablename__ = "dmp_search_word"
    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    word: Mapped[str] = mapped_column(sa.Text(collation="C"), primary_key=True)
    learnt_from: Mapped[UUID] = mapped_column(primary_key=True)

    __table_args__ = ({"postgresql_partition_by": "HASH (patient_id)"},)


_TREATING = "mode = 'treating-doctor' AND state = 'active'"


class Agreement(Base):
    """What opens a record to one professional, until `ends_at`; the motive of an emergency is encrypted."""

    __tablename__ = "dmp_agreement"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = uuid_key()
    professional_id: Mapped[UUID]
    mode: Mapped[str]
    state: Mapped[str]
    ends_at: Mapped[datetime | None]
    motive: Mapped[bytes | None]
    created_at: Mapped[datetime]
    state_changed_at: Mapped[datetime]

    __table_args__ = (
        one_of("mode", "mode", Mode),
        one_of("state", "state", AgreementState),
        sa.CheckConstraint("(mode = 'emergency') = (motive IS NOT NULL)", name="motive"),
        sa.CheckConstraint("(mode = 'treating-doctor') = (ends_at IS NULL)", name="end"),
        sa.Index("uq_dmp_agreement_treating_doctor", "patient_id", unique=True, postgresql_where=sa.text(_TREATING)),
        sa.Index("ix_dmp_agreement_professional", "professional_id", postgresql_where=sa.text("state = 'active'")),
    )


class Block(Base):
    """A professional whom the patient keeps out."""

    __tablename__ = "dmp_block"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    professional_id: Mapped[UUID] = mapped_column(primary_key=True)
    blocked_at: Mapped[datetime]


class AccessChoice(Base):
    """What the patient allows unasked (no row: both), and the one-off code that waits, hashed under a key."""

    __tablename__ = "dmp_access_choice"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    emergency: Mapped[bool]
    writing: Mapped[bool]
    code_hash: Mapped[bytes | None] = mapped_column(index=True)
    code_until: Mapped[datetime | None]


class FailedAttempt(Base):
    """A code or an identity that a professional got wrong: counted for an hour."""

    __tablename__ = "dmp_failed_attempt"

    professional_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = uuid_key()
    at: Mapped[datetime]


class EntryRow(NamedTuple):
    """An entry as queries bring it; `meta` and `body` are texts ready to be spliced."""

    id: UUID
    category: str
    version: int
    status: str
    label: str
    codes: list[str]
    effective_at: datetime
    ends_at: datetime | None
    value: Decimal | None
    unit: str
    low: Decimal | None
    high: Decimal | None
    interpretation: str
    document_id: UUID | None
    hidden_at: datetime | None
    author_id: UUID | None
    author_name: str
    source: str
    updated_at: datetime
    meta: str
    body: str
