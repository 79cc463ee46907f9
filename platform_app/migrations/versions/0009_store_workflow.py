"""The whole procedure of referencing: phases of a submission, questions, commission, convention, tests, audits.

Decisions, events, notes and the turns of a question are append-only for the application's role. Submissions that were
listed say so from now on; proposals to accept or to refuse become proposed opinions.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_OPINIONS = "'favourable', 'favourable_non_suspensive', 'favourable_suspensive', 'unfavourable'"
_STATES_BEFORE = "'draft', 'submitted', 'in_evaluation', 'complements_requested', 'accepted', 'refused'"
_STATES = (
    "'draft', 'submitted', 'admissible', 'inadmissible', 'in_evaluation', 'complements_requested', 'opinion_given',"
    " 'accepted', 'refused', 'convention_signed', 'interop_tests', 'listed', 'abandoned'"
)
_PHASES = (
    "'admissibility', 'evaluation', 'complements', 'commission', 'reservations', 'reservation_review', 'decision',"
    " 'convention', 'countersignature', 'interop', 'listing'"
)
_VERBS_BEFORE = (
    "'submit', 'take_in_charge', 'request_complements', 'answer_complements', 'propose_acceptance',"
    " 'propose_refusal', 'accept', 'refuse', 'list', 'suspend', 'reinstate', 'withdraw', 'expire'"
)
_VERBS = (
    "'abandon', 'accept', 'answer', 'answer_complements', 'archive', 'ask', 'assign', 'carry_convention_over', 'claim',"
    " 'close', 'countersign_convention', 'declare_admissible', 'declare_inadmissible', 'decline', 'expire', 'express',"
    " 'give_opinion', 'issue_report', 'lapse', 'lift', 'list', 'open', 'pass_interop_tests', 'plan', 'propose_opinion',"
    " 'publish', 'refuse', 'reinstate', 'release', 'reopen', 'report_correction', 'request_complements',"
    " 'request_documents', 'require_corrections', 'resume_evaluation', 'send_documents', 'sign_convention',"
    " 'start_evaluation', 'start_interop_tests', 'submit', 'suspend', 'take_in_charge', 'visit', 'withdraw'"
)
_BEHAVIOURS = (
    "'pkce', 'proof_of_possession', 'valid_write', 'honours_retry_after', 'stops_after_revocation', 'receives_webhook'"
)
_FINAL_BEFORE = "'accepted', 'refused'"
_FINAL = "'abandoned', 'inadmissible', 'listed', 'refused'"


def upgrade() -> None:
    _widen_submission()
    _widen_history()
    _create_reviews()
    _create_commission()
    _create_convention()
    _create_interop()
    _create_audits()
    _create_versions()
    op.create_table(
        "store_reminder",
        sa.Column("subject_id", sa.Uuid, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("sent_at", _TIME, nullable=False),
    )
    op.execute("REVOKE UPDATE, DELETE ON store_note, store_question_message, store_reminder FROM ens_app")


def _create_versions() -> None:
    op.create_table(
        "store_version",
        sa.Column("submission_id", sa.Uuid, sa.ForeignKey("store_submission.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("dossier", JSONB, nullable=False),
        sa.Column("grid_version", sa.Text, nullable=False),
        sa.Column("submitted_at", _TIME, nullable=False),
        sa.Column("submitted_by", sa.Uuid),
        sa.Column("submitted_by_name", sa.Text, nullable=False),
        sa.CheckConstraint("number > 0", name="number"),
    )
    op.execute("REVOKE UPDATE, DELETE ON store_version FROM ens_app")


def _widen_submission() -> None:
    op.drop_index("uq_store_submission_open", "store_submission")
    for name, type_ in (
        ("kind", sa.Text()),
        ("opinion", sa.Text()),
        ("phase", sa.Text()),
        ("waiting_on", sa.Text()),
        ("due_at", _TIME),
        ("flagged", ARRAY(sa.Text)),
        ("evaluators", ARRAY(sa.Uuid)),
    ):
        op.add_column("store_submission", sa.Column(name, type_))
    _swap_check("store_submission", "state", f"state IN ({_STATES})")
    op.execute(
        "UPDATE store_submission s SET kind = CASE WHEN EXISTS (SELECT FROM store_event e WHERE e.verb = 'list'"
        " AND e.application_id = s.application_id AND e.occurred_at < s.created_at) THEN 'amendment' ELSE 'first' END,"
        " flagged = '{}',"
        " evaluators = ARRAY(SELECT DISTINCT v.reviewer_id FROM store_verdict v WHERE v.submission_id = s.id),"
        " proposal = CASE proposal WHEN 'propose_acceptance' THEN 'favourable'"
        " WHEN 'propose_refusal' THEN 'unfavourable' END,"
        " opinion = CASE WHEN state = 'accepted' THEN 'favourable' WHEN state = 'refused' THEN 'unfavourable' END"
    )
    op.execute(
        "UPDATE store_submission SET state = 'listed' WHERE state = 'accepted' AND id IN"
        " (SELECT submission_id FROM store_event WHERE verb = 'list')"
    )
    op.execute(
        "UPDATE store_submission s SET state = 'abandoned' WHERE state = 'accepted' AND EXISTS"
        " (SELECT FROM store_submission n WHERE n.application_id = s.application_id AND n.number > s.number)"
    )
    op.execute(
        "UPDATE store_submission SET phase = now.phase, waiting_on = now.role, due_at = updated_at + now.days"
        " FROM (VALUES ('submitted', 'admissibility', 'reviewer', interval '15 days'),"
        " ('in_evaluation', 'evaluation', 'reviewer', interval '60 days'),"
        " ('complements_requested', 'complements', 'publisher', interval '30 days'),"
        " ('accepted', 'convention', 'publisher', interval '30 days')) AS now (state, phase, role, days)"
        " WHERE store_submission.state = now.state"
    )
    for column in ("kind", "flagged", "evaluators"):
        op.alter_column("store_submission", column, nullable=False)
    op.create_check_constraint("kind", "store_submission", "kind IN ('first', 'amendment', 'renewal')")
    op.create_check_constraint("proposal", "store_submission", f"proposal IN ({_OPINIONS})")
    op.create_check_constraint("opinion", "store_submission", f"opinion IN ({_OPINIONS})")
    op.create_check_constraint("phase", "store_submission", f"phase IN ({_PHASES})")
    op.create_check_constraint(
        "waiting_on",
        "store_submission",
        "waiting_on IN ('publisher', 'reviewer', 'commission', 'decider', 'system')",
    )
    op.create_index("ix_store_submission_evaluator_id", "store_submission", ["evaluator_id"])
    op.create_index(
        "ix_store_submission_due_at", "store_submission", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL")
    )
    _index_open(_FINAL)


def _widen_history() -> None:
    op.add_column("store_decision", sa.Column("against_opinion", sa.Boolean))
    op.execute("UPDATE store_decision SET against_opinion = false")
    op.alter_column("store_decision", "against_opinion", nullable=False)
    for table in ("store_decision", "store_event"):
        op.drop_constraint("verb", table, type_="check")
        op.execute(f"UPDATE {table} SET verb = 'propose_opinion' WHERE verb LIKE 'propose_%'")  # noqa: S608 - our own words
        op.create_check_constraint("verb", table, f"verb IN ({_VERBS})")
    _number_events()
    op.create_unique_constraint("uq_store_event_position", "store_event", ["position"])
    op.add_column("store_event", sa.Column("subject", sa.Text))
    op.add_column("store_event", sa.Column("subject_id", sa.Uuid))
    op.execute(
        "UPDATE store_event e SET subject = 'listing', subject_id = l.id FROM store_listing l"
        " WHERE l.application_id = e.application_id"
        " AND e.verb IN ('list', 'suspend', 'reinstate', 'withdraw', 'expire')"
    )
    op.execute("UPDATE store_event SET subject = 'submission', subject_id = submission_id WHERE subject IS NULL")
    for column in ("subject", "subject_id"):
        op.alter_column("store_event", column, nullable=False)
    op.create_check_constraint(
        "subject", "store_event", "subject IN ('submission', 'listing', 'question', 'reservation', 'audit')"
    )


def _number_events() -> None:
    """Number the events in their order; those to come follow."""
    op.execute("ALTER TABLE store_event ADD COLUMN position bigint")
    op.execute(
        "UPDATE store_event e SET position = n.position FROM"
        " (SELECT id, row_number() OVER (ORDER BY occurred_at, id) AS position FROM store_event) n WHERE n.id = e.id"
    )
    op.execute("ALTER TABLE store_event ALTER COLUMN position SET NOT NULL")
    op.execute("ALTER TABLE store_event ALTER COLUMN position ADD GENERATED ALWAYS AS IDENTITY")
    op.execute(
        "SELECT setval(pg_get_serial_sequence('store_event', 'position'), max(position)) FROM store_event"
        " HAVING max(position) IS NOT NULL"
    )


def _create_reviews() -> None:
    op.create_table(
        "store_note",
        sa.Column("id", sa.Uuid, primary_key=True),
        _submission(index=True),
        sa.Column("criterion", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("author_id", sa.Uuid, nullable=False),
        sa.Column("author_name", sa.Text, nullable=False),
        sa.Column("written_at", _TIME, nullable=False),
        sa.CheckConstraint("btrim(text) <> ''", name="text"),
    )
    op.create_table(
        "store_question",
        sa.Column("id", sa.Uuid, primary_key=True),
        _application(),
        _submission(index=True),
        sa.Column("criterion", sa.Text),
        sa.Column("section", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.CheckConstraint("state IN ('open', 'answered', 'closed')", name="state"),
        sa.CheckConstraint("num_nonnulls(criterion, section) = 1", name="target"),
    )
    op.create_index(
        "ix_store_question_due_on", "store_question", ["due_on"], postgresql_where=sa.text("state = 'open'")
    )
    op.create_table(
        "store_question_message",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("question_id", sa.Uuid, sa.ForeignKey("store_question.id"), nullable=False, index=True),
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), nullable=False, unique=True),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("evidence_ids", ARRAY(sa.Uuid), nullable=False),
        sa.Column("author_id", sa.Uuid, nullable=False),
        sa.Column("author_name", sa.Text, nullable=False),
        sa.Column("written_at", _TIME, nullable=False),
        sa.CheckConstraint("side IN ('publisher', 'reviewer')", name="side"),
        sa.CheckConstraint("btrim(text) <> ''", name="text"),
    )


def _create_commission() -> None:
    op.create_table(
        "store_session",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("starts_at", _TIME, nullable=False, index=True),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("remote_url", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("planned_by", sa.Uuid, nullable=False),
        sa.Column("planned_by_name", sa.Text, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("opened_at", _TIME),
        sa.Column("closed_at", _TIME),
        sa.CheckConstraint("state IN ('planned', 'open', 'closed')", name="state"),
        sa.CheckConstraint("place <> '' OR remote_url <> ''", name="somewhere"),
    )
    op.create_table(
        "store_agenda_item",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("session_id", sa.Uuid, sa.ForeignKey("store_session.id"), nullable=False, index=True),
        _submission(),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("opinion", sa.Text),
        sa.Column("motive", sa.Text, nullable=False),
        sa.Column("concluded_at", _TIME),
        sa.CheckConstraint(f"opinion IN ({_OPINIONS})", name="opinion"),
        sa.CheckConstraint("(opinion IS NULL) = (concluded_at IS NULL)", name="conclusion"),
        sa.UniqueConstraint("session_id", "submission_id"),
    )
    op.create_index(
        "uq_store_agenda_item_waiting",
        "store_agenda_item",
        ["submission_id"],
        unique=True,
        postgresql_where=sa.text("opinion IS NULL"),
    )
    for table, columns in {
        "store_interest": [sa.Column("links", sa.Text, nullable=False), _at("declared_at")],
        "store_vote": [
            sa.Column("ballot", sa.Text, nullable=False),
            _at("cast_at"),
            sa.CheckConstraint(f"ballot IN ({_OPINIONS}, 'abstain')", name="ballot"),
        ],
    }.items():
        item = sa.ForeignKey("store_agenda_item.id", ondelete="CASCADE")
        op.create_table(
            table,
            sa.Column("item_id", sa.Uuid, item, primary_key=True),
            sa.Column("member_id", sa.Uuid, primary_key=True),
            sa.Column("member_name", sa.Text, nullable=False),
            *columns,
        )
    op.create_table(
        "store_reservation",
        sa.Column("id", sa.Uuid, primary_key=True),
        _application(),
        _submission(index=True),
        sa.Column("criterion", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("suspensive", sa.Boolean, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("claim", sa.Text, nullable=False),
        sa.Column("claimed_at", _TIME),
        sa.Column("evidence_ids", ARRAY(sa.Uuid), nullable=False),
        sa.CheckConstraint("state IN ('open', 'lifted', 'lapsed')", name="state"),
        sa.CheckConstraint("btrim(text) <> ''", name="text"),
    )
    op.create_index(
        "ix_store_reservation_due_on", "store_reservation", ["due_on"], postgresql_where=sa.text("state = 'open'")
    )


def _create_convention() -> None:
    op.create_table(
        "store_convention",
        sa.Column("submission_id", sa.Uuid, sa.ForeignKey("store_submission.id"), primary_key=True),
        _application(index=True),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("text_hash", sa.Text, nullable=False),
        sa.Column("quality", sa.Text, nullable=False),
        sa.Column("signed_by", sa.Uuid, nullable=False),
        sa.Column("signed_by_name", sa.Text, nullable=False),
        _at("signed_at"),
        sa.Column("countersigned_by", sa.Uuid),
        sa.Column("countersigned_by_name", sa.Text, nullable=False),
        sa.Column("countersigned_at", _TIME),
    )


def _create_interop() -> None:
    op.create_table(
        "store_observation",
        sa.Column("application_id", sa.Uuid, sa.ForeignKey("store_application.id"), primary_key=True),
        sa.Column("behaviour", sa.Text, primary_key=True),
        _at("observed_at"),
        _known_behaviour(),
    )
    op.create_table(
        "store_interop_check",
        sa.Column("submission_id", sa.Uuid, sa.ForeignKey("store_submission.id"), primary_key=True),
        sa.Column("behaviour", sa.Text, primary_key=True),
        sa.Column("passed_at", _TIME),
        sa.Column("waived_by", sa.Uuid),
        sa.Column("waived_by_name", sa.Text, nullable=False),
        sa.Column("motive", sa.Text, nullable=False),
        _known_behaviour(),
        sa.CheckConstraint("waived_by IS NULL OR (passed_at IS NOT NULL AND btrim(motive) <> '')", name="waiver"),
    )


def _create_audits() -> None:
    op.create_table(
        "store_audit",
        sa.Column("id", sa.Uuid, primary_key=True),
        _application(index=True),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("origin_id", sa.Uuid),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("starts_on", sa.Date, nullable=False),
        sa.Column("ends_on", sa.Date, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("report", sa.Text, nullable=False),
        sa.Column("evidence_ids", ARRAY(sa.Uuid), nullable=False),
        sa.Column("planned_by", sa.Uuid, nullable=False),
        sa.Column("planned_by_name", sa.Text, nullable=False),
        _at("planned_at"),
        sa.Column("closed_at", _TIME),
        sa.CheckConstraint(
            "state IN ('planned', 'documents', 'on_site', 'report', 'corrective_action', 'closed')", name="state"
        ),
        sa.CheckConstraint("origin IN ('schedule', 'report', 'incident')", name="origin"),
        sa.CheckConstraint("ends_on >= starts_on", name="calendar"),
        sa.CheckConstraint("btrim(scope) <> ''", name="scope"),
    )
    op.create_table(
        "store_corrective_action",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("audit_id", sa.Uuid, sa.ForeignKey("store_audit.id"), nullable=False, index=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("done_at", _TIME),
        sa.CheckConstraint("btrim(text) <> ''", name="text"),
    )


def _application(*, index: bool = False) -> sa.Column[object]:
    return sa.Column("application_id", sa.Uuid, sa.ForeignKey("store_application.id"), nullable=False, index=index)


def _submission(*, index: bool = False) -> sa.Column[object]:
    return sa.Column("submission_id", sa.Uuid, sa.ForeignKey("store_submission.id"), nullable=False, index=index)


def _at(name: str) -> sa.Column[object]:
    return sa.Column(name, _TIME, nullable=False)


def _known_behaviour() -> sa.CheckConstraint:
    return sa.CheckConstraint(f"behaviour IN ({_BEHAVIOURS})", name="behaviour")


def _swap_check(table: str, name: str, condition: str) -> None:
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, condition)


def _index_open(final: str) -> None:
    op.create_index(
        "uq_store_submission_open",
        "store_submission",
        ["application_id"],
        unique=True,
        postgresql_where=sa.text(f"state NOT IN ({final})"),
    )


def downgrade() -> None:
    for table in (
        "store_version",
        "store_reminder",
        "store_corrective_action",
        "store_audit",
        "store_interop_check",
        "store_observation",
        "store_convention",
        "store_reservation",
        "store_vote",
        "store_interest",
        "store_agenda_item",
        "store_session",
        "store_question_message",
        "store_question",
        "store_note",
    ):
        op.drop_table(table)
    _narrow_history()
    _narrow_submission()


def _narrow_history() -> None:
    op.execute(f"DELETE FROM store_event WHERE verb NOT IN ('propose_opinion', {_VERBS_BEFORE})")  # noqa: S608 - our own words
    op.execute(f"DELETE FROM store_decision WHERE verb NOT IN ('propose_opinion', {_VERBS_BEFORE})")  # noqa: S608 - our own words
    for column in ("subject", "subject_id", "position"):
        op.drop_column("store_event", column)
    op.drop_column("store_decision", "against_opinion")
    for table in ("store_decision", "store_event"):
        op.drop_constraint("verb", table, type_="check")
        op.execute(f"UPDATE {table} SET verb = 'propose_acceptance' WHERE verb = 'propose_opinion'")  # noqa: S608 - our own words
        op.create_check_constraint("verb", table, f"verb IN ({_VERBS_BEFORE})")


def _narrow_submission() -> None:
    op.drop_index("uq_store_submission_open", "store_submission")
    for name in ("waiting_on", "phase", "opinion", "proposal", "kind"):
        op.drop_constraint(name, "store_submission", type_="check")
    for name in ("due_at", "evaluator_id"):
        op.drop_index(f"ix_store_submission_{name}", "store_submission")
    op.drop_constraint("state", "store_submission", type_="check")
    op.execute(
        "UPDATE store_submission SET state = CASE state WHEN 'admissible' THEN 'submitted'"
        " WHEN 'opinion_given' THEN 'in_evaluation' WHEN 'convention_signed' THEN 'accepted'"
        " WHEN 'interop_tests' THEN 'accepted' WHEN 'listed' THEN 'accepted' WHEN 'inadmissible' THEN 'refused'"
        " WHEN 'abandoned' THEN 'refused' ELSE state END,"
        " proposal = CASE WHEN proposal = 'unfavourable' THEN 'propose_refusal'"
        " WHEN proposal IS NOT NULL THEN 'propose_acceptance' END"
    )
    op.create_check_constraint("state", "store_submission", f"state IN ({_STATES_BEFORE})")
    _index_open(_FINAL_BEFORE)
    for column in ("evaluators", "flagged", "due_at", "waiting_on", "phase", "opinion", "kind"):
        op.drop_column("store_submission", column)
