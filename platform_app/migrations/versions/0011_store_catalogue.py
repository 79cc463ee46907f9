"""The catalogue in full: indexed search in French, facets, the date of the open data; reports on applications.

Organisations made up for trials are marked, so that they can be removed with all they hold.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_SEARCH = " || ".join(
    f"setweight(to_tsvector('{dictionary}'::regconfig, split_part(search_text, chr(10), {line})), '{weight}'::\"char\")"
    for line, weight, dictionary in (
        (1, "A", "french"),
        (1, "A", "simple"),
        (2, "B", "french"),
        (2, "B", "simple"),
        (3, "D", "french"),
    )
)
# Listings approved before the catalogue had these fields.
_RENAME_PRICE = """
UPDATE store_listing SET entry = jsonb_set(entry, '{catalogue}', ((entry->'catalogue') - 'price') || jsonb_build_object(
    'cost', CASE entry->'catalogue'->>'price' WHEN 'options' THEN 'freemium' ELSE entry->'catalogue'->>'price' END,
    'ownership', 'private', 'territory', 'national'))
 WHERE (entry->'catalogue') ? 'price'"""
_FILL_FACETS = """
UPDATE store_listing SET facets = ARRAY(
    SELECT DISTINCT found FROM (
        SELECT 'audience:' || value FROM jsonb_array_elements_text(entry->'service'->'audience')
        UNION SELECT 'platform:' || value FROM jsonb_array_elements_text(entry->'service'->'platforms')
        UNION SELECT 'data:' || (item->>'category') FROM jsonb_array_elements(ceiling->'items') AS item
        UNION SELECT 'data:' || split_part(item->>'category', '.', 1)
                FROM jsonb_array_elements(ceiling->'items') AS item
        UNION SELECT key || ':' || value FROM jsonb_each_text(entry->'catalogue')
               WHERE key IN ('family', 'cost', 'ownership', 'territory', 'region')
    ) AS facet(found) ORDER BY found)"""


def upgrade() -> None:
    op.add_column("store_listing", sa.Column("search", TSVECTOR, sa.Computed(_SEARCH, persisted=True)))
    op.add_column("store_listing", sa.Column("facets", ARRAY(sa.Text), nullable=False, server_default="{}"))
    op.add_column("store_listing", sa.Column("changed_at", _TIME, nullable=False, server_default=sa.func.now()))
    op.execute(_RENAME_PRICE)
    op.execute(_FILL_FACETS)
    for column in ("facets", "changed_at"):
        op.alter_column("store_listing", column, server_default=None)
    op.create_index("ix_store_listing_search", "store_listing", ["search"], postgresql_using="gin")
    op.create_index("ix_store_listing_facets", "store_listing", ["facets"], postgresql_using="gin")
    op.create_index(
        "ix_store_listing_typos",
        "store_listing",
        ["search_text"],
        postgresql_using="gin",
        postgresql_ops={"search_text": "gin_trgm_ops"},
    )
    op.create_index("ix_store_application_by_name", "store_application", [sa.text("lower(name)"), "id"])
    op.create_index(
        "ix_store_submission_sent",
        "store_submission",
        ["submitted_at", "id"],
        postgresql_where=sa.text("submitted_at IS NOT NULL"),
    )
    _create_reports()
    op.add_column("identity_organisation", sa.Column("synthetic", sa.Boolean, nullable=False, server_default="false"))
    op.alter_column("identity_organisation", "synthetic", server_default=None)


def _create_reports() -> None:
    op.create_table(
        "store_report",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("application_id", sa.Uuid, sa.ForeignKey("store_application.id"), nullable=False, index=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("number_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("text_sealed", sa.LargeBinary),
        sa.Column("email_sealed", sa.LargeBinary),
        sa.Column("forwarded_sealed", sa.LargeBinary),
        sa.Column("answer_sealed", sa.LargeBinary),
        sa.Column("conclusion", sa.Text, nullable=False),
        sa.Column("audit_id", sa.Uuid, sa.ForeignKey("store_audit.id")),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("updated_at", _TIME, nullable=False),
        sa.Column("closed_at", _TIME),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint("kind IN ('security', 'privacy', 'content', 'bug', 'misleading', 'other')", name="kind"),
        sa.CheckConstraint(
            "state IN ('received', 'acknowledged', 'forwarded', 'answered', 'under_audit', 'closed')", name="state"
        ),
    )
    op.create_index("ix_store_report_state_created_at", "store_report", ["state", "created_at"])
    op.create_table(
        "store_report_event",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("report_id", sa.Uuid, sa.ForeignKey("store_report.id"), nullable=False, index=True),
        sa.Column("verb", sa.Text, nullable=False),
        sa.Column("from_state", sa.Text),
        sa.Column("to_state", sa.Text, nullable=False),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Uuid),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("occurred_at", _TIME, nullable=False),
        sa.CheckConstraint(
            "verb IN ('receive', 'acknowledge', 'forward', 'answer', 'open_audit', 'close')", name="verb"
        ),
    )
    op.execute("REVOKE UPDATE, DELETE ON store_report_event FROM ens_app")


def downgrade() -> None:
    op.drop_column("identity_organisation", "synthetic")
    op.drop_index("ix_store_submission_sent", "store_submission")
    op.drop_index("ix_store_application_by_name", "store_application")
    op.drop_table("store_report_event")
    op.drop_table("store_report")
    for column in ("search", "facets", "changed_at"):
        op.drop_column("store_listing", column)
    op.drop_index("ix_store_listing_typos", "store_listing")
