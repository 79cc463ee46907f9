"""The consent: its items, usage, versions and chained events under row-level security; requests; sandbox clocks."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BOUND = "patient_id = nullif(current_setting('ens.patient', true), '')::uuid"
LIVE = sa.text("status IN ('active', 'paused')")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _consent()
    _item()
    _usage()
    _version()
    _event()
    _request()
    _clock()
    _patient_of_grant()


def _consent() -> None:
    op.create_table(
        "consent_consent",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("app_id", sa.Uuid, nullable=False),
        sa.Column("client_pk", sa.Uuid, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("app_name", sa.Text, nullable=False),
        sa.Column("publisher_name", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("valid_from", INSTANT, nullable=False),
        sa.Column("valid_until", INSTANT, nullable=False),
        sa.Column("presence_until", INSTANT),
        sa.Column("closed_at", INSTANT),
        sa.Column("event_count", sa.Integer, nullable=False),
        sa.Column("event_head", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("id", name="uq_consent_consent_id"),
        sa.CheckConstraint(
            "status IN ('active', 'paused', 'revoked', 'expired', 'ended')", name="ck_consent_consent_status"
        ),
        sa.CheckConstraint(
            "purpose IN ('prevention', 'diagnostic', 'soins', 'suivi')", name="ck_consent_consent_purpose"
        ),
        sa.CheckConstraint("environment IN ('production', 'sandbox')", name="ck_consent_consent_environment"),
        sa.CheckConstraint("valid_from < valid_until", name="ck_consent_consent_validity"),
    )
    op.create_index(
        "uq_consent_consent_live", "consent_consent", ["patient_id", "app_id"], unique=True, postgresql_where=LIVE
    )
    op.create_index("ix_consent_consent_due", "consent_consent", ["valid_until"], postgresql_where=LIVE)
    op.create_index("ix_consent_consent_app", "consent_consent", ["app_id", "id"], postgresql_where=LIVE)
    _own("consent_consent")
    _show_to_batch("consent_consent")
    op.execute("REVOKE DELETE ON consent_consent FROM ens_app")


def _item() -> None:
    op.create_table(
        "consent_item",
        *_consent_key(),
        sa.Column("category", sa.Text, primary_key=True),
        sa.Column("access", sa.Text, primary_key=True),
        sa.Column("data_from", sa.Date),
        sa.Column("data_to", sa.Date),
        sa.Column("periodicity_kind", sa.Text, nullable=False),
        sa.Column("periodicity_max", sa.Integer),
        sa.Column("periodicity_unit", sa.Text),
        _of_consent("consent_item"),
        sa.CheckConstraint("access IN ('read', 'write')", name="ck_consent_item_access"),
        sa.CheckConstraint(
            "periodicity_kind IN ('once', 'recurring', 'on_demand', 'continuous')",
            name="ck_consent_item_periodicity_kind",
        ),
        sa.CheckConstraint(
            "periodicity_unit IN ('hour', 'day', 'week', 'month')", name="ck_consent_item_periodicity_unit"
        ),
        sa.CheckConstraint("data_from <= data_to", name="ck_consent_item_data_period"),
        sa.CheckConstraint(
            "(periodicity_kind = 'recurring') = (periodicity_max IS NOT NULL AND periodicity_unit IS NOT NULL)"
            " AND periodicity_max > 0",
            name="ck_consent_item_periodicity",
        ),
    )
    _own("consent_item")
    _show_to_batch("consent_item")


def _usage() -> None:
    counters = [
        column
        for unit in ("hour", "day", "week", "month")
        for column in (
            sa.Column(f"{unit}_start", INSTANT, nullable=False),
            sa.Column(f"{unit}_used", sa.Integer, nullable=False),
        )
    ]
    op.create_table(
        "consent_usage",
        *_consent_key(),
        sa.Column("category", sa.Text, primary_key=True),
        sa.Column("access", sa.Text, primary_key=True),
        sa.Column("window_until", INSTANT),
        sa.Column("once_until", INSTANT),
        *counters,
        sa.Column("last_opened_at", INSTANT, nullable=False),
        _of_consent("consent_usage"),
    )
    op.create_index(
        "ix_consent_usage_once", "consent_usage", ["once_until"], postgresql_where=sa.text("once_until IS NOT NULL")
    )
    _own("consent_usage")
    _show_to_batch("consent_usage")


def _version() -> None:
    op.create_table(
        "consent_version",
        *_consent_key(),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.Column("decided_by", sa.Uuid),
        sa.Column("decider_kind", sa.Text, nullable=False),
        sa.Column("decider_name", sa.Text, nullable=False),
        sa.Column("assurance", sa.Text, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("text_version", sa.Text, nullable=False),
        sa.Column("text_hash", sa.LargeBinary, nullable=False),
        sa.Column("snapshot", JSONB, nullable=False),
        _of_consent("consent_version"),
    )
    _own("consent_version")
    op.execute("REVOKE UPDATE, DELETE ON consent_version FROM ens_app")


def _event() -> None:
    op.create_table(
        "consent_event",
        *_consent_key(),
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Uuid),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("on_behalf_of", sa.Uuid),
        sa.Column("details", JSONB, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        _of_consent("consent_event"),
    )
    _own("consent_event")
    op.execute("REVOKE UPDATE, DELETE ON consent_event FROM ens_app")


def _request() -> None:
    op.create_table(
        "consent_request",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("app_id", sa.Uuid, nullable=False),
        sa.Column("client_pk", sa.Uuid, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("app_name", sa.Text, nullable=False),
        sa.Column("publisher_name", sa.Text, nullable=False),
        sa.Column("application_id", sa.Uuid),
        sa.Column("items", JSONB, nullable=False),
        sa.Column("ceiling", JSONB, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("valid_until", sa.Date, nullable=False),
        sa.Column("resume_path", sa.Text, nullable=False),
        sa.Column("browser_hash", sa.LargeBinary, nullable=False),
        sa.Column("grant_id", sa.Uuid),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("patient_id", sa.Uuid),
        sa.Column("choice", JSONB),
        sa.Column("decided_at", INSTANT),
        sa.Column("decided_by", sa.Uuid),
        sa.Column("assurance", sa.Text, nullable=False),
        sa.Column("consent_id", sa.Uuid),
        sa.Column("consent_version", sa.Integer),
        sa.Column("taken_at", INSTANT),
        sa.CheckConstraint(
            "status IN ('requested', 'granted', 'refused', 'postponed', 'expired')", name="ck_consent_request_status"
        ),
    )
    op.create_index(
        "ix_consent_request_due", "consent_request", ["expires_at"], postgresql_where=sa.text("status = 'requested'")
    )
    op.create_index(
        "ix_consent_request_refused", "consent_request", ["patient_id"], postgresql_where=sa.text("status = 'refused'")
    )


def _clock() -> None:
    op.create_table(
        "consent_clock",
        sa.Column("client_pk", sa.Uuid, primary_key=True),
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("offset_seconds", sa.Float, nullable=False),
        sa.CheckConstraint("offset_seconds >= 0", name="ck_consent_clock_forward_only"),
    )
    op.execute("GRANT SELECT ON consent_clock TO ens_batch")


def _patient_of_grant() -> None:
    """An app names its own grant by id: this finds whose it is, before any patient can be bound."""
    op.execute(
        """
        CREATE FUNCTION consent_patient_of(grant_id uuid, app_id uuid) RETURNS uuid
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
        AS $$
            SELECT consent.patient_id FROM public.consent_consent AS consent
            WHERE consent.id = consent_patient_of.grant_id AND consent.app_id = consent_patient_of.app_id
        $$
        """
    )
    op.execute("REVOKE ALL ON FUNCTION consent_patient_of(uuid, uuid) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION consent_patient_of(uuid, uuid) TO ens_app")


def _consent_key() -> list[sa.Column[object]]:
    return [sa.Column("patient_id", sa.Uuid, primary_key=True), sa.Column("consent_id", sa.Uuid, primary_key=True)]


def _of_consent(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["patient_id", "consent_id"],
        ["consent_consent.patient_id", "consent_consent.id"],
        name=f"fk_{table}_patient_id_consent_consent",
    )


def _own(table: str) -> None:
    """Row-level security: the application sees the rows of the patient bound to its transaction, and no other."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY bound ON {table} TO ens_app USING ({BOUND}) WITH CHECK ({BOUND})")


def _show_to_batch(table: str) -> None:
    op.execute(f"GRANT SELECT ON {table} TO ens_batch")
    op.execute(f"CREATE POLICY batch ON {table} FOR SELECT TO ens_batch USING (true)")


def downgrade() -> None:
    op.execute("DROP FUNCTION consent_patient_of(uuid, uuid)")
    for name in ("clock", "request", "event", "version", "usage", "item", "consent"):
        op.drop_table(f"consent_{name}")
