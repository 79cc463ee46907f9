"""Whoever holds the application's or the batch's database role, with SQL in hand: the walls that PostgreSQL keeps."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from identity_core import queries as identity
from identity_core.gateway import openid
from identity_core.service.seeding import seed_people
from platform_app.simulated.people import load_people
from platform_core.database import DatabaseRole, db, transaction
from tests.journeys.test_attacks_on_records import Holder
from tests.oauth.conftest import other, partner, patient

__all__ = ["other", "partner", "patient"]

OF_PATIENTS = sa.text(
    """
    SELECT c.relname FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'patient_id' AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    """
)


def as_owner(owner: sa.Engine, query: str, **values: Any) -> list[Any]:
    with owner.connect() as connection:
        return list(connection.execute(sa.text(query), values).scalars())


@pytest.fixture
def filled(partner, other, patient) -> UUID:
    """A patient with a measure, a consent, a journal, a key of a repeated request, and their owner."""
    holder = Holder(partner, patient)
    holder.add()
    holder._call("POST", "/fhir/Observation", data=b"{}", content_type="application/fhir+json")
    Holder(other, patient, "heart-rate")
    return patient


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE core_journal SET code = ''",
        "DELETE FROM core_journal",
        "UPDATE core_journal_batch SET root = ''",
        "INSERT INTO core_journal_batch DEFAULT VALUES",
        "UPDATE core_audit SET act = ''",
        "DELETE FROM core_audit",
        "UPDATE consent_event SET kind = ''",
        "DELETE FROM consent_event",
        "UPDATE consent_version SET locale = ''",
        "UPDATE consent_receipt SET jws = ''",
        "DELETE FROM consent_receipt",
        "DELETE FROM consent_consent",
        "DELETE FROM consent_report",
        "UPDATE consent_report_event SET verb = ''",
        "DELETE FROM consent_contested_access",
        "DELETE FROM consent_unusual_use",
        "UPDATE store_decision SET motive = ''",
        "UPDATE store_event SET verb = ''",
        "UPDATE oauth_replay SET slot = 0",
        "DELETE FROM oauth_replay",
        "TRUNCATE oauth_replay_0",
        "SELECT * FROM oauth_replay_0",
        "SELECT * FROM dmp_measure_p00",
        "ALTER TABLE dmp_measure DISABLE ROW LEVEL SECURITY",
        "CREATE POLICY mine ON dmp_measure USING (true)",
        "CREATE TABLE public.oauth_token_2 (id int)",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SET ROLE ens_owner",
        "SET ROLE ens_batch",
        "COPY dmp_measure TO PROGRAM 'cat'",
        "SELECT pg_read_file('/etc/passwd')",
        "TRUNCATE dmp_measure",
    ],
)
def test_the_application_cannot(filled, statement):
    with pytest.raises(DBAPIError, match="permission denied|must be owner"), transaction(patient_id=filled):
        db.session.execute(sa.text(statement))


def test_a_row_is_written_for_nobody_but_the_bound_patient(filled, owner):
    stranger = UUID("01900000-0000-7000-8000-000000000000")
    with pytest.raises(DBAPIError, match="row-level security"), transaction(patient_id=stranger):
        insert = "INSERT INTO notification_preference (patient_id, by_email) VALUES (:other, true)"
        db.session.execute(sa.text(insert), {"other": filled})
    with transaction(patient_id=stranger):
        moved = db.session.execute(sa.text("UPDATE consent_consent SET status = 'active'"))
        assert moved.rowcount == 0


def test_the_functions_with_the_owners_rights_are_few_fixed_and_closed_to_the_others(owner):
    definers = "FROM pg_proc p WHERE prosecdef AND pronamespace = 'public'::regnamespace"
    known = {
        "ens_authorize",
        "consent_patient_of",
        "consent_count_live",
        "consent_last_receipt",
        "consent_count_unusual",
        "consent_list_erasures",
        "dmp_patients_of",
        "dmp_patients_of_code",
        "ens_search_record",
    }
    of_batch = {"ens_destroy_rows"}
    assert set(as_owner(owner, f"SELECT proname {definers}")) == known | of_batch
    paths = as_owner(owner, f"SELECT array_to_string(proconfig, ',') {definers}")
    assert all("search_path=" in path and path.endswith("pg_temp") for path in paths)
    callable_by = f"SELECT proname {definers} AND has_function_privilege(:role, p.oid, 'EXECUTE')"
    assert set(as_owner(owner, callable_by, role="ens_app")) == known
    assert set(as_owner(owner, callable_by, role="ens_batch")) == of_batch


def test_a_temporary_table_of_the_same_name_does_not_deceive_the_authorization(partner, patient):
    token = Holder(partner, patient).granted["access_token"]
    with transaction():
        db.session.execute(sa.text("CREATE TEMP TABLE oauth_token AS SELECT * FROM public.oauth_token WHERE false"))
        query = "SELECT grant_id FROM ens_authorize(sha256(:token), now())"
        found = db.session.execute(sa.text(query), {"token": token.encode()}).scalar()
        db.session.execute(sa.text("DROP TABLE pg_temp.oauth_token"))
    assert found is not None


def test_a_token_that_is_not_known_binds_nobody(filled):
    with transaction(patient_id=filled):
        db.session.execute(sa.text("SELECT * FROM ens_authorize('\\x00', now())")).all()
        assert db.session.execute(sa.text("SELECT count(*) FROM dmp_measure")).scalar() == 0


def test_the_batch_role_sees_no_measure_no_name_and_changes_no_consent(filled, owner):
    allowed = (
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND has_table_privilege('ens_batch', oid, :right)"
    )
    readable = {name for name in as_owner(owner, allowed, right="SELECT") if not name.startswith("pg_")}
    assert not {"dmp_measure", "dmp_device", "identity_patient", "oauth_token", "notification_message"} & readable
    parts = ("consent", "item", "usage", "event", "version", "receipt")
    written = {"core_audit", *(f"consent_{part}" for part in parts)}
    for right in ("UPDATE", "DELETE"):
        assert not written & set(as_owner(owner, allowed, right=right))
    for statement in ("SELECT * FROM dmp_measure", "SELECT birth_family_name FROM identity_patient"):
        with pytest.raises(DBAPIError), transaction(role=DatabaseRole.BATCH):
            db.session.execute(sa.text(statement))


def test_neither_role_passes_row_level_security_nor_owns_anything(owner):
    roles = "FROM pg_roles WHERE rolname IN ('ens_app', 'ens_batch')"
    assert as_owner(owner, f"SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb {roles}") == [False, False]
    owned = "SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) IN ('ens_app', 'ens_batch')"
    assert as_owner(owner, owned) == [0]


def test_the_matricule_and_addresses_are_in_no_table_in_clear(app, owner):
    with transaction():
        known = seed_people(load_people(), issuer=openid.provider("citizen").issuer_key)
        matricules = []
        for patient_id in known.patients.values():
            ins = identity.find_ins(patient_id)
            matricules += [ins.matricule] if ins else []
    assert matricules
    tables = as_owner(
        owner, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    for table in tables:
        text = str(as_owner(owner, f'SELECT to_jsonb(t)::text FROM "{table}" t'))
        assert not [number for number in matricules if number in text], table
        assert "@exemple" not in text, table
