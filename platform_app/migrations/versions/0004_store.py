"""The referencing: applications, submissions, verdicts, decisions, history and listings.

Decisions and events are append-only for the application's role.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_VERBS = (
    "'submit', 'take_in_charge', 'request_complements', 'answer_complements', 'propose_acceptance',"
    " 'propose_refusal', 'accept', 'refuse', 'list', 'suspend', 'reinstate', 'withdraw', 'expire'"
)


def upgrade() -> None:
    op.execute("CREATE SEQUENCE store_listing_number_seq")
    op.create_table(
        "store_application",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("organisation_id", sa.Uuid, sa.ForeignKey("identity_organisation.id"), nullable=False, index=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("slug", sa.Text, nullable=False, unique=True),
        sa.Column("created_at", _TIME, nullable=False),
    )
    _create_submission()
    _create_history()
    op.create_table(
        "store_listing",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("application_id", sa.Uuid, sa.ForeignKey("store_application.id"), nullable=False, unique=True),
        sa.Column("submission_id", sa.Uuid, sa.ForeignKey("store_submission.id"), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("number", sa.Text, nullable=False, unique=True),
        sa.Column("listed_on", sa.Date, nullable=False),
        sa.Column("expires_on", sa.Date, nullable=False),
        sa.Column("ceiling", JSONB, nullable=False),
        sa.Column("profile", sa.Text, nullable=False),
        sa.Column("entry", JSONB, nullable=False),
        sa.Column("search_text", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("state IN ('listed', 'suspended', 'withdrawn', 'expired')", name="state"),
        sa.CheckConstraint("profile IN ('fapi2', 'smart')", name="profile"),
        sa.CheckConstraint("expires_on > listed_on", name="dates"),
    )
    op.create_index("ix_store_listing_state", "store_listing", ["state", "expires_on"])


def _create_submission() -> None:
    op.create_table(
        "store_submission",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("application_id", sa.Uuid, sa.ForeignKey("store_application.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("dossier", JSONB, nullable=False),
        sa.Column("grid_version", sa.Text, nullable=False),
        sa.Column("proposal", sa.Text),
        sa.Column("evaluator_id", sa.Uuid),
        sa.Column("evaluator_name", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("submitted_at", _TIME),
        sa.CheckConstraint(
            "state IN ('draft', 'submitted', 'in_evaluation', 'complements_requested', 'accepted', 'refused')",
            name="state",
        ),
        sa.UniqueConstraint("application_id", "number"),
    )
    op.create_index(
        "uq_store_submission_open",
        "store_submission",
        ["application_id"],
        unique=True,
        postgresql_where=sa.text("state NOT IN ('accepted', 'refused')"),
    )
    op.create_index("ix_store_submission_queue", "store_submission", ["state", "submitted_at"])
    op.create_table(
        "store_verdict",
        sa.Column("submission_id", sa.Uuid, sa.ForeignKey("store_submission.id"), primary_key=True),
        sa.Column("criterion", sa.Text, primary_key=True),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("reviewer_id", sa.Uuid, nullable=False),
        sa.Column("reviewer_name", sa.Text, nullable=False),
        sa.Column("reviewed_at", _TIME, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint(
            "verdict IN ('conforming', 'not_conforming', 'not_applicable', 'to_clarify')", name="verdict"
        ),
    )


def _create_history() -> None:
    op.create_table(
        "store_decision",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("application_id", sa.Uuid, sa.ForeignKey("store_application.id"), nullable=False, index=True),
        sa.Column("submission_id", sa.Uuid, sa.ForeignKey("store_submission.id")),
        sa.Column("verb", sa.Text, nullable=False),
        sa.Column("motive", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Uuid),
        sa.Column("decided_by_name", sa.Text, nullable=False),
        sa.Column("decided_at", _TIME, nullable=False),
        sa.CheckConstraint(f"verb IN ({_VERBS})", name="verb"),
        sa.CheckConstraint("btrim(motive) <> ''", name="motive"),
    )
    op.create_table(
        "store_event",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("application_id", sa.Uuid, sa.ForeignKey("store_application.id"), nullable=False),
        sa.Column("submission_id", sa.Uuid, sa.ForeignKey("store_submission.id"), index=True),
        sa.Column("verb", sa.Text, nullable=False),
        sa.Column("from_state", sa.Text),
        sa.Column("to_state", sa.Text, nullable=False),
        sa.Column("decision_id", sa.Uuid, sa.ForeignKey("store_decision.id")),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Uuid),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("occurred_at", _TIME, nullable=False),
        sa.CheckConstraint(f"verb IN ({_VERBS})", name="verb"),
    )
    op.create_index("ix_store_event_application_id_occurred_at", "store_event", ["application_id", "occurred_at"])
    op.execute("REVOKE UPDATE, DELETE ON store_decision, store_event FROM ens_app")


def downgrade() -> None:
    for table in (
        "store_listing",
        "store_event",
        "store_decision",
        "store_verdict",
        "store_submission",
        "store_application",
    ):
        op.drop_table(table)
    op.execute("DROP SEQUENCE store_listing_number_seq")
