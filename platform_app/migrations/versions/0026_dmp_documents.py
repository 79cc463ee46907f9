"""Documents of the record, their versions, the sets that they came in; each bound to its patient."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSON

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

PARTITIONS = 16
BOUND = "patient_id = nullif(current_setting('ens.patient', true), '')::uuid"
INSTANT = sa.DateTime(timezone=True)
TABLES = ("dmp_document", "dmp_document_version", "dmp_document_set")


def upgrade() -> None:
    _documents()
    _versions()
    _sets()
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY bound ON {table} TO ens_app USING ({BOUND}) WITH CHECK ({BOUND})")
    op.execute("REVOKE UPDATE ON dmp_document_version, dmp_document_set FROM ens_app")
    # The sweep of files asks which of them a document still names, and learns nothing else.
    op.execute("GRANT SELECT (blob_name) ON dmp_document TO ens_batch")
    op.execute("CREATE POLICY batch ON dmp_document FOR SELECT TO ens_batch USING (true)")


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _flags(*names: str) -> list[sa.Column[bool]]:
    return [sa.Column(name, sa.Boolean, nullable=False) for name in names]


def _instants(*names: str, nullable: bool = False) -> list[sa.Column[object]]:
    return [sa.Column(name, INSTANT, nullable=nullable) for name in names]


def _documents() -> None:
    op.create_table(
        "dmp_document",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("entry_id", sa.Uuid, nullable=False),
        *_text("unique_id"),
        sa.Column("version", sa.Integer, nullable=False),
        *_text("state", "kind", "type_code", "class_code", "format", "facility", "setting", "confidentiality"),
        *_flags("masked", "invisible_to_patient", "invisible_to_representatives", "archived"),
        *_instants("announced_at", nullable=True),
        *_text("announced_by"),
        sa.Column("event_codes", ARRAY(sa.Text), nullable=False),
        sa.Column("author_keys", ARRAY(sa.Text), nullable=False),
        *_text("author_person", "author_institution", "author_specialty", "author_role"),
        *_text("title", "language", "media_type"),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("sha1", sa.LargeBinary, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        *_text("blob_name", "pdf_a"),
        *_instants("made_at", "dated_at"),
        *_instants("service_start", "service_end", nullable=True),
        *_instants("effective_at"),
        sa.Column("replaces", sa.Uuid),
        sa.Column("submission_id", sa.Uuid),
        sa.Column("folder_ids", ARRAY(sa.Uuid), nullable=False),
        sa.Column("author_id", sa.Uuid),
        *_text("author_name", "source"),
        *_instants("created_at", "updated_at"),
        sa.Column("meta", JSON, nullable=False),
        sa.Column("body", JSON, nullable=False),
        sa.UniqueConstraint("patient_id", "unique_id", name="uq_dmp_document_patient_id_unique_id"),
        sa.CheckConstraint("state IN ('current', 'superseded', 'deleted')", name="ck_dmp_document_state"),
        postgresql_partition_by="HASH (patient_id)",
    )
    for name, column in (("effective", "effective_at"), ("dated", "dated_at")):
        newest = [sa.text(f"{column} DESC"), sa.text("id DESC")]
        op.create_index(f"ix_dmp_document_{name}", "dmp_document", ["patient_id", *newest])
    op.create_index("ix_dmp_document_patient_id_updated_at_id", "dmp_document", ["patient_id", "updated_at", "id"])
    op.create_index("ix_dmp_document_blob_name", "dmp_document", ["blob_name"])
    for number in range(PARTITIONS):
        name = f"dmp_document_p{number:02}"
        op.execute(
            f"CREATE TABLE {name} PARTITION OF dmp_document FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {number})"
        )
        # The policy of the parent does not hold on a partition that is named directly: nobody may.
        op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE ALL ON {name} FROM ens_app")


def _versions() -> None:
    op.create_table(
        "dmp_document_version",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("document_id", sa.Uuid, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("entry_id", sa.Uuid, nullable=False),
        *_text("act", "state", "confidentiality"),
        *_flags("masked", "invisible_to_patient", "invisible_to_representatives", "archived"),
        *_text("by_kind", "by_name"),
        *_instants("at"),
    )
    columns = ["patient_id", "entry_id"]
    op.create_index("ix_dmp_document_version_patient_id_entry_id", "dmp_document_version", columns)


def _sets() -> None:
    op.create_table(
        "dmp_document_set",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        *_text("purpose"),
        sa.Column("author_id", sa.Uuid),
        *_text("source"),
        *_instants("created_at"),
        sa.Column("meta", JSON, nullable=False),
        sa.Column("body", JSON, nullable=False),
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
