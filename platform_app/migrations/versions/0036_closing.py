"""From which day a closed space is destroyed, and the function that takes away the rows of one that is."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

STATE = "ck_identity_patient_space_state"
FORMER = f"ck_identity_patient_{STATE}"
_DESTROY = "ens_destroy_rows(uuid, text[], int)"

# Whatever table has a patient is emptied, those that refer to others before those: one that comes later cannot be
# forgotten. Only what is being destroyed may be: the state is the application's to write, the function the batch role's
# to call. A person who still acts for somebody stays known.
_FUNCTION = """
CREATE FUNCTION ens_destroy_rows(p_patient uuid, p_spared text[], p_most int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_person uuid;
    v_table text;
    v_column text;
    v_owner uuid;
    v_count bigint;
BEGIN
    PERFORM FROM identity_patient WHERE id = p_patient AND space_state IN ('destroying', 'destroyed');
    IF NOT FOUND THEN
        RAISE EXCEPTION 'This space is not being destroyed.' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    SELECT p.id INTO v_person FROM identity_person p
     WHERE p.patient_id = p_patient
       AND NOT EXISTS (SELECT FROM identity_representation r
                        WHERE r.person_id = p.id AND r.patient_id <> p_patient AND r.state IN ('accepted', 'active'));
    FOR v_table, v_column IN
        WITH RECURSIVE
        owned AS (
            SELECT DISTINCT ON (c.oid) c.oid, c.relname, a.attname
              FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
               AND a.attname IN ('patient_id', 'person_id') AND NOT a.attisdropped AND c.relname <> ALL (p_spared)
             ORDER BY c.oid, a.attname
        ),
        depths AS (
            SELECT oid, 0 AS depth FROM owned
            UNION ALL
            SELECT k.confrelid, d.depth + 1 FROM depths d
              JOIN pg_constraint k ON k.conrelid = d.oid AND k.contype = 'f' AND k.confrelid <> k.conrelid
        )
        SELECT o.relname, o.attname FROM owned o JOIN depths d ON d.oid = o.oid
         GROUP BY o.relname, o.attname ORDER BY max(d.depth), o.relname
    LOOP
        v_owner := CASE v_column WHEN 'patient_id' THEN p_patient ELSE v_person END;
        EXECUTE format('DELETE FROM %1$I WHERE %2$I = $1 AND (tableoid, ctid) IN'
                       ' (SELECT tableoid, ctid FROM %1$I WHERE %2$I = $1 LIMIT $2)', v_table, v_column)
          USING v_owner, p_most;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        IF v_count > 0 THEN
            RETURN v_count;
        END IF;
    END LOOP;
    UPDATE core_audit SET actor_name = ''
     WHERE id IN (SELECT id FROM core_audit
                   WHERE actor_id = v_person AND on_behalf_of IS NULL AND actor_name <> '' LIMIT p_most);
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$$
"""


def upgrade() -> None:
    op.add_column("identity_patient", sa.Column("destroys_on", sa.Date))
    op.execute(
        "UPDATE identity_patient SET destroys_on = (state_changed_at AT TIME ZONE 'Europe/Paris')::date"
        " + interval '10 years' WHERE space_state = 'closed'"
    )
    _replace_states(FORMER, STATE, "'invited', 'open', 'opposed', 'closed', 'destroying', 'destroyed'")
    op.create_index(
        "ix_identity_patient_destroys_on",
        "identity_patient",
        ["destroys_on"],
        postgresql_where=sa.text("destroys_on IS NOT NULL"),
    )
    op.execute("GRANT SELECT (destroys_on) ON identity_patient TO ens_batch")
    op.create_index("ix_core_audit_actor_id", "core_audit", ["actor_id"])
    op.create_index("ix_consent_request_patient_id", "consent_request", ["patient_id"])
    op.create_index("ix_oauth_token_patient_id", "oauth_token", ["patient_id"])
    op.execute(_FUNCTION)
    op.execute(f"REVOKE ALL ON FUNCTION {_DESTROY} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {_DESTROY} TO ens_batch")


def _replace_states(was: str, name: str, allowed: str) -> None:
    check = f"ADD CONSTRAINT {name} CHECK (space_state IN ({allowed}))"
    op.execute(f"ALTER TABLE identity_patient DROP CONSTRAINT {was}, {check}")


def downgrade() -> None:
    op.execute(f"DROP FUNCTION {_DESTROY}")
    op.drop_index("ix_oauth_token_patient_id", "oauth_token")
    op.drop_index("ix_consent_request_patient_id", "consent_request")
    op.drop_index("ix_core_audit_actor_id", "core_audit")
    op.drop_index("ix_identity_patient_destroys_on", "identity_patient")
    op.execute("UPDATE identity_patient SET space_state = 'closed' WHERE space_state IN ('destroying', 'destroyed')")
    _replace_states(STATE, FORMER, "'invited', 'open', 'opposed', 'closed'")
    op.drop_column("identity_patient", "destroys_on")
