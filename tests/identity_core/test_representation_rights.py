"""Every page and act of a patient × every right to be there: allowed or refused, as one table."""

from collections.abc import Callable
from datetime import date
from uuid import UUID

import pytest
from flask import Flask, g, session

from identity_core.errors import OutsideMandate
from identity_core.rules import Mandate, Power, RepresentationKind
from identity_core.service import representations
from identity_core.service.seeding import Seeded
from identity_core.sessions import SignIn, Slot
from platform_core import clock
from platform_core.access import SYSTEM, ActorKind
from platform_core.categories import registry
from platform_core.database import transaction
from tests.signing_in import sign_in_citizen, submit

LAW = frozenset({"self", "parent", "guardian"})
APPS = LAW | {"helper for apps", "helper for apps, nothing left"}
READING = LAW | {"helper for the record", "helper for apps"}
EVERYONE = READING | APPS | {"helper for appointments"}

LIMITS: dict[str, tuple[frozenset[Power], bool]] = {
    "helper for the record": (frozenset({Power.RECORD}), False),
    "helper for appointments": (frozenset({Power.APPOINTMENTS}), False),
    "helper for apps": (frozenset({Power.RECORD, Power.PERMISSIONS}), False),
    "helper for apps, nothing left": (frozenset({Power.RECORD, Power.PERMISSIONS}), True),
}
"""The powers of each mandate, and whether it leaves out every family of data."""

RIGHTS: dict[str, frozenset[str]] = {
    "dmp.show_record": READING | APPS,
    **dict.fromkeys(
        [
            "access_journal.export_category",
            "access_journal.export_journal",
            "access_journal.filter_journal",
            "access_journal.show_journal",
            "contests.ask_motive",
            "contests.list_reports",
            "contests.report_access",
            "contests.settle_report",
            "contests.show_report",
            "devices.change_device",
            "dmp.show_measure",
            "dmp.show_typing",
            "dmp.type_measure",
            "dmp.unhide_measure",
            "documents.add_document",
            "documents.change_document",
            "documents.show_adding",
            "export.ask_export",
            "export.download_export",
            "export.show_export",
            "goals.change_goal",
            "goals.show_goal",
            "closing.ask_destruction",
            "closing.close_space",
            "closing.keep_closed",
            "closing.show_closing",
            "closing.show_destruction",
            "identity.decide_opening",
            "identity.show_opening",
            "identity.show_settings",
            "mandates.confirm",
            "mandates.list_helpers",
            "mandates.propose",
            "mandates.revoke",
            "mandates.show_proposal",
            "notification.read_message",
            "notification.show_inbox",
            "notification_preferences.change_address",
            "notification_preferences.choose",
            "notification_preferences.forget_address",
            "notification_preferences.show",
            "patient_professionals.add_professional",
            "patient_professionals.answer",
            "patient_professionals.choose",
            "patient_professionals.keep_out",
            "patient_professionals.list_professionals",
            "patient_professionals.make_code",
            "patient_professionals.show_adding",
            "profile.change_entry",
            "profile.download_summary",
            "profile.save_profile",
            "profile.show_entry",
            "profile.tell",
            "residence.show_region",
            "residence.state_region",
            "vaccinations.add_vaccination",
            "vaccinations.remove_vaccination",
            "vaccinations.show_adding",
            "vaccinations.show_removing",
        ],
        LAW,
    ),
    **dict.fromkeys(
        [
            "devices.list_devices",
            "devices.show_device",
            "dmp.export_measures",
            "dmp.show_measures",
            "documents.download_document",
            "documents.filter_documents",
            "documents.list_documents",
            "documents.open_document",
            "documents.show_document",
            "biology.export_course",
            "biology.show_course",
            "biology.show_results",
            "prescriptions.show_prescription",
            "prescriptions.show_prescriptions",
            "profile.print_profile",
            "profile.show_profile",
            "profile.show_step",
            "reader.show_media",
            "reimbursements.export_reimbursements",
            "reimbursements.show_reimbursements",
            "search.search",
            "search.show_search",
            "timeline.show_timeline",
            "vaccinations.show_vaccinations",
        ],
        READING,
    ),
    **dict.fromkeys(
        [
            "authorising.lift_silence",
            "authorising.show_way",
            "consent_question.answer_question",
            "consent_question.confirm_choice",
            "consent_question.lift_silence",
            "consent_question.show_confirmation",
            "consent_question.show_outcome",
            "consent_question.show_question",
            "oauth_device.find",
            "oauth_device.go_on",
            "oauth_device.show_end",
            "oauth_device.show_form",
            "permissions.act_on_application",
            "permissions.ask_again",
            "permissions.ask_erasure",
            "permissions.decide_contributions",
            "permissions.exclude_resource",
            "permissions.list_applications",
            "permissions.modify_application",
            "permissions.revoke_application",
            "permissions.show_application",
            "permissions.show_modification",
            "permissions.show_revocation",
            "permissions.show_stop",
            "permissions.stop_all",
            "receipts.download_fhir",
            "receipts.download_receipt",
            "receipts.show_receipt",
            "receipts.show_receipt_of_version",
            "receipts.show_story",
        ],
        APPS,
    ),
    **dict.fromkeys(
        [
            "identity.act_for",
            "identity.show_acting_for",
            "mandates.accept",
            "mandates.leave",
            "mandates.refuse",
            "shell.patient_home",
        ],
        EVERYONE,
    ),
}


