"""Calls for applications, candidacies and pilots; the region where a person says that they live."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_VERBS_BEFORE = (
    "'abandon', 'accept', 'answer', 'answer_complements', 'archive', 'ask', 'assign', 'carry_convention_over', 'claim',"
    " 'close', 'countersign_convention', 'declare_admissible', 'declare_inadmissible', 'decline', 'expire', 'express',"
    " 'give_opinion', 'issue_report', 'lapse', 'lift', 'list', 'open', 'pass_interop_tests', 'plan', 'propose_opinion',"
    " 'publish', 'refuse', 'reinstate', 'release', 'reopen', 'report_correction', 'request_complements',"
    " 'request_documents', 'require_corrections', 'resume_evaluation', 'send_documents', 'sign_convention',"
    " 'start_evaluation', 'start_interop_tests', 'submit', 'suspend', 'take_in_charge', 'visit', 'withdraw'"
)
_REGIONS = "'01', '02', '03', '04', '06', '11', '24', '27', '28', '32', '44', '52', '53', '75', '76', '84', '93', '94'"


def upgrade() -> None:
    _create_calls()
    _create_pilots()
    _allow_verbs(f"{_VERBS_BEFORE}, 'open_pilot'")
    op.add_column("identity_patient", sa.Column("region", sa.Text))
    op.create_check_constraint("region", "identity_patient", f"region IN ({_REGIONS})")


def _create_calls() -> None:
    op.create_table(
        "store_call",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("slug", sa.Text, nullable=False, unique=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("terms", JSONB, nullable=False),
        sa.Column("closes_on", sa.Date, nullable=False),
        sa.Column("prepared_by", sa.Uuid, nullable=False),
        sa.Column("prepared_at", _TIME, nullable=False),
        sa.Column("published_at", _TIME),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("state IN ('draft', 'published', 'closed', 'selected', 'archived')", name="state"),
        sa.CheckConstraint("btrim(title) <> ''", name="title"),
    )
    op.create_index("ix_store_call_open", "store_call", ["closes_on"], postgresql_where=sa.text("state = 'published'"))
    op.create_table(
        "store_candidacy",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("call_id", sa.Uuid, sa.ForeignKey("store_call.id"), nullable=False),
        sa.Column("application_id", sa.Uuid, sa.ForeignKey("store_application.id"), nullable=False, index=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("answers", JSONB, nullable=False),
        sa.Column("team", sa.Text, nullable=False),
        sa.Column("links", ARRAY(sa.Text), nullable=False),
        sa.Column("motive", sa.Text, nullable=False),
        sa.Column("filed_at", _TIME, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("state IN ('filed', 'withdrawn', 'selected', 'rejected')", name="state"),
        sa.UniqueConstraint("call_id", "application_id"),
    )
    op.create_table(
        "store_candidacy_score",
        sa.Column("candidacy_id", sa.Uuid, sa.ForeignKey("store_candidacy.id"), primary_key=True),
        sa.Column("reviewer_id", sa.Uuid, primary_key=True),
        sa.Column("criterion", sa.Text, primary_key=True),
        sa.Column("score", sa.Integer, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("reviewer_name", sa.Text, nullable=False),
        sa.Column("scored_at", _TIME, nullable=False),
        sa.CheckConstraint("score BETWEEN 0 AND 5", name="score"),
        sa.CheckConstraint("btrim(comment) <> ''", name="comment"),
    )
    op.create_table(
        "store_call_event",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), nullable=False, unique=True),
        sa.Column("call_id", sa.Uuid, sa.ForeignKey("store_call.id"), nullable=False, index=True),
        sa.Column("candidacy_id", sa.Uuid, sa.ForeignKey("store_candidacy.id")),
        sa.Column("verb", sa.Text, nullable=False),
        sa.Column("from_state", sa.Text),
        sa.Column("to_state", sa.Text, nullable=False),
        sa.Column("motive", sa.Text, nullable=False),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Uuid),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("occurred_at", _TIME, nullable=False),
        sa.CheckConstraint(
            "verb IN ('archive', 'close', 'conclude', 'file', 'prepare', 'publish', 'reject', 'revise', 'score',"
            " 'select', 'withdraw')",
            name="verb",
        ),
    )
    op.execute("REVOKE UPDATE, DELETE ON store_call_event FROM ens_app")


def _create_pilots() -> None:
    op.create_table(
        "store_pilot",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("application_id", sa.Uuid, sa.ForeignKey("store_application.id"), nullable=False, unique=True),
        sa.Column("call_id", sa.Uuid, sa.ForeignKey("store_call.id"), nullable=False, index=True),
        sa.Column("candidacy_id", sa.Uuid, sa.ForeignKey("store_candidacy.id"), nullable=False, unique=True),
        sa.Column("regions", ARRAY(sa.Text), nullable=False),
        sa.Column("places", sa.Integer, nullable=False),
        sa.Column("taken", sa.Integer, nullable=False),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("ends_on", sa.Date, nullable=False),
        sa.Column("results", JSONB),
        sa.Column("conclusion", sa.Text, nullable=False),
        sa.Column("reported_at", _TIME),
        sa.CheckConstraint("places > 0 AND taken BETWEEN 0 AND places", name="places"),
        sa.CheckConstraint("cardinality(regions) > 0", name="regions"),
    )
    op.add_column("store_listing", sa.Column("pilot_id", sa.Uuid, sa.ForeignKey("store_pilot.id"), unique=True))


def _allow_verbs(verbs: str) -> None:
    for table in ("store_event", "store_decision"):
        op.drop_constraint("verb", table, type_="check")
        op.create_check_constraint("verb", table, f"verb IN ({verbs})")


def downgrade() -> None:
    op.drop_constraint("region", "identity_patient", type_="check")
    op.drop_column("identity_patient", "region")
    op.drop_column("store_listing", "pilot_id")
    op.execute("DELETE FROM store_event WHERE verb = 'open_pilot'")
    op.execute("DELETE FROM store_decision WHERE verb = 'open_pilot'")
    _allow_verbs(_VERBS_BEFORE)
    for table in ("store_pilot", "store_call_event", "store_candidacy_score", "store_candidacy", "store_call"):
        op.drop_table(table)
