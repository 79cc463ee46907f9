"""Representation by right: kinds, states, the limits and the end of a mandate, invitations to a helper."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TABLE = "identity_representation"
KINDS = "'parental-authority', 'guardianship', 'mandate'"
STATES = "'invited', 'accepted', 'active', 'refused', 'revoked', 'expired', 'ended'"
CHECKS = {
    "kind": f"kind IN ({KINDS})",
    "state": f"state IN ({STATES})",
    "limits": "(kind = 'mandate') = (powers <> '{}')",
    "end": "kind <> 'mandate' OR valid_until IS NOT NULL",
    "known": "person_id IS NOT NULL OR state NOT IN ('accepted', 'active')",
}
ADDED = {
    "id": (sa.Uuid, "gen_random_uuid()"),
    "kind": (sa.Text, "'parental-authority'"),
    "state": (sa.Text, "'active'"),
    "powers": (ARRAY(sa.Text), "'{}'"),
    "excluded": (ARRAY(sa.Text), "'{}'"),
    "valid_from": (sa.Date, "CURRENT_DATE"),
    "state_changed_at": (sa.DateTime(timezone=True), "now()"),
}


def upgrade() -> None:
    for name, (kind, filled) in ADDED.items():
        op.add_column(TABLE, sa.Column(name, kind, nullable=False, server_default=sa.text(filled)))
        op.alter_column(TABLE, name, server_default=None)
    op.execute(
        "UPDATE identity_representation SET valid_from = created_at::date, state_changed_at = created_at,"
        " kind = CASE quality WHEN 'guardian' THEN 'guardianship' ELSE kind END"
    )
    op.drop_column(TABLE, "quality")
    op.add_column(TABLE, sa.Column("reference_sealed", sa.LargeBinary))
    op.add_column(TABLE, sa.Column("email_lookup", sa.LargeBinary))
    op.add_column(TABLE, sa.Column("email_sealed", sa.LargeBinary))
    op.add_column(TABLE, sa.Column("answer_by", sa.DateTime(timezone=True)))
    op.drop_constraint(f"pk_{TABLE}", TABLE)
    op.create_primary_key(f"pk_{TABLE}", TABLE, ["id"])
    op.create_index(f"ix_{TABLE}_patient_id", TABLE, ["patient_id"])
    op.alter_column(TABLE, "person_id", nullable=True)
    for name, condition in CHECKS.items():
        op.create_check_constraint(name, TABLE, condition)
    op.create_index(f"ix_{TABLE}_email_lookup", TABLE, ["email_lookup"])
    op.create_index(
        f"uq_{TABLE}_active",
        TABLE,
        ["patient_id", "person_id"],
        unique=True,
        postgresql_where=sa.text("state = 'active'"),
    )


def downgrade() -> None:
    op.execute("DELETE FROM identity_representation WHERE state <> 'active' OR kind = 'mandate'")
    op.drop_index(f"uq_{TABLE}_active", TABLE)
    op.drop_index(f"ix_{TABLE}_email_lookup", TABLE)
    op.drop_index(f"ix_{TABLE}_patient_id", TABLE)
    for name in CHECKS:
        op.drop_constraint(f"ck_{TABLE}_{name}", TABLE)
    op.drop_constraint(f"pk_{TABLE}", TABLE)
    op.create_primary_key(f"pk_{TABLE}", TABLE, ["patient_id", "person_id"])
    op.add_column(TABLE, sa.Column("quality", sa.Text))
    op.execute(
        "UPDATE identity_representation SET quality = CASE kind WHEN 'guardianship' THEN 'guardian' ELSE 'parent' END"
    )
    op.alter_column(TABLE, "quality", nullable=False)
    for name in [*ADDED, "reference_sealed", "email_lookup", "email_sealed", "answer_by"]:
        op.drop_column(TABLE, name)
