"""The consent in FHIR: what an app reads of its own grant, paused too, and nothing after the end."""

from uuid import UUID

import pytest
from fhir.resources.R4B.consent import Consent
from fhir.resources.R4B.structuredefinition import StructureDefinition
from flask import Flask

from consent.service import lifecycle
from oauth.rules import scopes
from platform_core.database import transaction
from platform_core.ids import uuid7
from platform_core.journal import queries as journal
from platform_core.journal.queries import JournalFilter
from tests.consent.conftest import CAMILLE
from tests.journeys.test_attacks_on_records import Holder
from tests.oauth.conftest import other, partner, patient
from tests.oauth.partner import Partner

__all__ = ["other", "partner", "patient"]


@pytest.fixture
def holder(partner: Partner, patient: UUID) -> Holder:
    return Holder(partner, patient)


def act(holder: Holder, name: str) -> None:
    with transaction(patient_id=holder.patient):
        getattr(lifecycle, name)(patient_id=holder.patient, grant_id=UUID(holder.granted["grant_id"]), by=CAMILLE)


def test_an_app_reads_what_it_was_granted_and_how_often(holder: Holder) -> None:
    answer = holder.get(f"/fhir/Consent/{holder.granted['grant_id']}")
    assert answer.status_code == 200, answer.text
    told = answer.json
    Consent.model_validate(told)
    assert (told["status"], told["patient"]["reference"]) == ("active", f"Patient/{holder.reference}")
    asked = holder.granted["authorization_details"]
    assert len(told["provision"]["provision"]) == sum(len(one["actions"]) * len(one["datatypes"]) for one in asked)
    definition = holder.get("/fhir/StructureDefinition/consent-periodicity").json
    StructureDefinition.model_validate(definition)
    for provision in told["provision"]["provision"]:
        assert [extension["url"] for extension in provision["extension"]] == [definition["url"]]


def test_paused_it_may_still_be_read_and_revoked_it_may_not(holder: Holder) -> None:
    address = f"/fhir/Consent/{holder.granted['grant_id']}"
    act(holder, "pause_consent")
    assert holder.get(address).json["status"] == "active"
    assert holder.get("/fhir/Observation").status_code == 403
    act(holder, "revoke_consent")
    refused = holder.get(address)
    assert (refused.status_code, "consent-ended" in refused.headers["WWW-Authenticate"]) == (401, True)


def test_reading_it_opens_no_window_and_is_no_access_to_the_record(holder: Holder) -> None:
    answer = holder.get("/fhir/Consent")
    assert "ENS-Sync-Remaining" not in answer.headers
    with transaction(patient_id=holder.patient):
        assert journal.list_entries(holder.patient, JournalFilter()) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 1),
        ("?status=active", 1),
        ("?status=inactive", 0),
        ("?status=active,inactive", 1),
        ("?_id={grant}", 1),
        ("?_id=00000000-0000-4000-8000-000000000000", 0),
        ("?patient={patient}", 1),
        ("?patient=Patient/{patient}", 1),
        ("?patient=Patient/somebody", 0),
        ("?_lastUpdated=ge2020-01-01", 1),
        ("?_lastUpdated=lt2020-01-01", 0),
        ("?_offset=1", 0),
    ],
)
def test_it_is_searched_by_id_patient_status_and_date(holder: Holder, query: str, found: int) -> None:
    filled = query.format(grant=holder.granted["grant_id"], patient=holder.reference)
    assert len(holder.get(f"/fhir/Consent{filled}").json.get("entry", [])) == found


def test_the_consent_given_to_another_app_is_not_found(holder: Holder, other: Partner, patient: UUID) -> None:
    stranger = Holder(other, patient)
    assert stranger.get(f"/fhir/Consent/{holder.granted['grant_id']}").status_code == 404
    assert stranger.get(f"/fhir/Consent/{uuid7()}").status_code == 404
    assert stranger.get("/fhir/Consent").json["entry"][0]["resource"]["id"] == stranger.granted["grant_id"]


def test_the_server_says_that_it_serves_it(app: Flask, holder: Holder) -> None:
    resources = {one["type"]: one for one in holder.get("/fhir/metadata").json["rest"][0]["resource"]}
    assert [one["code"] for one in resources["Consent"]["interaction"]] == ["read", "search-type"]
    assert scopes.CONSENT in holder.get("/fhir/.well-known/smart-configuration").json["scopes_supported"]
    assert holder.partner.http.get(f"/fhir/Consent/{holder.granted['grant_id']}").status_code == 401
