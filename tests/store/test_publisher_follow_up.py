"""What a publisher follows and does after sending a dossier: questions, reservations, convention, tests, own acts."""

from datetime import timedelta
from io import BytesIO
from typing import cast
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from platform_core import clock, events
from platform_core.database import transaction
from store.events import IncidentMadeKnown
from store.pages.publisher.acts import list_own_acts
from store.queries.agreements import find_convention
from store.queries.audits import get_audit
from store.queries.commission import ReservationView, list_reservations
from store.queries.evidence import get_submitted_evidence, list_evidence
from store.queries.listings import find_listing
from store.queries.questions import list_questions
from store.queries.reports import find_incident, list_reports
from store.queries.submissions import get_own_submission, get_submission
from store.rules import convention
from store.rules.commission import Ballot, NewReservation
from store.rules.grid import Verdict
from store.rules.reports import Origin
from store.rules.reports import People as Concerned
from store.service import (
    audits,
    commission,
    decisions,
    evidence,
    incidents,
    questions,
    rehearsal,
    reservations,
    reviews,
)
from store.workflow import ListingState, QuestionState, ReservationState, SubmissionState
from tests import files
from tests.signing_in import read_csrf_token, sign_in_agent, submit
from tests.store.conftest import People, bring_to


@pytest.fixture
def alice(client: FlaskClient, people: People) -> FlaskClient:
    assert people.alice.id is not None
    sign_in_agent(client, agent_id=people.alice.id)
    return client


def page(application_id: UUID, path: str = "") -> str:
    return f"/editeur/applications/{application_id}{path}"


def state_of(submission_id: UUID) -> SubmissionState:
    with transaction():
        return get_submission(submission_id).state


def file_evidence(people: People) -> UUID:
    with evidence.receive_file(files.stream(files.pdf()), "contrat.pdf") as upload, transaction():
        return evidence.add_evidence(
            upload=upload, kind="other", title="Contrat", valid_from=None, valid_until=None, by=people.alice
        )


def ask(submission_id: UUID, people: People, criterion: str) -> UUID:
    with transaction():
        return questions.ask(
            submission_id=submission_id, text="Où sont les sauvegardes ?", criterion=criterion, by=people.ines
        )


def reserve(submission_id: UUID, people: People, *, suspensive: bool = True) -> ReservationView:
    """Take a dossier in evaluation to an opinion with one reservation."""
    due_on = clock.today() + timedelta(days=40)
    with transaction():
        rehearsal.conclude(submission_id, people.cast)
        ballot = Ballot.FAVOURABLE_SUSPENSIVE if suspensive else Ballot.FAVOURABLE_NON_SUSPENSIVE
        item_id = rehearsal.hold_session(submission_id, people.cast, ballot)
        new = NewReservation("Chiffrez les sauvegardes.", suspensive, due_on, "SEC-01")
        commission.give_opinion(item_id=item_id, motive="Avis motivé.", reservations=[new], by=people.claire)
        return list_reservations(submission_id)[0]


@pytest.mark.parametrize(
    "path",
    [
        "/suivi",
        "/historique",
        "/questions",
        "/questions/00000000-0000-7000-8000-000000000000",
        "/reserves/00000000-0000-7000-8000-000000000000",
        "/convention",
        "/tests",
        "/actes/abandon",
        "/incident",
    ],
)
def test_another_organisations_follow_up_is_not_found(client: FlaskClient, people: People, path: str) -> None:
    application_id, _ = bring_to("draft", people)
    assert people.bruno.id is not None
    sign_in_agent(client, agent_id=people.bruno.id)
    assert client.get(page(application_id, path)).status_code == 404


