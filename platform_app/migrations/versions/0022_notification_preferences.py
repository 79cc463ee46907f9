"""Each person chooses what is announced by e-mail and where; a notice has a key, and is told once; what apps are told.

E-mails keep the name of their text and the token of their link, sealed, instead of the text itself.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
BOUND = "patient_id = nullif(current_setting('ens.patient', true), '')::uuid"
OPTIONAL = ("permissions", "first-access", "deadlines", "digest", "unused", "others")
TEMPLATES = {
    "Vous avez un nouveau message dans votre espace": "new-message",
    "Vous avez un nouveau message dans votre espace professionnel": "new-agent-message",
    "Votre espace numérique de santé va être créé": "space-invited",
    "Votre espace numérique de santé est fermé": "space-closed",
    "Vous êtes invité à rejoindre une organisation": "member-invited",
    "Votre signalement a reçu une réponse": "report-closed",
}
EVENTS = (
    *(f"consent.{act}" for act in ("granted", "amended", "paused", "resumed", "revoked", "expired", "ended")),
    "sync.requested",
    "erasure.requested",
    *(f"application.{act}" for act in ("suspended", "reinstated", "withdrawn")),
)


def upgrade() -> None:
    for table, owner in (("notification_message", "patient_id"), ("notification_agent_message", "agent_id")):
        op.add_column(table, sa.Column("key", sa.Text))
        op.create_index(
            f"uq_{table}_key", table, [owner, "key"], unique=True, postgresql_where=sa.text("key IS NOT NULL")
        )
    op.execute("GRANT SELECT (patient_id, key) ON notification_message TO ens_batch")
    op.execute("CREATE POLICY batch ON notification_message FOR SELECT TO ens_batch USING (true)")
    _preferences()
    _addresses()
    _emails()
    _announcements()
    _app_events()


def _preferences() -> None:
    op.rename_table("notification_preference", "notification_preference_of_space")
    op.execute("ALTER INDEX pk_notification_preference RENAME TO pk_notification_preference_of_space")
    op.create_table(
        "notification_preference",
        sa.Column("patient_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("by_email", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("patient_id", "person_id", "topic", name="pk_notification_preference"),
        sa.CheckConstraint(f"topic IN ({_quoted(OPTIONAL)})", name="topic"),
    )
    op.execute(
        f"""
        INSERT INTO notification_preference (patient_id, person_id, topic, by_email)
        SELECT declined.patient_id, person.id, topic, false
        FROM notification_preference_of_space AS declined
        JOIN identity_person AS person ON person.patient_id = declined.patient_id OR person.id IN (
            SELECT person_id FROM identity_representation WHERE patient_id = declined.patient_id)
        CROSS JOIN unnest(ARRAY[{_quoted(OPTIONAL)}]) AS topic
        WHERE NOT declined.by_email
        """  # noqa: S608 - our own words
    )
    op.drop_table("notification_preference_of_space")
    op.create_table(
        "notification_digest",
        sa.Column("patient_id", sa.Uuid, primary_key=True),
        sa.Column("every_days", sa.Integer, nullable=False),
        sa.CheckConstraint("every_days IN (30, 90, 180)", name="every_days"),
    )
    for table in ("notification_preference", "notification_digest"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY bound ON {table} TO ens_app USING ({BOUND}) WITH CHECK ({BOUND})")


def _addresses() -> None:
    op.create_table(
        "notification_address",
        sa.Column("person_id", sa.Uuid, primary_key=True),
        sa.Column("address_sealed", sa.LargeBinary, nullable=False),
        sa.Column("confirmed_at", INSTANT, nullable=False),
    )
    op.create_table(
        "notification_address_change",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("patient_id", sa.Uuid, nullable=False),
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("address_sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.UniqueConstraint("token_hash", name="uq_notification_address_change_token_hash"),
        sa.CheckConstraint("expires_at > created_at", name="life"),
    )
    op.create_index(
        "ix_notification_address_change_person_id", "notification_address_change", ["person_id", "created_at"]
    )
    op.execute("GRANT SELECT, DELETE ON notification_address_change TO ens_batch")


def _emails() -> None:
    table = "notification_email"
    op.add_column(table, sa.Column("template", sa.Text))
    named = " ".join(f"WHEN '{subject}' THEN '{name}'" for subject, name in TEMPLATES.items())
    op.execute(f"UPDATE {table} SET template = CASE subject {named} ELSE 'new-message' END")  # noqa: S608 - our own words
    op.alter_column(table, "template", nullable=False)
    op.drop_column(table, "subject")
    op.drop_column(table, "body")
    op.add_column(table, sa.Column("recipient_lookup", sa.LargeBinary))
    op.add_column(table, sa.Column("token_sealed", sa.LargeBinary))
    op.add_column(table, sa.Column("taken_at", INSTANT))
    op.create_index(f"ix_{table}_recipient_lookup", table, ["recipient_lookup", "created_at"])
    op.execute(f"GRANT SELECT, DELETE ON {table} TO ens_batch")


def _announcements() -> None:
    op.create_table(
        "consent_announcement",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("application_id", sa.Uuid, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.Column("decided_by", sa.Uuid, nullable=False),
        sa.Column("decider_name", sa.Text, nullable=False),
        sa.Column("cursor", sa.Uuid),
        sa.Column("told", sa.Integer, nullable=False),
        sa.Column("ended_at", INSTANT),
    )
    op.create_index(
        "ix_consent_announcement_application_id_decided_at", "consent_announcement", ["application_id", "decided_at"]
    )
    op.create_index("ix_consent_consent_of_app", "consent_consent", ["app_id", "id"])
    op.execute("GRANT SELECT ON consent_announcement TO ens_batch")
    op.execute("REVOKE DELETE ON consent_announcement FROM ens_app")


def _app_events() -> None:
    op.create_table(
        "consent_app_event",
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("app_id", sa.Uuid, nullable=False),
        sa.Column("client_pk", sa.Uuid),
        sa.Column("grant_id", sa.Uuid),
        sa.Column("subject", sa.Uuid),
        sa.Column("data", JSONB, nullable=False),
        sa.UniqueConstraint("id", name="uq_consent_app_event_id"),
        sa.CheckConstraint(f"type IN ({_quoted(EVENTS)})", name="type"),
        sa.CheckConstraint("(grant_id IS NULL) = (subject IS NULL)", name="subject"),
    )
    op.create_index("ix_consent_app_event_app_id_position", "consent_app_event", ["app_id", "position"])
    op.create_index("ix_consent_app_event_grant_id_position", "consent_app_event", ["grant_id", "position"])
    op.create_index("ix_consent_app_event_created_at", "consent_app_event", ["created_at"])
    op.execute("REVOKE UPDATE, DELETE ON consent_app_event FROM ens_app")
    op.execute("GRANT SELECT, DELETE ON consent_app_event TO ens_batch")


def _quoted(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def downgrade() -> None:
    op.drop_index("ix_consent_consent_of_app", "consent_consent")
    for table in ("consent_app_event", "consent_announcement"):
        op.drop_table(table)
    _restore_emails()
    for table in ("notification_address_change", "notification_address", "notification_digest"):
        op.drop_table(table)
    op.drop_table("notification_preference")
    op.create_table(
        "notification_preference",
        sa.Column("patient_id", sa.Uuid, nullable=False),
        sa.Column("by_email", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("patient_id", name="pk_notification_preference"),
    )
    op.execute("ALTER TABLE notification_preference ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY bound ON notification_preference TO ens_app USING ({BOUND}) WITH CHECK ({BOUND})")
    op.execute("DROP POLICY batch ON notification_message")
    op.execute("REVOKE SELECT (patient_id, key) ON notification_message FROM ens_batch")
    for table in ("notification_message", "notification_agent_message"):
        op.drop_index(f"uq_{table}_key", table)
        op.drop_column(table, "key")


def _restore_emails() -> None:
    """The texts that waited are those of a new message: nobody is sent what they were not meant to read."""
    table = "notification_email"
    op.execute(f"REVOKE ALL ON {table} FROM ens_batch")
    op.drop_index(f"ix_{table}_recipient_lookup", table)
    for column in ("recipient_lookup", "token_sealed", "taken_at", "template"):
        op.drop_column(table, column)
    for column, text in (("subject", "Vous avez un nouveau message"), ("body", "Connectez-vous à votre espace.")):
        op.add_column(table, sa.Column(column, sa.Text, nullable=False, server_default=text))
        op.alter_column(table, column, server_default=None)
