"""Which resources a line of the journal is about; the accesses that patients contest; what is out of an app's habit."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

BOUND = "patient_id = nullif(current_setting('ens.patient', true), '')::uuid"
INSTANT = sa.DateTime(timezone=True)
_COUNT = "consent_count_unusual(date)"


def upgrade() -> None:
    op.add_column("core_journal", sa.Column("resources", ARRAY(sa.Uuid)))
    op.create_index(
        "ix_core_journal_people",
        "core_journal",
        ["patient_id", "actor_id"],
        postgresql_where=sa.text("actor_kind <> 'application'"),
    )
    _reports()
    _contested_accesses()
    _unusual_uses()
    _count_unusual()


def _reports() -> None:
    """What the authority reads: nothing here names a patient, nor what the data say."""
    op.create_table(
        "consent_report",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("number", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("application_id", sa.Uuid),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("patient_reference", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("accessed_at", INSTANT, nullable=False),
        sa.Column("access", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("families", ARRAY(sa.Text), nullable=False),
        sa.Column("motive", sa.Text, nullable=False),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.UniqueConstraint("number", name="uq_consent_report_number"),
        sa.CheckConstraint("state IN ('received', 'examined', 'answered', 'closed')", name="ck_consent_report_state"),
        sa.CheckConstraint(
            "motive IN ('unknown', 'unused', 'timing', 'volume', 'other')", name="ck_consent_report_motive"
        ),
    )
    op.create_index("ix_consent_report_state_created_at", "consent_report", ["state", "created_at"])
    op.create_index("ix_consent_report_application_id", "consent_report", ["application_id"])
    op.execute("REVOKE DELETE ON consent_report FROM ens_app")
    op.execute("GRANT SELECT, DELETE ON consent_report TO ens_batch")
    op.create_table(
        "consent_report_event",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("report_id", sa.Uuid, nullable=False),
        sa.Column("verb", sa.Text, nullable=False),
        sa.Column("from_state", sa.Text),
        sa.Column("to_state", sa.Text, nullable=False),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["consent_report.id"],
            name="fk_consent_report_event_report_id_consent_report",
            ondelete="CASCADE",
        ),
        sa.CheckConstraint(
            "verb IN ('receive', 'examine', 'answer', 'close', 'settle')", name="ck_consent_report_event_verb"
        ),
    )
    op.create_index("ix_consent_report_event_report_id", "consent_report_event", ["report_id"])
    op.execute("REVOKE UPDATE, DELETE ON consent_report_event FROM ens_app")


def _contested_accesses() -> None:
    op.create_table(
        "consent_contested_access",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("entry_id", sa.Uuid, primary_key=True),
        sa.Column("report_id", sa.Uuid, nullable=False),
        sa.Column("told_state", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id"],
            ["consent_report.id"],
            name="fk_consent_contested_access_report_id_consent_report",
            ondelete="CASCADE",
            deferrable=True,
            initially="DEFERRED",
        ),
        sa.UniqueConstraint("report_id", name="uq_consent_contested_access_report_id"),
    )
    _own("consent_contested_access")
    op.execute("REVOKE DELETE ON consent_contested_access FROM ens_app")
    _show_to_batch("consent_contested_access")


def _unusual_uses() -> None:
    op.create_table(
        "consent_unusual_use",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("consent_id", sa.Uuid, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("usual", sa.Integer, nullable=False),
        sa.Column("categories", ARRAY(sa.Text), nullable=False),
        sa.Column("noticed_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["patient_id", "consent_id"],
            ["consent_consent.patient_id", "consent_consent.id"],
            name="fk_consent_unusual_use_patient_id_consent_consent",
        ),
        sa.CheckConstraint("kind IN ('read', 'written', 'night', 'category')", name="ck_consent_unusual_use_kind"),
    )
    op.create_index("ix_consent_unusual_use_day", "consent_unusual_use", ["day"])
    _own("consent_unusual_use")
    op.execute("REVOKE DELETE ON consent_unusual_use FROM ens_app")
    _show_to_batch("consent_unusual_use")
    op.execute("GRANT DELETE ON consent_unusual_use TO ens_batch")
    op.execute("CREATE POLICY batch_forgets ON consent_unusual_use FOR DELETE TO ens_batch USING (true)")
    op.create_table(
        "consent_watch",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("batch", sa.BigInteger, nullable=False),
        sa.Column("moved_at", INSTANT, nullable=False),
    )
    op.execute("REVOKE DELETE ON consent_watch FROM ens_app")
    op.execute("GRANT SELECT ON consent_watch TO ens_batch")


def _count_unusual() -> None:
    """How often each app went out of its habit, and with how many people: past row-level security, about nobody."""
    op.execute(
        """
        CREATE FUNCTION consent_count_unusual(since date)
        RETURNS TABLE (app_id uuid, app_name text, kind text, days bigint, people bigint)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
        AS $$
            SELECT consent.app_id, max(consent.app_name), used.kind, count(*), count(DISTINCT used.patient_id)
              FROM public.consent_unusual_use AS used
              JOIN public.consent_consent AS consent
                ON (consent.patient_id, consent.id) = (used.patient_id, used.consent_id)
             WHERE used.day >= consent_count_unusual.since
             GROUP BY consent.app_id, used.kind
             ORDER BY count(DISTINCT used.patient_id) DESC, consent.app_id, used.kind
        $$
        """
    )
    op.execute(f"REVOKE ALL ON FUNCTION {_COUNT} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {_COUNT} TO ens_app")


def _own(table: str) -> None:
    """Row-level security: the application sees the rows of the patient bound to its transaction, and no other."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY bound ON {table} TO ens_app USING ({BOUND}) WITH CHECK ({BOUND})")


def _show_to_batch(table: str) -> None:
    op.execute(f"GRANT SELECT ON {table} TO ens_batch")
    op.execute(f"CREATE POLICY batch ON {table} FOR SELECT TO ens_batch USING (true)")


def downgrade() -> None:
    op.execute(f"DROP FUNCTION {_COUNT}")
    for table in ("watch", "unusual_use", "contested_access", "report_event", "report"):
        op.drop_table(f"consent_{table}")
    op.drop_index("ix_core_journal_people", "core_journal")
    op.drop_column("core_journal", "resources")