@pytest.mark.parametrize("path", ["/questions/", "/reserves/"])
def test_what_the_dossier_does_not_have_is_not_found(alice: FlaskClient, people: People, path: str) -> None:
    application_id, _ = bring_to("submitted", people)
    assert alice.get(page(application_id, f"{path}00000000-0000-7000-8000-000000000000")).status_code == 404


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("draft", ["Complétez le dossier", "Demande", "À venir", "Abandonner cette demande"]),
        ("submitted", ["vérifie que le dossier est recevable", "l’instruction", "chez vous"]),
        ("in_evaluation", ["examiné, critère par critère", "Abandonner cette demande"]),
        ("opinion_given", ["Favorable", "La commission suit", "La décision est attendue"]),
        ("accepted", ["Lire et signer la convention", "Dossier accepté", "À signer", "Recours gracieux"]),
        ("interop_tests", ["Voir les tests", "0 sur", "Signée des deux parties"]),
        ("listed", ["Rien à faire", "Demander une évolution", "Suspendre l’application", "Déclarer un incident"]),
    ],
)
def test_the_follow_up_says_where_the_application_is(
    alice: FlaskClient, people: People, state: str, said: list[str]
) -> None:
    application_id, _ = bring_to(state, people)
    shown = alice.get(page(application_id, "/suivi")).text
    assert [one for one in said if one not in shown] == []


def test_a_question_is_answered_once_with_a_file_that_its_examiner_may_read(alice: FlaskClient, people: People) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    question_id, evidence_id = ask(submission_id, people, criterion="SEC-01"), file_evidence(people)
    assert "Une question attend votre réponse" in alice.get(page(application_id)).text
    address = page(application_id, f"/questions/{question_id}")
    assert address in alice.get(page(application_id, "/questions")).text
    assert submit(alice, address, {"text": " "}).status_code == 422
    posted = {"text": "Dans un second centre.", "evidence": str(evidence_id)}
    assert submit(alice, address, posted).location == page(application_id, "/questions")
    with transaction():
        answered = list_questions(submission_id)[0]
        assert get_submitted_evidence(evidence_id).title == "Contrat"
    assert answered.state is QuestionState.ANSWERED
    assert (answered.messages[-1].text, answered.messages[-1].evidence_ids) == ("Dans un second centre.", [evidence_id])
    again = submit(alice, address, {"text": "Autre chose."}, page=page(application_id, "/incident"))
    assert again.status_code == 409
    assert "Autre chose." in again.text and "n’attend plus de réponse" in again.text


def test_a_file_comes_with_the_answer_to_a_question_or_is_refused_with_nothing_lost(
    alice: FlaskClient, people: People
) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    path = page(application_id, f"/questions/{ask(submission_id, people, criterion='SEC-03')}")

    def send(content: bytes, name: str, **fields: str) -> TestResponse:
        file = (BytesIO(content), name)
        posted = {"text": "Rapport de mars, joint.", "kind": "pentest-report", "file": file, **fields}
        return alice.post(path, data={**posted, "csrf_token": read_csrf_token(alice, path)})

    assert 'value="pentest-report" selected' in alice.get(path).text
    for refused, status, said in (
        (send(b"MZ\x90\x00" * 20, "rapport.pdf", valid_until="2099-01-01"), 422, "ne correspond pas à son extension"),
        (send(b"Rien.", "rapport.exe", valid_until="2099-01-01"), 415, "Type de fichier refusé"),
        (send(b"", "rapport.txt", valid_until="2099-01-01"), 422, "Le fichier est vide."),
        (send(b"Rapport.", "rapport.txt"), 422, "jusqu’à quand cette pièce est valable"),
        (send(b"Rapport.", "rapport.txt", valid_until="2099-01-01", text=" "), 422, "Écrivez votre réponse."),
    ):
        assert refused.status_code == status and said in refused.text
    with transaction():
        assert list_evidence(organisation_id=cast(UUID, people.alice.organisation_id)) == []
    assert send(b"Rapport de mars.", "rapport.txt", valid_until="2099-01-01").status_code == 303
    with transaction():
        (filed,) = list_evidence(organisation_id=cast(UUID, people.alice.organisation_id))
        (question,) = list_questions(submission_id)
    assert (filed.title, question.messages[-1].evidence_ids) == ("rapport.txt", [filed.id])
    assert "rapport.txt" in alice.get(path).text


