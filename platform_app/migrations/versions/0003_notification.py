"""Notification: inboxes of spaces (row-level security) and of agents, preferences, e-mails."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
BOUND = "patient_id = nullif(current_setting('ens.patient', true), '')::uuid"


def upgrade() -> None:
    _inbox("notification_message", "patient_id")
    _inbox("notification_agent_message", "agent_id")
    op.create_table(
        "notification_preference",
        sa.Column("patient_id", sa.Uuid, nullable=False),
        sa.Column("by_email", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("patient_id", name="pk_notification_preference"),
    )
    for table in ("notification_message", "notification_preference"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY bound ON {table} TO ens_app USING ({BOUND}) WITH CHECK ({BOUND})")
    op.create_table(
        "notification_email",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("recipient_sealed", sa.LargeBinary, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("sent_at", TIME),
        sa.Column("refused_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_notification_email"),
    )
    op.create_index("ix_notification_email_created_at", "notification_email", ["created_at"])


def _inbox(table: str, owner: str) -> None:
    op.create_table(
        table,
        sa.Column(owner, sa.Uuid, nullable=False),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("link", sa.Text, nullable=False),
        sa.Column("sent_by", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("read_at", TIME),
        sa.PrimaryKeyConstraint(owner, "id", name=f"pk_{table}"),
    )
    op.create_index(f"ix_{table}_unread", table, [owner], postgresql_where=sa.text("read_at IS NULL"))


def downgrade() -> None:
    for table in (
        "notification_email",
        "notification_preference",
        "notification_agent_message",
        "notification_message",
    ):
        op.drop_table(table)
