"""The counts of the catalogue's facets, kept with the listings; the incidents that publishers declare."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
PEOPLE = "people IN ('none', 'fewer-than-10', 'fewer-than-100', 'fewer-than-1000', '1000-or-more', 'unknown')"


def upgrade() -> None:
    op.create_table(
        "store_facet_count",
        sa.Column("value", sa.Text, primary_key=True),
        sa.Column("listings", sa.Integer, nullable=False),
    )
    op.execute(
        "INSERT INTO store_facet_count (value, listings) SELECT value, count(*) FROM store_listing,"
        " unnest(array_append(facets, '')) AS value WHERE state = 'listed' GROUP BY value"
    )
    op.add_column("store_report", sa.Column("origin", sa.Text, nullable=False, server_default="public"))
    op.create_check_constraint("origin", "store_report", "origin IN ('public', 'incident')")
    op.execute(
        "UPDATE store_report SET origin = 'incident' FROM store_report_event AS event"
        " WHERE event.report_id = store_report.id AND event.verb = 'receive' AND event.actor_kind = 'agent'"
    )
    op.alter_column("store_report", "origin", server_default=None)
    op.create_index("ix_store_report_origin_created_at", "store_report", ["origin", "created_at"])
    op.create_table(
        "store_incident",
        sa.Column("report_id", sa.Uuid, sa.ForeignKey("store_report.id"), primary_key=True),
        sa.Column("noticed_on", sa.Date, nullable=False),
        sa.Column("people", sa.Text, nullable=False),
        sa.Column("measures_sealed", sa.LargeBinary),
        sa.Column("notice", sa.Text),
        sa.Column("told_at", INSTANT),
        sa.Column("told_by_name", sa.Text),
        sa.CheckConstraint(PEOPLE, name="people"),
        sa.CheckConstraint("(notice IS NULL) = (told_at IS NULL)", name="told"),
    )
    op.execute("REVOKE DELETE ON store_incident FROM ens_app")


def downgrade() -> None:
    op.drop_table("store_incident")
    op.drop_index("ix_store_report_origin_created_at", "store_report")
    op.drop_column("store_report", "origin")
    op.drop_table("store_facet_count")
