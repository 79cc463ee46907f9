"""Every table that has a patient is bound to the patient of the transaction: read in the catalogue of the database, so
that a table of a later version cannot escape."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from platform_core.database import run, transaction
from tests.journeys.test_attacks_on_records import Holder
from tests.journeys.test_attacks_on_the_database import OF_PATIENTS, as_owner
from tests.oauth.conftest import insert_patient, other, partner, patient

__all__ = ["other", "partner", "patient"]

DECISIONS = Path(__file__).parent.parent.parent / "docs" / "decisions"
DECISION = DECISIONS / "0025-what-is-reached-before-the-patient-is-known.md"

# What is looked up before a patient is known, or is not theirs: tokens, requests, people, links of e-mails.
LOOKED_UP_BEFORE_BINDING = {
    "consent_clock",
    "consent_request",
    "identity_person",
    "identity_representation",
    "notification_address_change",
    "oauth_code",
    "oauth_token",
}
BOUND = "(patient_id = (NULLIF(current_setting('ens.patient'::text, true), ''::text))::uuid)"
WALLS = """
    SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, pg_get_userbyid(c.relowner) AS owner,
           (SELECT array_agg(concat_ws(' ', p.permissive, p.cmd, p.roles, p.qual, p.with_check)) FROM pg_policies p
             WHERE p.tablename = c.relname AND p.roles <> '{ens_batch}') AS policies,
           (SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
             WHERE i.indrelid = c.oid AND i.indisprimary) AS key
      FROM pg_class c WHERE c.relname = ANY (:tables) ORDER BY 1
"""


@pytest.fixture(scope="module")
def secured(owner: sa.Engine) -> list[str]:
    """The tables of patients that must be bound, by name."""
    return sorted(set(as_owner(owner, OF_PATIENTS.text)) - LOOKED_UP_BEFORE_BINDING)


def test_every_table_of_patients_has_the_one_policy_of_the_bound_patient(owner: sa.Engine, secured: list[str]) -> None:
    with owner.connect() as connection:
        walls = connection.execute(sa.text(WALLS), {"tables": secured}).all()
    assert len(walls) == len(secured) > 25
    policy = f"PERMISSIVE ALL {{ens_app}} {BOUND} {BOUND}"
    wrong = [wall for wall in walls if wall[1:] != (True, False, "ens_owner", [policy], "patient_id")]
    assert wrong == [], (
        "row-level security, not forced on its owner ens_owner, one policy for ens_app, the patient first"
    )


def test_what_is_not_bound_is_named_in_the_decision_that_says_why(owner: sa.Engine) -> None:
    unbound = "SELECT relname FROM pg_class WHERE NOT relrowsecurity"
    tables = set(as_owner(owner, OF_PATIENTS.text))
    assert tables & set(as_owner(owner, unbound)) == LOOKED_UP_BEFORE_BINDING
    text = DECISION.read_text("utf-8")
    assert [name for name in sorted(LOOKED_UP_BEFORE_BINDING) if f"`{name}`" not in text] == []


def test_no_partition_and_no_view_is_a_way_round(owner: sa.Engine) -> None:
    partitions = "FROM pg_class c WHERE c.relispartition AND c.relkind = 'r'"
    assert len(as_owner(owner, f"SELECT relname {partitions}")) > 16
    reached = f"SELECT relname {partitions} AND has_table_privilege(:role, c.oid, 'SELECT, INSERT, UPDATE, DELETE')"
    assert as_owner(owner, reached, role="ens_app") == as_owner(owner, reached, role="ens_batch") == []
    views = "SELECT relname FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace"
    assert as_owner(owner, views) == []


def test_without_a_where_the_application_sees_the_bound_patient_and_no_other(
    partner: Any, other: Any, patient: UUID, owner: sa.Engine, secured: list[str]
) -> None:
    second = insert_patient(owner, "Autre", synthetic=True)
    for one in (patient, second):
        holder = Holder(partner, one)
        holder.add()
        holder._call("POST", "/fhir/Observation", data=b"{}", content_type="application/fhir+json")
    each = " UNION ALL ".join(f"SELECT '{name}' AS name, patient_id::text AS of FROM \"{name}\"" for name in secured)
    held = {name for name in secured if as_owner(owner, f'SELECT count(DISTINCT patient_id) FROM "{name}"') == [2]}
    assert {"dmp_measure", "consent_consent", "consent_item", "consent_version", "core_journal"} <= held
    with transaction():
        assert run(each, {}) == []
    for one in (patient, second):
        with transaction(patient_id=one):
            seen = run(each, {})
        assert {row.of for row in seen} == {str(one)}
        assert held <= {row.name for row in seen}
