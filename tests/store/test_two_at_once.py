"""Two people on one file, each in their session: one wins, the other reads both values, and nothing typed is lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from platform_core.access import Actor
from platform_core.database import transaction
from store.queries.questions import list_questions
from store.queries.submissions import get_own_submission, get_submission
from store.queries.verdicts import list_verdicts
from store.rules.dossier import item_version, section_version
from store.service import dossiers, questions, reviews
from store.workflow import SubmissionState
from tests.signing_in import read_csrf_token, sign_in_agent
from tests.store.conftest import People, bring_to, complete_dossier, fill, weight_item

VERDICT = {"verdict": "conforming", "version": "0", "sent": "1"}
QUESTION = {"target": "hosting", "text": "Et en 2026 ?\nPar qui ?", "due_on": "", "sent": "1"}
HOSTER = ["hoster", "country", "hds_certificate", "hds_valid_until"]


def enter(app: Flask, agent: Actor) -> FlaskClient:
    client = app.test_client()
    assert agent.id is not None
    sign_in_agent(client, agent_id=agent.id)
    return client


def at_once(*calls: Callable[[Barrier], TestResponse]) -> list[TestResponse]:
    """What each call answered, each in its thread; they wait for one another before they post."""
    ready = Barrier(len(calls), timeout=60)
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: call(ready), calls))


def post(
    app: Flask, by: Actor, path: str, data: dict[str, str], *, page: str = ""
) -> Callable[[Barrier], TestResponse]:
    """Open the page as this agent, wait for the others, post its form."""

    def run(ready: Barrier) -> TestResponse:
        client = enter(app, by)
        token = read_csrf_token(client, page or path)
        ready.wait()
        return client.post(path, data={**data, "csrf_token": token})

    return run


def examined(submission_id: UUID, page: str = "") -> str:
    return f"/instruction/dossiers/{submission_id}{page}"


def sent_back(people: People, *flagged: str) -> tuple[UUID, UUID]:
    """An application whose publisher must complete these parts, and its submission."""
    application_id, submission_id = bring_to("in_evaluation", people)
    with transaction():
        reviews.request_complements(submission_id=submission_id, motive="Précisez.", flagged=flagged, by=people.ines)
    return application_id, submission_id


def correct(application_id: UUID, people: People, hoster: str) -> None:
    with transaction():
        fill(application_id, people.alice, {"hosting": {**complete_dossier()["hosting"], "hoster": hoster}})


def state_of(submission_id: UUID) -> SubmissionState:
    with transaction():
        return get_submission(submission_id).state


def test_two_deciders_at_the_same_instant_one_wins_and_the_other_gets_both(app: Flask, people: People) -> None:
    _, submission_id = bring_to("opinion_given", people)
    refusal = {"motive": "Motif contraire.", "against": "1"}
    answers = at_once(
        post(app, people.omar, examined(submission_id, "/accepter"), {"motive": "Motif favorable."}),
        post(app, people.zoe, examined(submission_id, "/refuser"), refusal),
    )
    assert sorted(one.status_code for one in answers) == [303, 409]
    lost = next(one for one in answers if one.status_code == 409)
    assert "Motif favorable." in lost.text and "Motif contraire." in lost.text


def test_two_reviewers_at_the_same_instant_one_wins_and_the_other_gets_both(app: Flask, people: People) -> None:
    _, submission_id = bring_to("in_evaluation", people)
    path = examined(submission_id, "/criteres/SEC-01")
    answers = at_once(
        post(app, people.ines, path, {**VERDICT, "comment": "Vu par Inès."}),
        post(app, people.noe, path, {**VERDICT, "comment": "Vu par Noé."}),
    )
    assert sorted(one.status_code for one in answers) == [303, 409]
    lost = next(one for one in answers if one.status_code == 409)
    assert "Vu par Inès." in lost.text and "Vu par Noé." in lost.text
    again = enter(app, people.ines if lost is answers[0] else people.noe)
    token = read_csrf_token(again, path)
    kept = again.post(path, data={**VERDICT, "comment": "Vu par les deux.", "version": "1", "csrf_token": token})
    with transaction():
        assert (kept.status_code, list_verdicts(submission_id)["SEC-01"].comment) == (303, "Vu par les deux.")


def test_a_publisher_sends_and_a_reviewer_asks_at_the_same_instant(app: Flask, people: People) -> None:
    application_id, submission_id = sent_back(people, "hosting")
    correct(application_id, people, "Autre hébergeur")
    asked, sent = at_once(
        post(app, people.ines, examined(submission_id, "/questions"), QUESTION),
        post(app, people.alice, f"/editeur/applications/{application_id}/soumettre", {"attest": "yes"}),
    )
    assert sorted((asked.status_code, sent.status_code)) == [303, 409]
    lost = asked if asked.status_code == 409 else sent
    assert "Autre hébergeur" in lost.text and "Et en 2026 ?" in lost.text and "Par qui ?" in lost.text


def test_a_question_that_comes_first_is_answered_before_the_dossier_is_sent(app: Flask, people: People) -> None:
    application_id, submission_id = sent_back(people, "hosting")
    correct(application_id, people, "Autre hébergeur")
    alice, path = enter(app, people.alice), f"/editeur/applications/{application_id}/soumettre"
    token = read_csrf_token(alice, path)
    with transaction():
        question = questions.ask(submission_id=submission_id, text="Et en 2026 ?", criterion="SEC-01", by=people.ines)
    sending = {"attest": "yes", "csrf_token": token}
    late = alice.post(path, data=sending)
    assert late.status_code == 409 and state_of(submission_id) is SubmissionState.COMPLEMENTS_REQUESTED
    for shown in ("Et en 2026 ?", "Inès", "Nuage Clair", "Autre hébergeur", f"questions/{question}"):
        assert shown in late.text
    answer = {"text": "Par un prestataire.", "csrf_token": token}
    assert alice.post(f"/editeur/applications/{application_id}/questions/{question}", data=answer).status_code == 303
    assert alice.post(path, data=sending).status_code == 303
    assert state_of(submission_id) is SubmissionState.IN_EVALUATION


def test_a_dossier_that_was_sent_first_is_read_before_the_question_is_asked(app: Flask, people: People) -> None:
    application_id, submission_id = sent_back(people, "hosting", "SEC-01")
    correct(application_id, people, "Autre hébergeur")
    ines = enter(app, people.ines)
    token = read_csrf_token(ines, examined(submission_id, "/questions/nouvelle"))
    with transaction():
        dossiers.submit(application_id=application_id, by=people.alice)
    question = {**QUESTION, "csrf_token": token}
    late = ines.post(examined(submission_id, "/questions"), data=question)
    assert late.status_code == 409
    for shown in ("la version 2", "Nuage Clair", "Autre hébergeur", "Et en 2026 ?", 'name="sent" value="2"'):
        assert shown in late.text
    with transaction():
        assert list_questions(submission_id) == []
    assert ines.post(examined(submission_id, "/questions"), data={**question, "sent": "2"}).status_code == 303


def test_what_a_publisher_wrote_in_a_part_closed_meanwhile_is_shown_beside_what_is_saved(
    app: Flask, people: People
) -> None:
    application_id, submission_id = sent_back(people, "hosting", "data")
    alice, hub = enter(app, people.alice), f"/editeur/applications/{application_id}"
    token = read_csrf_token(alice, f"{hub}/hebergement/hebergeur")
    with transaction():
        content = get_own_submission(application_id, by=people.alice).dossier
        dossiers.submit(application_id=application_id, by=people.alice)
    hosting = {**{name: content["hosting"][name] for name in HOSTER}, "hoster": "Autre hébergeur"}
    written: dict[str, Any] = {**hosting, "version": section_version(content, "hosting", HOSTER), "csrf_token": token}
    late = alice.post(f"{hub}/hebergement/hebergeur", data=written)
    assert late.status_code == 409
    for shown in ("Compléments fournis", "Nuage Clair", "Autre hébergeur", 'name="hoster" value="Autre hébergeur"'):
        assert shown in late.text
    in_passing = alice.post(f"{hub}/brouillon/hebergement/hebergeur", data=written)
    assert (in_passing.status_code, in_passing.get_json().keys()) == (409, {"said"})
    version = item_version(content, "storetest.weight", "read")
    item = {"why": "Pour comparer vos pesées.", "required": "true", "frequency": "once", "version": version}
    added = alice.post(f"{hub}/donnees/storetest.weight/read", data={**item, "csrf_token": token})
    assert added.status_code == 409
    assert weight_item("read")["why"] in added.text and "Pour comparer vos pesées." in added.text
    removed = alice.post(f"{hub}/donnees/storetest.weight/read/retrait", data={"version": version, "csrf_token": token})
    assert removed.status_code == 409 and "Compléments fournis" in removed.text
    with transaction():
        assert get_own_submission(application_id, by=people.alice).dossier["hosting"] == content["hosting"]


def test_a_dossier_that_a_colleague_sent_first_is_not_sent_twice(app: Flask, people: People) -> None:
    application_id, submission_id = bring_to("draft", people)
    path = f"/editeur/applications/{application_id}/soumettre"
    answers = at_once(
        post(app, people.alice, path, {"attest": "yes"}), post(app, people.alice, path, {"attest": "yes"})
    )
    assert sorted(one.status_code for one in answers) == [303, 409]
    lost = next(one for one in answers if one.status_code == 409)
    assert "Dossier soumis" in lost.text and state_of(submission_id) is SubmissionState.SUBMITTED