def test_what_is_sent_back_is_linked_and_submitting_waits_for_the_answers(alice: FlaskClient, people: People) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    question_id = ask(submission_id, people, criterion="SEC-01")
    with transaction():
        reviews.request_complements(
            submission_id=submission_id, motive="Précisez.", flagged=["hosting"], by=people.ines
        )
    shown = alice.get(page(application_id, "/questions")).text
    assert page(application_id, "/hebergement") in shown
    assert page(application_id, "/criteres/securite#SEC-01-level") in shown
    answer = submit(alice, page(application_id, "/soumettre"), {"attest": "yes"})
    assert answer.status_code == 409 and page(application_id, f"/questions/{question_id}") in answer.text
    submit(alice, page(application_id, f"/questions/{question_id}"), {"text": "Dans un second centre."})
    assert submit(alice, page(application_id, "/soumettre"), {"attest": "yes"}).status_code == 303
    assert state_of(submission_id) is SubmissionState.IN_EVALUATION


def test_a_reservation_is_claimed_declined_claimed_again_and_lifted(alice: FlaskClient, people: People) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    one = reserve(submission_id, people)
    address = page(application_id, f"/reserves/{one.id}")
    follow_up = alice.get(page(application_id, "/suivi")).text
    assert (
        address in follow_up and "Lever cette réserve" in follow_up and "Le délai de l’autorité est arrêté" in follow_up
    )
    assert submit(alice, address, {"answer": ""}).status_code == 422
    submit(alice, address, {"answer": "C’est chiffré.", "evidence": str(file_evidence(people))})
    assert "L’instruction vérifie" in alice.get(page(application_id, "/suivi")).text
    with transaction():
        reservations.decline(reservation_id=one.id, motive="Et les copies ?", by=people.ines)
    assert "Et les copies ?" in alice.get(address).text
    submit(alice, address, {"answer": "Les copies aussi."})
    with transaction():
        claimed = list_reservations(submission_id)[0]
        reservations.lift(reservation_id=one.id, motive="Vérifié.", by=people.ines)
    assert (claimed.claim, claimed.evidence_ids) == ("Les copies aussi.", [])
    assert "Vérifié." in alice.get(address).text
    late = submit(alice, address, {"answer": "Encore."}, page=page(application_id, "/incident"))
    assert late.status_code == 409 and "n’est plus ouverte" in late.text
    with transaction():
        assert list_reservations(submission_id)[0].state is ReservationState.LIFTED


def test_a_reservation_takes_no_file_of_another_organisation(alice: FlaskClient, people: People) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    one = reserve(submission_id, people)
    posted = {"answer": "Fait.", "evidence": "00000000-0000-7000-8000-000000000000"}
    assert submit(alice, page(application_id, f"/reserves/{one.id}"), posted).status_code == 404
    with transaction():
        assert list_reservations(submission_id)[0].claimed_at is None


def test_a_refusal_tells_its_motives_criterion_by_criterion_and_the_ways_of_appeal(
    alice: FlaskClient, people: People
) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    with transaction():
        rehearsal.find_all_conforming(submission_id=submission_id, by=people.ines)
        reviews.record_verdict(
            submission_id=submission_id,
            criterion="SEC-01",
            verdict=Verdict.NOT_CONFORMING,
            comment="Un mot de passe suffit.",
            version=1,
            by=people.ines,
        )
    assert "Un mot de passe suffit." not in alice.get(page(application_id, "/suivi")).text
    with transaction():
        item_id = _propose_refusal(submission_id, people)
        commission.give_opinion(item_id=item_id, motive="Trop de risques.", reservations=[], by=people.claire)
        decisions.refuse(submission_id=submission_id, motive="La sécurité ne suffit pas.", by=people.omar)
    shown = alice.get(page(application_id, "/suivi")).text
    for said in (
        "La sécurité ne suffit pas.",
        "Un mot de passe suffit.",
        "Recours contentieux",
        "R. 421-1",
        "Arrêté ici",
    ):
        assert said in shown
    assert page(application_id, "/suivi#recours") in alice.get(page(application_id)).text


def _propose_refusal(submission_id: UUID, people: People) -> UUID:
    reviews.propose(
        submission_id=submission_id,
        opinion=reviews.Opinion.FAVOURABLE_SUSPENSIVE,
        motive="SEC-01 n’est pas conforme.",
        by=people.ines,
    )
    return rehearsal.hold_session(submission_id, people.cast, Ballot.UNFAVOURABLE)


