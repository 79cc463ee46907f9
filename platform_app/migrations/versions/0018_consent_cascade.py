"""How the changes of an app's referencing make their way into its consents, batch by batch."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
CHANGES = "change IN ('suspended', 'reinstated', 'withdrawn', 'expired')"


def upgrade() -> None:
    op.create_table(
        "consent_cascade",
        sa.Column("application_id", sa.Uuid, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("change", sa.Text, nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("cursor", sa.Uuid),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("told", sa.Integer, nullable=False),
        sa.Column("left", JSONB, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.CheckConstraint(CHANGES, name="ck_consent_cascade_change"),
    )
    op.create_index("ix_consent_cascade_decided_at", "consent_cascade", ["decided_at"])
    op.execute("GRANT SELECT ON consent_cascade TO ens_batch")
    op.execute("REVOKE DELETE ON consent_cascade FROM ens_app")
    _count_live()


def _count_live() -> None:
    """How many people an act on a listing concerns: a number, past row-level security, and nothing about anybody."""
    op.execute(
        """
        CREATE FUNCTION consent_count_live(app_id uuid) RETURNS bigint
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
        AS $$
            SELECT count(*) FROM public.consent_consent AS consent
            WHERE consent.app_id = consent_count_live.app_id AND consent.environment = 'production'
                AND consent.status IN ('active', 'paused')
        $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION consent_count_live(uuid) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION consent_count_live(uuid) TO ens_app")


def downgrade() -> None:
    op.execute("DROP FUNCTION consent_count_live(uuid)")
    op.drop_table("consent_cascade")