def patient_views(application: Flask) -> dict[str, object]:
    """The views that a citizen may come to, by endpoint."""
    views = application.view_functions.items()
    return {name: view for name, view in views if getattr(view, "__guard__", "").startswith(("patient", "citizen"))}


def let_act(person_id: UUID, patient_id: UUID, right: str) -> None:
    kinds = {"parent": RepresentationKind.PARENTAL_AUTHORITY, "guardian": RepresentationKind.GUARDIANSHIP}
    until = date(2027, 11, 21)
    limits = None
    if right in LIMITS:
        powers, nothing_left = LIMITS[right]
        left_out = [family.code for family in registry.families()] if nothing_left else []
        limits = Mandate(powers, frozenset(left_out), until)
    with transaction(patient_id=patient_id):
        representations.add_representation(
            patient_id=patient_id,
            person_id=person_id,
            kind=kinds.get(right, RepresentationKind.MANDATE),
            valid_from=clock.today(),
            valid_until=until,
            limits=limits,
            by=SYSTEM,
        )


@pytest.fixture
def signed_in(people: Seeded, request: pytest.FixtureRequest) -> SignIn:
    """Camille, looking at her own record, or at that of Dominique by the right that the test names."""
    right, camille, dominique = request.param, people.persons["camille"], people.patients["dominique"]
    if right != "self":
        let_act(camille, dominique, right)
    acting_for = None if right == "self" else dominique
    return SignIn(camille, "Camille Durand", "eidas2", clock.now(), "", people.patients["camille"], acting_for)


def passes(application: Flask, check: Callable[[], None], sign_in: SignIn, method: str) -> bool:
    """Whether a guard lets the person in; the view is not run."""
    with application.test_request_context("/espace", method=method):
        session[f"sign_in.{Slot.CITIZEN}"] = sign_in.to_json()
        try:
            check()
        except OutsideMandate:
            return False
        assert g.present.patient.id == (sign_in.acting_for or sign_in.patient_id)
        return True


def test_every_route_of_a_patient_says_who_may_come(application: Flask) -> None:
    missing = set(patient_views(application)) - set(RIGHTS)
    assert missing == set(), "Say in RIGHTS who may come to these: patient_required, or identity_core.sessions' others."


@pytest.mark.parametrize(
    ("signed_in", "right"), [(right, right) for right in sorted(EVERYONE)], indirect=["signed_in"], ids=sorted(EVERYONE)
)
def test_each_right_opens_its_routes_and_no_other(app: Flask, signed_in: SignIn, right: str) -> None:
    checks = {name: view.__check__ for name, view in patient_views(app).items()}  # type: ignore[attr-defined]
    verdicts = {one: {passes(app, one, signed_in, m) for m in ("GET", "POST")} for one in set(checks.values())}
    found = {name: verdicts[check] for name, check in checks.items()}
    assert found == {name: {right in RIGHTS.get(name, LAW)} for name in checks}


def test_a_refusal_is_told_in_plain_words_and_offers_a_way_out(app: Flask, people: Seeded) -> None:
    camille, dominique = people.persons["camille"], people.patients["dominique"]
    let_act(camille, dominique, "helper for the record")
    client = app.test_client()
    sign_in_citizen(client, person_id=camille, patient_id=people.patients["camille"], acting_for=dominique)
    home = client.get("/espace")
    assert "Votre mandat d’aidant" in home.text and "Consulter le dossier" in home.text
    assert 'href="/espace/dossier"' in home.text and 'href="/espace/parametres"' not in home.text
    refused = client.get("/espace/fermeture")
    assert refused.status_code == 403
    assert "Votre mandat ne va pas jusque-là" in refused.text and 'href="/espace/agir-pour"' in refused.text
    assert submit(client, "/espace/fermeture", page="/espace/agir-pour").status_code == 403
    assert client.get("/espace/applications").status_code == 403
    assert client.get("/espace/mesures/body-weight").status_code == 200


def test_the_actor_of_a_helper_names_the_patient_and_carries_the_limits(app: Flask, people: Seeded) -> None:
    camille, dominique = people.persons["camille"], people.patients["dominique"]
    let_act(camille, dominique, "helper for apps, nothing left")
    sign_in = SignIn(camille, "Camille Durand", "eidas2", clock.now(), "", people.patients["camille"], dominique)
    with app.test_request_context("/espace"):
        session[f"sign_in.{Slot.CITIZEN}"] = sign_in.to_json()
        app.view_functions["shell.patient_home"].__check__()  # type: ignore[attr-defined]
        actor = g.present.actor
    assert (actor.kind, actor.id, actor.on_behalf_of) == (ActorKind.HELPER, camille, dominique)
    assert actor.roles == {"record", "permissions"}
    assert not any(actor.reaches(code) for code in [one.code for one in registry.all()])