def test_the_convention_is_read_then_signed_in_a_stated_quality(alice: FlaskClient, people: People) -> None:
    application_id, submission_id = bring_to("accepted", people)
    address, text = page(application_id, "/convention"), convention.present()
    shown = alice.get(address).text
    assert text.hash in shown and "Article 10" in shown and 'value="présidente"' in shown
    signature = {"text_hash": text.hash, "quality": "Présidente", "attest": "yes"}
    for wrong, status in (({"attest": ""}, 422), ({"quality": " "}, 422), ({"text_hash": "autre"}, 409)):
        assert submit(alice, address, {**signature, **wrong}).status_code == status
    assert submit(alice, address, signature).status_code == 303
    with transaction():
        signed = find_convention(submission_id)
    assert signed and (signed.quality, signed.text_hash) == ("Présidente", text.hash)
    shown = alice.get(address).text
    assert "Vous avez signé" in shown and "Signer la convention" not in shown
    assert submit(alice, address, signature, page=page(application_id, "/incident")).status_code == 409


def test_the_tests_say_what_was_seen_and_how_to_show_the_rest(alice: FlaskClient, people: People) -> None:
    application_id, submission_id = bring_to("interop_tests", people)
    shown = alice.get(page(application_id, "/tests")).text
    assert "Pas encore vu" in shown and "ens.sandbox.decide" in shown
    assert "<code>storetest.weight</code>" in shown
    with transaction():
        rehearsal.show_behaviours(submission_id)
    shown = alice.get(page(application_id, "/tests")).text
    assert "Réussi" in shown and "Pas encore vu" not in shown and "Les tests sont terminés" in shown
    assert "storetest.weight" not in shown


@pytest.mark.parametrize(
    ("state", "acts"),
    [
        ("draft", ["abandon"]),
        ("in_evaluation", ["abandon"]),
        ("opinion_given", []),
        ("listed", ["suspension", "retrait"]),
        ("suspended", ["retrait"]),
    ],
)
def test_a_publisher_may_end_what_is_theirs_and_nothing_else(
    alice: FlaskClient, people: People, state: str, acts: list[str]
) -> None:
    application_id, _ = bring_to(state, people)
    with transaction():
        file, listing = get_own_submission(application_id, by=people.alice), find_listing(application_id)
    assert [slug for slug, _ in list_own_acts(file.state, listing.state if listing else None)] == acts
    for slug in ("abandon", "suspension", "retrait"):
        assert alice.get(page(application_id, f"/actes/{slug}")).status_code == (200 if slug in acts else 404)


