"""Professionals' software: a client of a structure, let by a professional, on patients whom it finds by their INS."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask, g

from dmp_core.categories import DOCUMENT_KINDS, DOCUMENT_TYPES
from dmp_core.queries import documents
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.rules.professionals.matrix import MATRIX, Level
from dmp_core.service.professionals import agreements
from identity_core import queries as identity
from identity_core.service.seeding import Seeded
from identity_core.sessions import SignIn, Slot
from oauth import cli, queries, service
from oauth.rules.clients import Profile
from oauth.workflow import TRANSITIONS, StructureState, StructureVerb, next_structure_state
from platform_app.software import SoftwareCall
from platform_core import crypto
from platform_core.access import Access, Actor, ActorKind, Interaction
from platform_core.categories import registry
from platform_core.clock import FrozenClock
from platform_core.database import run, transaction
from platform_core.errors import Conflict
from platform_core.ids import uuid7
from tests.dmp_core import filing
from tests.dmp_core.conftest import observation
from tests.oauth.hospital import (
    FINESS,
    INS,
    OTHER_FINESS,
    SCOPE,
    Software,
    decide,
    error_of,
    hospital,
    known_as,
    signed_in,
)
from tests.oauth.partner import TESTER, Partner, query_of
from tests.recalling import recall_people
from tests.signing_in import read_csrf_token, remember, submit


@pytest.fixture
def seeded(app: Flask, clock: FrozenClock) -> Seeded:
    return recall_people()


@pytest.fixture
def chu(app: Flask, seeded: Seeded) -> Software:
    return hospital(app)


@pytest.fixture
def martin(seeded: Seeded) -> UUID:
    return seeded.professionals["dr-martin"]


@pytest.fixture
def costa(seeded: Seeded) -> UUID:
    return seeded.professionals["ide-costa"]


@pytest.fixture
def camille(seeded: Seeded) -> UUID:
    return seeded.patients["camille"]


@pytest.fixture
def herself(seeded: Seeded) -> Actor:
    return Actor(ActorKind.PATIENT, seeded.persons["camille"], "Camille Durand")


def matricule_of(patient_id: UUID) -> str:
    with transaction():
        found = identity.find_ins(patient_id)
    assert found
    return found.matricule


def admit(patient_id: UUID, professional_id: UUID, by: Actor) -> None:
    with transaction(patient_id=patient_id):
        agreements.declare_treating_doctor(patient_id=patient_id, professional_id=professional_id, by=by)


def journal_of(patient_id: UUID) -> list[tuple[Any, ...]]:
    statement = (
        "SELECT actor_kind, actor_name, interaction, resource, outcome, code FROM core_journal"
        " WHERE patient_id = %(patient)s ORDER BY id"
    )
    with transaction(patient_id=patient_id):
        return [tuple(row) for row in run(statement, {"patient": patient_id})]


def test_a_report_is_sent_by_default_and_the_record_is_read_once_its_patient_agreed(
    chu: Software, martin: UUID, camille: UUID, herself: Actor
) -> None:
    chu.work_for(martin)
    assert chu.answer["token_type"] == "DPoP" and chu.answer["scope"] == SCOPE
    assert not {"patient", "grant_id", "authorization_details"} & chu.answer.keys()

    found = chu.find(matricule=matricule_of(camille))
    (entry,) = found.json["entry"]
    reference = entry["resource"]["id"]
    assert entry["resource"]["name"][0]["family"] == "Durand" and reference != str(camille)
    assert matricule_of(camille) not in found.text and "Durand" not in found.json["link"][0]["url"]
    assert chu.fhir("GET", f"Patient/{reference}").json["birthDate"] == "1985-04-12"

    report = filing.document(known_as(reference), contained=[_patient(camille)], author=[{"display": "Dr Martin"}])
    sent = chu.fhir("POST", "DocumentReference", json=report)
    assert sent.status_code == 201, sent.text
    with transaction(patient_id=camille):
        from_patient = Viewer.of(herself)
        row = documents.find_document(patient_id=camille, identifier=sent.json["id"], viewer=from_patient)
    assert row and row.title == "Consultation du 12 juin"

    search = f"DocumentReference?patient={reference}&status=current"
    assert error_of(chu.fhir("GET", search)) == (403, "no-agreement")
    assert error_of(chu.fhir("GET", f"Binary/{sent.json['id']}?patient={reference}")) == (403, "no-agreement")
    admit(camille, martin, herself)
    listed = chu.fhir("GET", search)
    assert [one["resource"]["id"] for one in listed.json["entry"]] == [sent.json["id"]]
    assert chu.fhir("GET", f"DocumentReference/{sent.json['id']}?patient={reference}").status_code == 200
    assert chu.fhir("GET", f"Binary/{sent.json['id']}?patient={reference}").data == filing.TEXT

    with transaction(patient_id=camille):
        agreements.block_professional(patient_id=camille, professional_id=martin, by=herself)
    assert error_of(chu.fhir("GET", search)) == (403, "no-agreement")
    assert error_of(chu.fhir("POST", "DocumentReference", json=report)) == (403, "writing-refused")

    name = "Sophie Martin (CHU de démonstration)"
    lines = journal_of(camille)
    assert {line[:2] for line in lines} == {("professional", name)}
    assert [line[2:] for line in lines] == [
        ("search", "Patient", "served", ""),
        ("read", "Patient", "served", ""),
        ("create", "DocumentReference", "served", ""),
        ("search", "DocumentReference", "refused", "no-agreement"),
        ("read", "Binary", "refused", "no-agreement"),
        ("search", "DocumentReference", "served", "treating-doctor"),
        ("read", "DocumentReference", "served", "treating-doctor"),
        ("read", "Binary", "served", "treating-doctor"),
        ("search", "DocumentReference", "refused", "no-agreement"),
        ("create", "DocumentReference", "refused", "writing-refused"),
    ]


def _patient(patient_id: UUID, matricule: str = "") -> dict[str, Any]:
    identifier = {"system": INS, "value": matricule or matricule_of(patient_id)}
    return {"resourceType": "Patient", "id": "p", "identifier": [identifier]}


def test_what_is_filed_is_of_the_patient_and_of_the_profession(
    chu: Software, martin: UUID, costa: UUID, camille: UUID, seeded: Seeded
) -> None:
    other = matricule_of(seeded.patients["dominique"])
    reference = chu.work_for(martin).find_id(camille)
    patient = known_as(reference)

    def file(**changes: Any) -> Any:
        return chu.fhir("POST", "DocumentReference", json=filing.document(patient, **changes))

    assert error_of(file(contained=[_patient(camille, other)])) == (403, "patient-mismatch")
    assert error_of(file(subject={"reference": f"Patient/{uuid7()}"})) == (404, "not-found")
    assert error_of(file(subject=None)) == (400, "patient-missing")
    set_ = filing.submission(patient, (filing.comprehensive(patient, "urn:uuid:b"), filing.TEXT))
    assert chu.fhir("POST", "", json=set_).status_code == 200
    set_["entry"][0]["resource"]["subject"] = {"reference": f"Patient/{uuid7()}"}
    assert error_of(chu.fhir("POST", "", json=set_)) == (403, "patient-mismatch")
    weight = chu.fhir("POST", "Observation", json=observation(patient))
    assert weight.status_code == 201, weight.text

    chu.work_for(costa)
    grid = {"11488-4": 403, "34120-6": 201, "60591-5": 403, "11369-6": 201}
    for code, status in grid.items():
        filed = file(code=code)
        assert filed.status_code == status, (code, filed.text)
        assert status == 201 or error_of(filed)[1] == "outside-access-matrix"
    vaccine = {"coding": [{"system": "http://snomed.info/sct", "code": "836382004"}]}
    shot = {
        "resourceType": "Immunization",
        "status": "completed",
        "vaccineCode": vaccine,
        "patient": {"reference": f"Patient/{reference}"},
        "occurrenceDateTime": "2026-10-02",
    }
    assert chu.fhir("POST", "Immunization", json=shot).status_code == 201
    wider = chu.fhir("POST", "AllergyIntolerance", json={**shot, "resourceType": "AllergyIntolerance"})
    assert error_of(wider) == (403, "insufficient_scope")


def test_the_first_search_goes_two_years_back_but_for_the_history_of_vaccinations(
    chu: Software, martin: UUID, camille: UUID, herself: Actor
) -> None:
    patient = known_as(chu.work_for(martin).find_id(camille))
    admit(camille, martin, herself)
    for code, creation in (("11488-4", "2026-01-05"), ("11488-4", "2020-01-05"), ("11369-6", "2020-01-05")):
        context = {"period": {"start": creation}}
        resource = filing.document(patient, code=code, creation=creation, context=context, title=f"{code} {creation}")
        assert chu.fhir("POST", "DocumentReference", json=resource).status_code == 201

    def titles(query: str) -> set[str]:
        found = chu.fhir("GET", f"DocumentReference?patient={patient.patient_reference}{query}").json
        return {one["resource"]["content"][0]["attachment"]["title"] for one in found["entry"]}

    assert titles("") == {"11488-4 2026-01-05", "11369-6 2020-01-05"}
    assert titles("&type=11488-4") == {"11488-4 2026-01-05"}
    assert titles("&type=11488-4&date=ge2000-01-01") == {"11488-4 2026-01-05", "11488-4 2020-01-05"}


@pytest.mark.parametrize("status", ["PROV", "RECUP", "VALI"])
def test_an_identity_that_is_not_qualified_is_refused_and_journaled(
    chu: Software, martin: UUID, camille: UUID, owner: sa.Engine, status: str
) -> None:
    chu.work_for(martin)
    reference = crypto.sealed_id(chu.client.app_id, camille)
    with owner.begin() as connection:
        connection.execute(sa.text("UPDATE identity_patient SET identity_status = :s"), {"s": status})
    assert error_of(chu.find(matricule=matricule_of(camille))) == (403, "identity-not-qualified")
    filed = chu.fhir("POST", "DocumentReference", json=filing.document(known_as(reference)))
    assert error_of(filed) == (403, "identity-not-qualified")
    assert [line[4:] for line in journal_of(camille)] == [("refused", "identity-not-qualified")] * 2


def test_nobody_learns_by_trying_who_has_a_record(chu: Software, martin: UUID, camille: UUID, owner: sa.Engine) -> None:
    chu.work_for(martin)
    matricule = matricule_of(camille)
    for address in (f"identifier={INS}|{matricule}", "family=Durand"):
        assert error_of(chu.fhir("GET", f"Patient?{address}")) == (400, "private-in-address")
    assert error_of(chu.fhir("POST", "Patient/_search", data={"identifier": matricule})) == (400, "invalid-parameter")
    wrong = [{"family": "Durant"}, {"birthdate": "1985-04-13"}, {"matricule": "299999999999999"}]
    for traits in wrong:
        found = chu.find(**{"matricule": matricule, **traits})
        assert (found.status_code, found.json["total"]) == (200, 0)
    with owner.begin() as connection:
        connection.execute(sa.text("UPDATE identity_patient SET space_state = 'closed'"))
    assert [chu.find(matricule=matricule).json["total"] for _ in range(2)] == [0, 0]
    assert error_of(chu.find(matricule=matricule)) == (429, "too-many-failures")


def test_each_structure_knows_a_patient_under_an_id_of_its_own(
    app: Flask, chu: Software, martin: UUID, camille: UUID, herself: Actor
) -> None:
    clinic = hospital(app, OTHER_FINESS, "Clinique de démonstration").work_for(martin)
    admit(camille, martin, herself)
    here, there = chu.work_for(martin).find_id(camille), clinic.find_id(camille)
    assert here != there
    assert chu.fhir("GET", f"Observation?patient={here}").status_code == 200
    for foreign in (there, str(camille), "camille"):
        assert error_of(chu.fhir("GET", f"Observation?patient={foreign}")) == (404, "not-found")
    assert error_of(chu.fhir("GET", f"Observation?patient={here}&subject={there}")) == (403, "patient-mismatch")
    assert error_of(chu.fhir("GET", "Observation")) == (400, "patient-missing")


def test_the_structure_is_judged_at_each_call(chu: Software, martin: UUID, camille: UUID) -> None:
    reference = chu.work_for(martin).find_id(camille)
    read = f"Patient/{reference}"
    with transaction():
        service.suspend_structure(finess=FINESS, by=TESTER)
    assert error_of(chu.fhir("GET", read)) == (403, "structure-suspended")
    assert chu.push().json["error"] == "unauthorized_client"
    assert chu.refresh(chu.answer["refresh_token"]).json["error"] == "unauthorized_client"
    assert journal_of(camille)[-1][4:] == ("refused", "structure-suspended")
    with transaction():
        service.reinstate_structure(finess=FINESS, by=TESTER)
    assert chu.fhir("GET", read).status_code == 200
    with transaction():
        service.end_structure(finess=FINESS, by=TESTER)
    assert chu.fhir("GET", read).status_code == 401
    assert chu.push().json["error"] == "invalid_client"
    with transaction():
        ((ended, clients),) = queries.list_structures()
    assert ended.state is StructureState.ENDED and not clients


@pytest.mark.parametrize("verb", list(StructureVerb))
@pytest.mark.parametrize("state", list(StructureState))
def test_a_structure_moves_as_the_table_says(state: StructureState, verb: StructureVerb) -> None:
    if (after := TRANSITIONS.get((state, verb))) is None:
        with pytest.raises(Conflict):
            next_structure_state(state, verb)
    else:
        assert next_structure_state(state, verb) is after
    assert state is not StructureState.ENDED or after is None


def test_a_token_of_software_is_worth_nothing_without_its_key(chu: Software, martin: UUID, camille: UUID) -> None:
    read = f"/fhir/Patient/{chu.work_for(martin).find_id(camille)}"
    assert chu.call("GET", read, chu.token, proofs=[]).status_code == 401
    assert chu.http.get(read, headers={"Authorization": f"Bearer {chu.token}"}).status_code == 401
    stolen = Software(chu.app, chu.credentials)
    assert stolen.call("GET", read, chu.token).status_code == 401


def test_scopes_of_software_are_for_software_alone(app: Flask, chu: Software, partner: Partner, martin: UUID) -> None:
    def refusal(client: Partner, scope: str, **changes: Any) -> str:
        return str(client.push(scope=scope, **changes).json["error"])

    for scope in ("patient/Observation.rs", "user/Observation.rs patient/Observation.rs", "launch/patient", "openid"):
        assert refusal(chu, scope) == "invalid_scope", scope
    for scope in ("user/Consent.rs", "user/*.rs", "user/Observation.rs?code=1", "user/Binary.c", "user/Observation."):
        assert refusal(chu, scope) == "invalid_scope", scope
    assert refusal(chu, SCOPE, grant_management_action="create") == "invalid_request"
    assert refusal(chu, SCOPE, authorization_details="[]") == "invalid_request"
    assert refusal(partner, "user/Observation.rs", authorization_details=None) == "invalid_scope"
    for form in ({"grant_type": "client_credentials", "scope": "ens:app"}, {"grant_type": "nothing"}):
        assert chu.post("/oauth/token", form).status_code == 400
    narrowed = chu.work_for(martin, scope="user/Observation.cruds user/Observation.rs").answer["scope"]
    assert narrowed == "user/Observation.crs user/Observation.rs"
    assert error_of(chu.find(matricule="2" * 15)) == (403, "insufficient_scope")
    advertised = app.test_client().get("/fhir/.well-known/smart-configuration").json
    assert {"user/DocumentReference.crs", "user/Patient.rs"} <= set(advertised["scopes_supported"])


def test_the_professional_decides_in_the_browser_that_asked(app: Flask, chu: Software, martin: UUID) -> None:
    stranger = app.test_client()
    page = chu.page_in(stranger)
    sent = stranger.get(page)
    assert sent.status_code == 303 and sent.headers["Location"].startswith("/connexion/pro?suite=")
    browser = signed_in(app, martin)
    assert browser.get(page).status_code == 400

    page = chu.page_in(browser)
    shown = browser.get(page)
    assert "<h1>Dossier CHU demande à travailler avec vous</h1>" in shown.text.replace("\u202f", " ")
    assert f"CHU de démonstration (FINESS\u00a0{FINESS})" in shown.text or f"(FINESS {FINESS})" in shown.text
    assert "https://chu.exemple.fr" in shown.headers["Content-Security-Policy"]
    refused = query_of(decide(browser, page, "refuse"))
    assert (refused["error"], refused["state"]) == ("access_denied", "état-42")
    assert browser.get(page).status_code == 400


def test_software_works_until_the_day_the_session_or_the_professional_ends_it(
    app: Flask, chu: Software, martin: UUID, clock: FrozenClock
) -> None:
    session_id = uuid7()
    browser = signed_in(app, martin, session_id=session_id)
    chu.work_for(martin, session_id=session_id)
    told = chu.post("/oauth/introspect", {"token": chu.token}).json
    assert told["active"] and told["acr"] == "eidas2" and not {"patient", "grant_id"} & told.keys()
    assert told["sub"] == chu.call("GET", "/oauth/userinfo", chu.token).json["sub"]
    clock.move(hours=11, minutes=55)
    renewed = chu.refresh(chu.answer["refresh_token"]).json
    assert renewed["expires_in"] == 300
    clock.move(minutes=5)
    assert chu.refresh(chu.answer["refresh_token"]).json["error"] == "invalid_grant"

    chu.work_for(martin, session_id=session_id)
    browser = signed_in(app, martin, session_id=session_id)
    g.pop("csrf_token", None)
    browser.post("/deconnexion", data={"area": "pro", "csrf_token": read_csrf_token(browser, "/pro")})
    assert chu.call("GET", "/oauth/userinfo", chu.token).status_code == 401

    chu.work_for(martin)
    browser = signed_in(app, martin)
    home = browser.get("/pro")
    assert "Dossier CHU" in home.text
    g.pop("csrf_token", None)
    submit(browser, f"/pro/logiciels/{chu.client.pk}/fin", page="/pro")
    assert "Dossier CHU" not in browser.get("/pro").text.split("n’agit plus")[1]
    assert chu.refresh(chu.answer["refresh_token"]).json["error"] == "invalid_grant"


def test_a_code_dies_with_the_sign_in_that_gave_it(app: Flask, chu: Software, martin: UUID) -> None:
    browser = signed_in(app, martin)
    code = query_of(decide(browser, chu.page_in(browser)))["code"]
    g.pop("csrf_token", None)
    browser.post("/deconnexion", data={"area": "pro", "csrf_token": read_csrf_token(browser, "/pro")})
    assert chu.exchange(code).json["error"] == "invalid_grant"


def test_nobody_answers_in_the_place_of_the_professional_demanded(
    app: Flask, chu: Software, martin: UUID, costa: UUID, clock: FrozenClock
) -> None:
    hint = chu.work_for(martin).answer["id_token"]
    browser = signed_in(app, martin)
    page = chu.page_in(browser, id_token_hint=hint)
    remember(browser, Slot.PRO, SignIn(costa, "Inès Costa", "eidas2", clock(), proven_at=clock()))
    assert query_of(decide(browser, page))["error"] == "login_required"


@pytest.mark.parametrize(("profession", "speciality"), sorted(MATRIX))
def test_a_call_covers_what_the_profession_reaches_type_by_type(
    camille: UUID, martin: UUID, herself: Actor, owner: sa.Engine, profession: str, speciality: str
) -> None:
    admit(camille, martin, herself)
    described = {"profession": profession, "speciality": speciality, "id": martin}
    with owner.begin() as connection:
        change = "UPDATE identity_professional SET profession = :profession, speciality = :speciality WHERE id = :id"
        connection.execute(sa.text(change), described)
    by = Actor(ActorKind.PROFESSIONAL, martin, "Sophie Martin (CHU)")
    reach = MATRIX[profession, speciality]
    codes = [category.code for category in registry.all() if category.family != "oauthtest"]
    with transaction(patient_id=camille):
        for access, least in ((Access.READ, Level.READ), (Access.WRITE, Level.WRITE)):
            call = SoftwareCall(by, uuid7(), "chu", SCOPE, Interaction("search", "DocumentReference"), camille)
            permit = call.require(codes, access, narrow=True)
            assert permit.types == {code for code in DOCUMENT_TYPES if reach.level(code) >= least}
            kinds = {DOCUMENT_KINDS[DOCUMENT_TYPES[code].kind].category for code in permit.types}
            assert {code for code in permit.categories if code.startswith("documents.")} == kinds
            data = {code for code in permit.categories if not code.startswith("documents.")}
            assert data == {code for code in codes if not code.startswith("documents.") and reach.covers(code, least)}


def test_the_operator_registers_a_structure(app: Flask, tmp_path: Path) -> None:
    key = service.public_half(service.generate_key(Profile.FAPI2))
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [key]}))
    runner = CliRunner()

    def run_command(*words: str) -> Any:
        return runner.invoke(cli.oauth, ["structure", *words])

    asked = ["--name", "Cabinet des Tilleuls", "--redirect-uri", "https://tilleuls.exemple.fr/retour"]
    added = run_command("add", *asked, "--finess", FINESS, "--jwks", str(keys))
    assert added.exit_code == 0, added.output
    client = queries.find_client(added.output.strip())
    assert client and client.structure and client.structure.finess == FINESS and client.name == "Cabinet des Tilleuls"
    wrong = {
        ("--finess", FINESS, "--jwks", str(keys)): "structure-known",
        ("--finess", "990000011", "--jwks", str(keys)): "invalid-identifier",
        ("--finess", OTHER_FINESS): "invalid_client_metadata",
    }
    for words, code in wrong.items():
        assert getattr(run_command("add", *asked, *words).exception, "code", None) == code, words
    assert run_command("suspend", FINESS).exit_code == 0
    assert "suspended" in run_command("list").output
    assert run_command("end", FINESS).exit_code == 0
    assert getattr(run_command("reinstate", FINESS).exception, "code", None) == "not-found"
