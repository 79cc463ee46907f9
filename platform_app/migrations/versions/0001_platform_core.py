"""The kernel: rights of the three roles, patient keys, signing keys, outbox, audit, journal."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BOUND = "patient_id = nullif(current_setting('ens.patient', true), '')::uuid"


def upgrade() -> None:
    op.execute("GRANT USAGE ON SCHEMA public TO ens_app, ens_batch")
    op.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ens_app")
    op.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO ens_app, ens_batch")
    _keys()
    _outbox()
    _audit()
    _journal()


def _keys() -> None:
    op.create_table(
        "core_patient_key",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
    )
    op.execute("ALTER TABLE core_patient_key ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY bound ON core_patient_key TO ens_app USING ({BOUND}) WITH CHECK ({BOUND})")
    op.create_table(
        "core_signing_key",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("use", sa.Text, nullable=False),
        sa.Column("algorithm", sa.Text, nullable=False),
        sa.Column("kid", sa.Text, nullable=False, unique=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("public_jwk", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True)),
    )
    op.create_index(
        "uq_core_signing_key_live",
        "core_signing_key",
        ["use", "algorithm"],
        unique=True,
        postgresql_where=sa.text("retired_at IS NULL"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON core_signing_key TO ens_batch")


def _outbox() -> None:
    op.create_table(
        "core_outbox",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("arguments", JSONB, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True)),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.Column("gave_up_at", sa.DateTime(timezone=True)),
    )
    op.create_index(
        "ix_core_outbox_waiting",
        "core_outbox",
        ["due_at"],
        postgresql_where=sa.text("done_at IS NULL AND gave_up_at IS NULL"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON core_outbox TO ens_batch")


def _audit() -> None:
    op.create_table(
        "core_audit",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Uuid),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("on_behalf_of", sa.Uuid),
        sa.Column("object_type", sa.Text, nullable=False),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("details", JSONB, nullable=False),
    )
    op.create_index(
        "ix_core_audit_object_type_object_id_occurred_at",
        "core_audit",
        ["object_type", "object_id", "occurred_at"],
    )
    op.execute("REVOKE UPDATE, DELETE ON core_audit FROM ens_app")
    op.execute("GRANT SELECT, INSERT ON core_audit TO ens_batch")


def _journal() -> None:
    op.create_table(
        "core_journal",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Uuid),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("on_behalf_of", sa.Uuid),
        sa.Column("app_id", sa.Uuid),
        sa.Column("grant_id", sa.Uuid),
        sa.Column("interaction", sa.Text, nullable=False),
        sa.Column("resource", sa.Text, nullable=False),
        sa.Column("access", sa.Text, nullable=False),
        sa.Column("categories", ARRAY(sa.Text), nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("batch", sa.BigInteger),
        sa.Column("position", sa.Integer),
        sa.Column("leaf", sa.LargeBinary),
        sa.CheckConstraint("outcome IN ('served', 'refused')", name="ck_core_journal_outcome"),
    )
    newest = [sa.text("occurred_at DESC"), sa.text("id DESC")]
    op.create_index("ix_core_journal_patient_time", "core_journal", ["patient_id", *newest])
    op.create_index("ix_core_journal_grant", "core_journal", ["patient_id", "grant_id", newest[0]])
    op.create_index("ix_core_journal_unsealed", "core_journal", ["id"], postgresql_where=sa.text("batch IS NULL"))
    op.create_index(
        "ix_core_journal_batch",
        "core_journal",
        ["batch", "position"],
        postgresql_where=sa.text("batch IS NOT NULL"),
    )
    op.execute("REVOKE UPDATE, DELETE ON core_journal FROM ens_app")
    op.execute("GRANT SELECT, DELETE, UPDATE (batch, position, leaf) ON core_journal TO ens_batch")
    op.execute("ALTER TABLE core_journal ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY bound ON core_journal TO ens_app USING ({BOUND}) WITH CHECK ({BOUND})")
    op.execute("CREATE POLICY batch ON core_journal TO ens_batch USING (true) WITH CHECK (true)")
    op.create_table(
        "core_journal_batch",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("previous", sa.LargeBinary, nullable=False),
        sa.Column("chain", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.Text, nullable=False),
        sa.Column("dropped_at", sa.DateTime(timezone=True)),
    )
    op.execute("REVOKE INSERT, UPDATE, DELETE ON core_journal_batch FROM ens_app")
    op.execute("GRANT SELECT, INSERT, UPDATE (dropped_at) ON core_journal_batch TO ens_batch")


def downgrade() -> None:
    for table in (
        "core_journal_batch",
        "core_journal",
        "core_audit",
        "core_outbox",
        "core_signing_key",
        "core_patient_key",
    ):
        op.drop_table(table)
    op.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM ens_app, ens_batch")
    op.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM ens_app")
    op.execute("REVOKE USAGE ON SCHEMA public FROM ens_app, ens_batch")
