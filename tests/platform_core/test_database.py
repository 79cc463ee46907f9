"""Transactions, roles and row-level security, on the real PostgreSQL."""

from uuid import uuid4

import pytest
import sqlalchemy as sa

from platform_core import crypto
from platform_core.access import SYSTEM
from platform_core.database import DatabaseRole, after_commit, bind_patient, db, transaction
from platform_core.journal import service as journal


def _entry(patient_id):
    return journal.Entry(patient_id, SYSTEM, "search", "Observation", "read", journal.SERVED, "request-1")


def test_an_act_is_committed_whole_and_its_hooks_run_after(app):
    done = []
    patient = uuid4()
    with transaction(patient_id=patient):
        journal.record(_entry(patient))
        after_commit(lambda: done.append("after"))
        assert done == []
    assert done == ["after"]
    with transaction(patient_id=patient):
        assert db.session.scalar(sa.text("SELECT count(*) FROM core_journal")) == 1


def test_an_act_that_raises_leaves_nothing_and_runs_no_hook(app):
    done = []
    patient = uuid4()
    with pytest.raises(ZeroDivisionError), transaction(patient_id=patient):
        journal.record(_entry(patient))
        after_commit(lambda: done.append("after"))
        raise ZeroDivisionError
    with transaction(patient_id=patient):
        assert db.session.scalar(sa.text("SELECT count(*) FROM core_journal")) == 0
    assert done == []


def test_a_transaction_inside_another_is_a_fault_of_the_program(app):
    with pytest.raises(RuntimeError), transaction(), transaction():
        pass


def test_the_application_without_a_bound_patient_reads_nothing(app):
    patient = uuid4()
    with transaction(patient_id=patient):
        journal.record(_entry(patient))
    with transaction():
        assert db.session.scalar(sa.text("SELECT count(*) FROM core_journal")) == 0
        bind_patient(uuid4())
        assert db.session.scalar(sa.text("SELECT count(*) FROM core_journal")) == 0
        bind_patient(patient)
        assert db.session.scalar(sa.text("SELECT count(*) FROM core_journal")) == 1


def test_the_binding_dies_with_its_transaction(app):
    patient = uuid4()
    with transaction(patient_id=patient):
        journal.record(_entry(patient))
    with transaction():
        assert db.session.scalar(sa.text("SELECT current_setting('ens.patient', true)")) == ""


def test_a_row_of_another_patient_cannot_be_written(app):
    with pytest.raises(sa.exc.ProgrammingError, match="row-level security"), transaction(patient_id=uuid4()):
        journal.record(_entry(uuid4()))


@pytest.mark.parametrize("statement", ["UPDATE core_journal SET code = 'x'", "DELETE FROM core_journal"])
@pytest.mark.parametrize("role", [DatabaseRole.APP])
def test_the_journal_is_append_only_for_the_application(app, statement, role):
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), transaction(role=role):
        db.session.execute(sa.text(statement))


def test_the_batch_role_may_not_rewrite_what_happened(app):
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), transaction(role=DatabaseRole.BATCH):
        db.session.execute(sa.text("UPDATE core_journal SET code = 'x'"))


def test_neither_role_can_leave_row_level_security(owner):
    with owner.connect() as connection:
        roles = connection.execute(
            sa.text("SELECT rolname FROM pg_roles WHERE rolname LIKE 'ens_%' AND (rolsuper OR rolbypassrls)")
        )
        assert roles.all() == []


def test_a_patient_key_is_stable_and_gone_once_destroyed(app):
    patient = uuid4()
    with transaction(patient_id=patient):
        first = crypto.patient_key(patient)
    with transaction(patient_id=patient):
        assert crypto.patient_key(patient) == first
        crypto.destroy_patient_key(patient)
    with pytest.raises(Exception, match="destroyed"), transaction(patient_id=patient):
        crypto.patient_key(patient, create=False)
