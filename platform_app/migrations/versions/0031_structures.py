"""Professionals' software: the structures that hold its clients, codes and tokens that stand for a professional
instead of a patient, and what a data call needs to know of them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
_STATES = "state IN ('active', 'suspended', 'ended')"
_ONE_OWNER = "structure_id IS NULL OR (application_id IS NULL AND environment = 'production' AND profile = 'fapi2')"
_ONE_BEARER = (
    "CASE WHEN professional_id IS NULL THEN patient_id IS NOT NULL AND person_id IS NOT NULL AND grant_id IS NOT NULL"
    " ELSE patient_id IS NULL AND person_id IS NULL AND grant_id IS NULL END"
)
_NO_PATIENT = "professional_id IS NULL OR (patient_id IS NULL AND person_id IS NULL AND grant_id IS NULL)"
_OF_CLIENTS = "(SELECT id FROM oauth_client WHERE structure_id IS NOT NULL)"
_SIGNATURE = "ens_authorize(bytea, timestamptz)"
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
    items jsonb,
    excluded uuid[],
    assurance text,
    signed_in_at timestamptz
"""
_OF_STRUCTURES = """,
    professional_id uuid,
    structure_id uuid,
    structure_name text,
    structure_state text
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
             WHERE i.patient_id = t.patient_id AND i.consent_id = t.grant_id),
           (SELECT array_agg(x.resource_id)
              FROM consent_exclusion x
             WHERE x.patient_id = t.patient_id AND x.application_id = s.app_id),
           t.assurance, t.signed_in_at{selected}
      FROM oauth_token t
      JOIN oauth_client c ON c.id = t.client_pk
      LEFT JOIN store_application a ON a.id = c.application_id
      LEFT JOIN store_listing l ON l.application_id = c.application_id
      LEFT JOIN consent_consent s ON s.patient_id = t.patient_id AND s.id = t.grant_id
      LEFT JOIN consent_clock k
             ON c.environment = 'sandbox' AND k.client_pk = c.id AND k.patient_id = t.patient_id{joined}
     WHERE t.token_hash = p_token_hash;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "oauth_structure",
        sa.Column("id", sa.Uuid, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("finess", "name", "state")),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("created_at", "state_changed_at")),
        sa.CheckConstraint(_STATES, name="state"),
    )
    present = sa.text("state <> 'ended'")
    op.create_index("uq_oauth_structure_finess", "oauth_structure", ["finess"], unique=True, postgresql_where=present)
    op.execute("REVOKE UPDATE, DELETE ON oauth_structure FROM ens_app")
    op.execute("GRANT UPDATE (state, state_changed_at) ON oauth_structure TO ens_app")
    op.add_column("oauth_client", sa.Column("structure_id", sa.Uuid, sa.ForeignKey("oauth_structure.id")))
    op.create_index("ix_oauth_client_structure_id", "oauth_client", ["structure_id"])
    _own("application_id IS NOT NULL OR structure_id IS NOT NULL")
    op.create_check_constraint("structure", "oauth_client", _ONE_OWNER)
    op.add_column("oauth_authorization_request", sa.Column("browser_hash", sa.LargeBinary))
    op.alter_column("oauth_authorization_request", "asked", nullable=True)
    for name in ("patient_id", "person_id", "grant_id"):
        op.alter_column("oauth_code", name, nullable=True)
    op.add_column("oauth_code", sa.Column("professional_id", sa.Uuid))
    op.create_check_constraint("bearer", "oauth_code", _ONE_BEARER)
    for name in ("professional_id", "session_id"):
        op.add_column("oauth_token", sa.Column(name, sa.Uuid))
        there = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"ix_oauth_token_{name}", "oauth_token", [name], postgresql_where=there)
    op.create_check_constraint("bearer", "oauth_token", _NO_PATIENT)
    _redefine(
        _COLUMNS + _OF_STRUCTURES,
        ", t.professional_id, z.id, z.name, z.state",
        " LEFT JOIN oauth_structure z ON z.id = c.structure_id",
    )


def downgrade() -> None:
    _redefine(_COLUMNS, "", "")
    op.execute("DELETE FROM oauth_token WHERE professional_id IS NOT NULL")
    op.drop_constraint("bearer", "oauth_token", type_="check")
    for name in ("professional_id", "session_id"):
        op.drop_column("oauth_token", name)
    op.execute("DELETE FROM oauth_code WHERE professional_id IS NOT NULL")
    op.drop_constraint("bearer", "oauth_code", type_="check")
    op.drop_column("oauth_code", "professional_id")
    for name in ("patient_id", "person_id", "grant_id"):
        op.alter_column("oauth_code", name, nullable=False)
    op.execute("DELETE FROM oauth_authorization_request WHERE asked IS NULL")
    op.alter_column("oauth_authorization_request", "asked", nullable=False)
    op.drop_column("oauth_authorization_request", "browser_hash")
    for table in ("oauth_client_key", "oauth_client_keyset", "oauth_login", "oauth_authorization_request"):
        op.execute(f"DELETE FROM {table} WHERE client_pk IN {_OF_CLIENTS}")  # noqa: S608 - names of ours
    op.execute("DELETE FROM oauth_client WHERE structure_id IS NOT NULL")
    op.drop_constraint("structure", "oauth_client", type_="check")
    _own("application_id IS NOT NULL")
    op.drop_column("oauth_client", "structure_id")
    op.drop_table("oauth_structure")


def _own(owner: str) -> None:
    """Who a production client belongs to."""
    op.drop_constraint("production_application", "oauth_client", type_="check")
    op.create_check_constraint("production_application", "oauth_client", f"environment = 'sandbox' OR {owner}")


def _redefine(columns: str, selected: str, joined: str) -> None:
    """A function that returns other columns is made anew, with the rights of the one before it."""
    op.execute(f"DROP FUNCTION {_SIGNATURE}")
    op.execute(_FUNCTION.format(columns=columns, selected=selected, joined=joined))
    op.execute(f"REVOKE ALL ON FUNCTION {_SIGNATURE} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {_SIGNATURE} TO ens_app")
