"""How surely, by what means and when the person behind a token proved who they are (RFC 9470): the row of a data call
tells it, and a code keeps the means for the id_token. What a token and a code stand for is never changed again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

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
    excluded uuid[]
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
             WHERE x.patient_id = t.patient_id AND x.application_id = s.app_id){selected}
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


def upgrade() -> None:
    op.add_column("oauth_code", sa.Column("amr", sa.Text, nullable=False, server_default=""))
    op.execute("REVOKE UPDATE ON oauth_token, oauth_code FROM ens_app")
    op.execute("GRANT UPDATE (revoked_at, rotated_at) ON oauth_token TO ens_app")
    op.execute("GRANT UPDATE (used_at) ON oauth_code TO ens_app")
    _redefine(f"{_COLUMNS}, assurance text, signed_in_at timestamptz", ", t.assurance, t.signed_in_at")


def downgrade() -> None:
    _redefine(_COLUMNS, "")
    op.execute("GRANT UPDATE ON oauth_token, oauth_code TO ens_app")
    op.drop_column("oauth_code", "amr")


def _redefine(columns: str, selected: str) -> None:
    """A function that returns other columns is made anew, with the rights of the one before it."""
    op.execute(f"DROP FUNCTION {_SIGNATURE}")
    op.execute(_FUNCTION.format(columns=columns, selected=selected))
    op.execute(f"REVOKE ALL ON FUNCTION {_SIGNATURE} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {_SIGNATURE} TO ens_app")
