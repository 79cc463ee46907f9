"""What a patient keeps from one app (exclusions), what an app must erase (article 17), and measures that are hidden.

The guard brings the exclusions in the one row of each call.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BOUND = "patient_id = nullif(current_setting('ens.patient', true), '')::uuid"
INSTANT = sa.DateTime(timezone=True)
OPEN = "state IN ('asked', 'acknowledged')"
_AUTHORIZE = "ens_authorize(bytea, timestamptz)"
_LIST = "consent_list_erasures(uuid)"

_COLUMNS = """
    token_kind text,
    token_expires_at timestamptz,
    token_revoked_at timestamptz,
    jkt text,
    scope text,
    patient_id uuid,
    grant_id uuid,
    client_pk uuid,
    client_id text,
    client_status text,
    environment text,
    application_id uuid,
    app_name text,
    listing_state text,
    listing_expires_on date,
    consent_status text,
    consent_app_id uuid,
    consent_valid_until timestamptz,
    presence_until timestamptz,
    clock_offset interval,
    items jsonb
"""

_FUNCTION = """
CREATE FUNCTION ens_authorize(p_token_hash bytea, p_now timestamptz)
RETURNS TABLE ({columns})
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('ens.patient', coalesce((SELECT o.patient_id::text FROM oauth_token o
                                                 WHERE o.token_hash = p_token_hash), ''), true);
    RETURN QUERY
    SELECT t.kind, t.expires_at, t.revoked_at, t.jkt, t.scope, t.patient_id, t.grant_id,
           c.id, c.client_id, c.status, c.environment, c.application_id, coalesce(a.name, c.name),
           l.state, l.expires_on,
           s.status, s.app_id, s.valid_until, s.presence_until,
           make_interval(secs => coalesce(k.offset_seconds, 0)),
           (SELECT jsonb_agg(to_jsonb(i) || coalesce(to_jsonb(u), '{{}}'::jsonb))
              FROM consent_item i
              LEFT JOIN consent_usage u
                     ON u.patient_id = i.patient_id AND u.consent_id = i.consent_id
                    AND u.category = i.category AND u.access = i.access
             WHERE i.patient_id = t.patient_id AND i.consent_id = t.grant_id){selected}
      FROM oauth_token t
      JOIN oauth_client c ON c.id = t.client_pk
      LEFT JOIN store_application a ON a.id = c.application_id
      LEFT JOIN store_listing l ON l.application_id = c.application_id
      LEFT JOIN consent_consent s ON s.patient_id = t.patient_id AND s.id = t.grant_id
      LEFT JOIN consent_clock k
             ON c.environment = 'sandbox' AND k.client_pk = c.id AND k.patient_id = t.patient_id
     WHERE t.token_hash = p_token_hash;
END
$$
"""

_EXCLUDED = """,
           (SELECT array_agg(x.resource_id)
              FROM consent_exclusion x
             WHERE x.patient_id = t.patient_id AND x.application_id = s.app_id)"""


def upgrade() -> None:
    _exclusion()
    _erasure()
    op.add_column("dmp_measure", sa.Column("hidden_at", INSTANT))
    _redefine(f"{_COLUMNS}, excluded uuid[]", _EXCLUDED)


def _exclusion() -> None:
    op.create_table(
        "consent_exclusion",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("application_id", sa.Uuid, primary_key=True),
        sa.Column("resource_id", sa.Uuid, primary_key=True),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
    )
    _own("consent_exclusion")


def _erasure() -> None:
    op.create_table(
        "consent_erasure",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("consent_id", sa.Uuid, primary_key=True),
        sa.Column("application_id", sa.Uuid, nullable=False),
        sa.Column("patient_reference", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("acknowledged_at", INSTANT),
        sa.Column("closed_at", INSTANT),
        sa.Column("motive", sa.Text, nullable=False),
        sa.Column("reminded_at", INSTANT),
        sa.Column("overdue_at", INSTANT),
        sa.ForeignKeyConstraint(
            ["patient_id", "consent_id"],
            ["consent_consent.patient_id", "consent_consent.id"],
            name="fk_consent_erasure_patient_id_consent_consent",
        ),
        sa.CheckConstraint("state IN ('asked', 'acknowledged', 'done', 'refused')", name="ck_consent_erasure_state"),
        sa.CheckConstraint("(state = 'refused') = (motive <> '')", name="ck_consent_erasure_motive"),
    )
    op.create_index("ix_consent_erasure_application_id_asked_at", "consent_erasure", ["application_id", "asked_at"])
    op.create_index("ix_consent_erasure_due", "consent_erasure", ["due_at"], postgresql_where=sa.text(OPEN))
    _own("consent_erasure")
    op.execute("REVOKE DELETE ON consent_erasure FROM ens_app")
    op.execute("GRANT SELECT ON consent_erasure TO ens_batch")
    op.execute("CREATE POLICY batch ON consent_erasure FOR SELECT TO ens_batch USING (true)")
    # A publisher reads the requests put to its app across patients, each known by the id that this app has for them.
    op.execute(
        """
        CREATE FUNCTION consent_list_erasures(asked_of uuid)
        RETURNS TABLE (grant_id uuid, patient_reference text, state text, asked_at timestamptz, due_at timestamptz,
                       acknowledged_at timestamptz, closed_at timestamptz, motive text)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
        AS $$
            SELECT e.consent_id, e.patient_reference, e.state, e.asked_at, e.due_at, e.acknowledged_at, e.closed_at,
                   e.motive
              FROM public.consent_erasure AS e
             WHERE e.application_id = asked_of
             ORDER BY e.closed_at IS NOT NULL, e.due_at, e.consent_id
        $$
        """
    )
    op.execute(f"REVOKE ALL ON FUNCTION {_LIST} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {_LIST} TO ens_app")


def _own(table: str) -> None:
    """Row-level security: the application sees the rows of the patient bound to its transaction, and no other."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY bound ON {table} TO ens_app USING ({BOUND}) WITH CHECK ({BOUND})")


def _redefine(columns: str, selected: str) -> None:
    """A function that returns other columns is made anew, with the rights of the one before it."""
    op.execute(f"DROP FUNCTION {_AUTHORIZE}")
    op.execute(_FUNCTION.format(columns=columns, selected=selected))
    op.execute(f"REVOKE ALL ON FUNCTION {_AUTHORIZE} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {_AUTHORIZE} TO ens_app")


def downgrade() -> None:
    _redefine(_COLUMNS, "")
    op.execute(f"DROP FUNCTION {_LIST}")
    op.drop_column("dmp_measure", "hidden_at")
    op.drop_table("consent_erasure")
    op.drop_table("consent_exclusion")
