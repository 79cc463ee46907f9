"""Identity: patients, persons, representation, professionals, organisations, sign-ins, browser sessions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _patients()
    _professionals()
    _organisations()
    _sign_ins()


def _patients() -> None:
    op.create_table(
        "identity_patient",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("ins_sealed", sa.LargeBinary),
        sa.Column("ins_lookup", sa.LargeBinary),
        sa.Column("ins_oid", sa.Text),
        sa.Column("birth_family_name", sa.Text, nullable=False),
        sa.Column("birth_given_names", sa.Text, nullable=False),
        sa.Column("used_name", sa.Text),
        sa.Column("birth_date", sa.Date, nullable=False),
        sa.Column("sex", sa.Text, nullable=False),
        sa.Column("birth_place", sa.Text, nullable=False),
        sa.Column("identity_status", sa.Text, nullable=False),
        sa.Column("email_sealed", sa.LargeBinary),
        sa.Column("synthetic", sa.Boolean, nullable=False),
        sa.Column("space_state", sa.Text, nullable=False),
        sa.Column("opens_on", sa.Date),
        sa.Column("state_changed_at", TIME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_patient"),
        sa.UniqueConstraint("ins_lookup", name="uq_identity_patient_ins_lookup"),
        sa.CheckConstraint(
            "identity_status IN ('PROV', 'RECUP', 'VALI', 'QUAL')", name="ck_identity_patient_identity_status"
        ),
        sa.CheckConstraint(
            "space_state IN ('invited', 'open', 'opposed', 'closed')", name="ck_identity_patient_space_state"
        ),
        sa.CheckConstraint("(ins_sealed IS NULL) = (ins_lookup IS NULL)", name="ck_identity_patient_ins_whole"),
    )
    op.create_index(
        "ix_identity_patient_opening",
        "identity_patient",
        ["opens_on"],
        postgresql_where=sa.text("space_state = 'invited'"),
    )
    op.create_index("ix_identity_patient_synthetic", "identity_patient", ["id"], postgresql_where=sa.text("synthetic"))
    op.execute("REVOKE DELETE ON identity_patient FROM ens_app")
    op.execute("GRANT SELECT (id, space_state, opens_on) ON identity_patient TO ens_batch")
    op.create_table(
        "identity_person",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("patient_id", sa.Uuid, nullable=False),
        sa.Column("email_sealed", sa.LargeBinary),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("last_signed_in_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_identity_person"),
        sa.UniqueConstraint("issuer", "subject", name="uq_identity_person_issuer_subject"),
        sa.UniqueConstraint("patient_id", name="uq_identity_person_patient_id"),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["identity_patient.id"], name="fk_identity_person_patient_id_identity_patient"
        ),
    )
    op.create_table(
        "identity_representation",
        sa.Column("patient_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("quality", sa.Text, nullable=False),
        sa.Column("valid_until", sa.Date),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("patient_id", "person_id", name="pk_identity_representation"),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["identity_patient.id"], name="fk_identity_representation_patient_id_identity_patient"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["identity_person.id"], name="fk_identity_representation_person_id_identity_person"
        ),
    )
    op.create_index("ix_identity_representation_person_id", "identity_representation", ["person_id"])


def _professionals() -> None:
    op.create_table(
        "identity_professional",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("rpps", sa.Text, nullable=False),
        sa.Column("family_name", sa.Text, nullable=False),
        sa.Column("given_name", sa.Text, nullable=False),
        sa.Column("profession", sa.Text, nullable=False),
        sa.Column("speciality", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("last_signed_in_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_identity_professional"),
        sa.UniqueConstraint("rpps", name="uq_identity_professional_rpps"),
    )


def _organisations() -> None:
    op.create_table(
        "identity_organisation",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("siren", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_organisation"),
        sa.UniqueConstraint("siren", name="uq_identity_organisation_siren"),
    )
    op.create_table(
        "identity_agent",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("family_name", sa.Text, nullable=False),
        sa.Column("given_name", sa.Text, nullable=False),
        sa.Column("email_sealed", sa.LargeBinary),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("last_signed_in_at", TIME),
        sa.PrimaryKeyConstraint("id", name="pk_identity_agent"),
        sa.UniqueConstraint("issuer", "subject", name="uq_identity_agent_issuer_subject"),
    )
    op.create_table(
        "identity_member",
        sa.Column("organisation_id", sa.Uuid, nullable=False),
        sa.Column("agent_id", sa.Uuid, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("organisation_id", "agent_id", "role", name="pk_identity_member"),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["identity_organisation.id"],
            name="fk_identity_member_organisation_id_identity_organisation",
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["identity_agent.id"], name="fk_identity_member_agent_id_identity_agent"),
        sa.CheckConstraint(
            "role IN ('publisher', 'reviewer', 'decider', 'commission')", name="ck_identity_member_role"
        ),
    )
    op.create_index("ix_identity_member_agent_id", "identity_member", ["agent_id"])


def _sign_ins() -> None:
    op.create_table(
        "identity_sign_in_attempt",
        sa.Column("state_hash", sa.LargeBinary, nullable=False),
        sa.Column("browser_hash", sa.LargeBinary, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("nonce", sa.Text, nullable=False),
        sa.Column("verifier_sealed", sa.LargeBinary, nullable=False),
        sa.Column("next_path", sa.Text, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name="pk_identity_sign_in_attempt"),
    )
    op.create_table(
        "identity_session",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("data", JSONB, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identity_session"),
        sa.UniqueConstraint("token_hash", name="uq_identity_session_token_hash"),
    )
    op.create_index("ix_identity_session_seen_at", "identity_session", ["seen_at"])


def downgrade() -> None:
    for table in (
        "identity_session",
        "identity_sign_in_attempt",
        "identity_member",
        "identity_agent",
        "identity_organisation",
        "identity_professional",
        "identity_representation",
        "identity_person",
        "identity_patient",
    ):
        op.drop_table(table)