def test_suspending_and_withdrawing_say_why(alice: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("listed", people)
    for slug, reached in (("suspension", ListingState.SUSPENDED), ("retrait", ListingState.WITHDRAWN)):
        assert submit(alice, page(application_id, f"/actes/{slug}"), {"motive": " "}).status_code == 422
        assert submit(alice, page(application_id, f"/actes/{slug}"), {"motive": "Une faille."}).status_code == 303
        with transaction():
            listing = find_listing(application_id)
        assert listing and listing.state is reached
    assert "Une faille." in alice.get(page(application_id, "/historique")).text


def test_a_cancelled_amendment_leaves_the_listing(alice: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("listed", people)
    opened = submit(
        alice, page(application_id, "/reouverture"), {"kind": "amendment"}, page=page(application_id, "/suivi")
    )
    assert "Brouillon" in alice.get(opened.location).text
    assert "référencement en cours ne change pas" in alice.get(page(application_id, "/actes/abandon")).text
    submit(alice, page(application_id, "/actes/abandon"))
    shown = alice.get(page(application_id, "/suivi")).text
    assert "Abandonné" in shown and "Référencée" in shown and "Demander une évolution" in shown


def test_an_incident_opens_a_report_that_its_number_follows(alice: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("listed", people)
    address = page(application_id, "/incident")
    tomorrow = (clock.today() + timedelta(days=1)).isoformat()
    told = {"what": "Un jeton perdu.", "noticed_on": tomorrow, "people": "unknown", "measures": "Clé changée."}
    wrong = submit(alice, address, told)
    assert wrong.status_code == 422 and 'href="#noticed_on"' in wrong.text and "Un jeton perdu." in wrong.text
    declared = submit(alice, address, {**told, "noticed_on": clock.today().isoformat()})
    assert declared.status_code == 200 and "ens-number" in declared.text
    with transaction():
        assert list_reports().total == 0
        (found,) = list_reports(origin=Origin.INCIDENT).items
        incident = find_incident(found.id)
    assert (found.application_id, found.kind) == (application_id, "security")
    assert incident and (incident.people, incident.measures) == ("unknown", "Clé changée.")


def test_the_authority_reads_an_incident_and_has_people_told_once(
    client: FlaskClient, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    application_id, _ = bring_to("listed", people)
    with transaction():
        report_id = incidents.declare_incident(
            application_id=application_id,
            what="Un jeton perdu.",
            noticed_on=clock.today(),
            people=Concerned.FEWER_THAN_10,
            measures="Clé changée.",
            by=people.alice,
        ).report_id
    assert people.ines.id and people.omar.id
    sign_in_agent(client, agent_id=people.ines.id)
    assert "Balance+" in client.get("/instruction/incidents").text
    assert "Balance+" not in client.get("/instruction/signalements").text.partition("<main")[2]
    shown = client.get(f"/instruction/signalements/{report_id}").text
    assert "Moins de 10" in shown and "Clé changée." in shown and "Informer les personnes" not in shown
    path = f"/instruction/incidents/{report_id}/information"
    assert client.get(path).status_code == 403
    sign_in_agent(client, agent_id=people.omar.id)
    notice = {"text": "Une clé de Balance+ a été perdue. Changez votre mot de passe."}
    assert submit(client, path, {"text": "Trop court.", "do": "confirm"}).status_code == 422
    assert "Ce que chaque personne lira" in submit(client, path, {**notice, "do": "preview"}).text
    heard: list[IncidentMadeKnown] = []
    monkeypatch.setitem(events._handlers, IncidentMadeKnown, [*events._handlers[IncidentMadeKnown], heard.append])
    assert submit(client, path, {**notice, "do": "confirm"}).status_code == 303
    token = read_csrf_token(client, f"/instruction/signalements/{report_id}")
    late = client.post(path, data={"text": "Un second texte, plus complet.", "do": "confirm", "csrf_token": token})
    assert [(one.application_id, one.text) for one in heard] == [(application_id, notice["text"])]
    assert late.status_code == 409 and "Un second texte, plus complet." in late.text and notice["text"] in late.text


def test_an_audit_asks_for_documents_then_for_corrections(alice: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("listed", people)
    today, evidence_id = clock.today(), file_evidence(people)
    with transaction():
        audit_id = audits.plan(
            application_id=application_id, scope="Les sauvegardes.", starts_on=today, ends_on=today, by=people.ines
        )
        audits.request_documents(audit_id=audit_id, by=people.ines)
    address = f"/editeur/audits/{audit_id}"
    assert address in alice.get(page(application_id, "/suivi")).text
    assert submit(alice, f"{address}/documents", {}, page=address).status_code == 422
    assert submit(alice, f"{address}/documents", {"evidence": str(evidence_id)}, page=address).status_code == 303
    with transaction():
        audits.issue_report(audit_id=audit_id, report="Une copie n’est pas chiffrée.", by=people.ines)
        audits.require_corrections(audit_id=audit_id, actions=[("Chiffrer la copie", today)], by=people.ines)
        action_id = get_audit(audit_id).actions[0].id
    shown = alice.get(address).text
    assert "Une copie n’est pas chiffrée." in shown and "Chiffrer la copie" in shown and "Contrat" in shown
    correction = f"{address}/mesures/{action_id}"
    assert submit(alice, correction, {f"answer-{action_id}": ""}, page=address).status_code == 422
    assert submit(alice, correction, {f"answer-{action_id}": "Chiffrée."}, page=address).status_code == 303
    with transaction():
        assert get_audit(audit_id).actions[0].answer == "Chiffrée."


def test_another_organisations_audit_is_not_found(client: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("listed", people)
    today = clock.today()
    with transaction():
        audit_id = audits.plan(
            application_id=application_id, scope="Les sauvegardes.", starts_on=today, ends_on=today, by=people.ines
        )
    assert people.bruno.id is not None
    sign_in_agent(client, agent_id=people.bruno.id)
    assert client.get(f"/editeur/audits/{audit_id}").status_code == 404
