"""The authority's pages: what they show, what they refuse, and that nothing typed is lost."""

from datetime import timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from platform_core import clock
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from store.queries.commission import list_items, list_reservations, list_sessions
from store.queries.questions import list_notes, list_questions
from store.queries.submissions import get_own_submission, get_submission
from store.queries.verdicts import list_verdicts
from store.rules import dossier, messages
from store.rules.commission import Ballot, NewReservation
from store.rules.messages import TEMPLATES, Use
from store.service import commission, dossiers, drafts, questions, rehearsal, reservations, reviews
from store.workflow import SubmissionState
from tests.signing_in import read_csrf_token, sign_in_agent, submit
from tests.store.conftest import People, bring_to


def as_agent(client: FlaskClient, agent_id: UUID | None) -> FlaskClient:
    assert agent_id is not None
    sign_in_agent(client, agent_id=agent_id)
    return client


def address(submission_id: UUID, page: str = "") -> str:
    return f"/instruction/dossiers/{submission_id}{page}"


VERDICT = {"verdict": "conforming", "version": "0", "sent": "1"}


def test_reviewer_and_decider_carry_a_dossier_to_the_catalogue(client: FlaskClient, people: People) -> None:
    application_id, submission_id = bring_to("submitted", people)
    path = address(submission_id)
    as_agent(client, people.ines.id)
    assert "Balance+" in client.get("/instruction/dossiers?etat=submitted").text
    for slug in ("prise-en-charge", "recevable", "evaluation"):
        assert submit(client, f"{path}/{slug}").status_code == 303
    page = client.get(path).text
    assert "Verdicts : 0 sur" in page.replace("\xa0", " ").replace("\u202f", " ") and "Accepter le dossier" not in page
    assert submit(client, f"{path}/criteres/SEC-01", VERDICT).status_code == 303
    with transaction():
        rehearsal.find_all_conforming(submission_id=submission_id, by=people.ines)
    proposal = {"motive": "Conforme.", "opinion": "favourable"}
    assert submit(client, f"{path}/proposer", {"motive": "Conforme."}).status_code == 422
    assert "Ce que la commission lira" in submit(client, f"{path}/proposer", {**proposal, "do": "preview"}).text
    assert submit(client, f"{path}/proposer", proposal).status_code == 303
    assert submit(client, f"{path}/accepter", {"motive": "Oui."}).status_code == 403
    with transaction():
        rehearsal.advance(submission_id=submission_id, to=SubmissionState.OPINION_GIVEN, cast=people.cast)
    as_agent(client, people.omar.id)
    assert submit(client, f"{path}/accepter", {"motive": ""}).status_code == 422
    preview = submit(client, f"{path}/accepter", {"motive": "Le dossier est conforme.", "do": "preview"})
    for text in ("Ce que l’éditeur lira", "dossier accepté", "Le dossier est conforme.", "La page du catalogue"):
        assert text in preview.text
    with transaction():
        assert get_submission(submission_id).state is SubmissionState.OPINION_GIVEN
    assert submit(client, f"{path}/accepter", {"motive": "Le dossier est conforme."}).status_code == 303
    assert submit(client, f"{path}/contresigner").status_code == 409
    with transaction():
        rehearsal.sign(submission_id, people.cast)
    assert submit(client, f"{path}/contresigner").status_code == 303
    assert submit(client, f"{path}/inscrire").status_code == 409
    with transaction():
        rehearsal.show_behaviours(submission_id)
    assert "Pour tracer la courbe de votre poids." in client.get(f"{path}/inscrire").text
    assert submit(client, f"{path}/inscrire").status_code == 303
    assert client.get("/catalogue/balance").status_code == 200
    as_agent(client, people.alice.id)
    assert "ENS-" in client.get(f"/editeur/applications/{application_id}").text


def test_the_queue_is_narrowed_by_what_the_address_says(client: FlaskClient, people: People) -> None:
    bring_to("submitted", people, "Vigie")
    bring_to("in_evaluation", people, "Souffle")
    as_agent(client, people.ines.id)
    shown = {
        "": {"Vigie", "Souffle"},
        "?qui=moi": {"Souffle"},
        "?qui=personne": {"Vigie"},
        "?etat=submitted": {"Vigie"},
        "?nature=amendment": set(),
        "?attend=reviewer&q=souf": {"Souffle"},
        "?retard=oui": set(),
        "?etat=unknown&attend=nobody": {"Vigie", "Souffle"},
    }
    for query, names in shown.items():
        table = client.get(f"/instruction/dossiers{query}").text.partition("<tbody")[2]
        assert {name for name in ("Vigie", "Souffle") if name in table} == names, query


def test_an_overdue_dossier_says_so(client: FlaskClient, people: People, clock: FrozenClock) -> None:
    bring_to("submitted", people)
    clock.move(days=20)
    as_agent(client, people.ines.id)
    assert "En retard de 5 jours" in client.get("/instruction/dossiers?retard=oui").text


def test_a_dossier_is_assigned_and_given_back(client: FlaskClient, people: People) -> None:
    _, submission_id = bring_to("submitted", people)
    as_agent(client, people.ines.id)
    path = address(submission_id, "/confier")
    assert submit(client, path, {"reviewer": "x"}).status_code == 422
    assert submit(client, path, {"reviewer": str(people.alice.id)}, page=path).status_code == 404
    assert submit(client, path, {"reviewer": str(people.noe.id)}).status_code == 303
    with transaction():
        assert get_submission(submission_id).evaluator_name == "Noé Essai"
    as_agent(client, people.noe.id)
    assert submit(client, address(submission_id, "/rendre")).status_code == 303
    with transaction():
        assert get_submission(submission_id).evaluator_id is None


@pytest.mark.parametrize(
    "page", ["", "/criteres", "/criteres/SEC-01", "/contenu", "/questions", "/versions", "/historique", "/convention"]
)
def test_every_page_of_a_dossier_opens_to_the_commission_and_not_to_its_publisher(
    client: FlaskClient, people: People, page: str
) -> None:
    _, submission_id = bring_to("submitted", people)
    as_agent(client, people.claire.id)
    assert client.get(address(submission_id, page)).status_code == 200
    as_agent(client, people.alice.id)
    assert client.get(address(submission_id, page)).status_code == 403


def test_the_publisher_never_reads_an_internal_note(client: FlaskClient, people: People) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    as_agent(client, people.ines.id)
    page = address(submission_id, "/criteres/SEC-01")
    note = {"note": "Vérifier auprès de l’hébergeur.", "criterion": "SEC-01"}
    assert submit(client, address(submission_id, "/notes"), note, page=page).status_code == 303
    shown = client.get(page).text
    assert "Vérifier auprès" in shown and "jamais visible de l’éditeur" in shown
    as_agent(client, people.alice.id)
    for path in (f"/editeur/applications/{application_id}", f"/editeur/applications/{application_id}/versions"):
        assert "Vérifier auprès" not in client.get(path).text


def test_a_question_goes_to_the_publisher_and_comes_back(client: FlaskClient, people: People) -> None:
    _, submission_id = bring_to("in_evaluation", people)
    as_agent(client, people.ines.id)
    path, form = address(submission_id, "/questions"), address(submission_id, "/questions/nouvelle?sur=SEC-01")
    inserted = submit(
        client, path, {"target": "SEC-01", "text": "Bonjour.", "template": "ask-evidence", "do": "insert"}, page=form
    )
    assert "Bonjour." in inserted.text and "La réponse au critère SEC-01" in inserted.text
    assert (
        submit(client, path, {"target": "SEC-01", "text": "Laquelle ?", "due_on": "hier"}, page=form).status_code == 422
    )
    empty = submit(client, path, {"target": "", "text": "Sans partie."}, page=form)
    assert empty.status_code == 422 and "Sans partie." in empty.text
    asked = {"target": "SEC-01", "text": "Laquelle ?", "due_on": str(clock.today() + timedelta(days=3))}
    assert submit(client, path, asked, page=form).status_code == 303
    with transaction():
        [question] = list_questions(submission_id)
        questions.answer(question_id=question.id, text="Celle-ci.", by=people.alice)
    assert "Celle-ci." in client.get(path).text
    act = f"{path}/{question.id}"
    assert submit(client, f"{act}/rouvrir", {"text": "Et la date ?"}, page=path).status_code == 303
    assert submit(client, f"{act}/clore", page=path).status_code == 303
    late = submit(client, f"{act}/clore", {"text": "Trop tard."}, page=path)
    assert late.status_code == 409 and "Trop tard." in late.text and "Question close" in late.text
    assert submit(client, f"{act}/inconnu", page=path).status_code == 404
    with transaction():
        assert [message.text for message in list_questions(submission_id)[0].messages] == [
            "Laquelle ?",
            "Celle-ci.",
            "Et la date ?",
        ]


def test_complements_are_prepared_previewed_and_sent(client: FlaskClient, people: People) -> None:
    _, submission_id = bring_to("in_evaluation", people)
    as_agent(client, people.ines.id)
    with transaction():
        questions.ask(submission_id=submission_id, text="Quel tiers ?", criterion="ETH-01", by=people.ines)
    path = address(submission_id, "/complements")
    verdict = {**VERDICT, "verdict": "to_clarify", "comment": "Date ?"}
    submit(client, address(submission_id, "/criteres/SEC-01"), verdict)
    assert 'value="SEC-01" checked' in client.get(path).text
    asked = {"motive": "Où sont les serveurs ?", "flagged": ["hosting", "SEC-01"]}
    missing = submit(client, path, {**asked, "motive": "", "do": "preview"})
    assert missing.status_code == 422 and 'value="hosting" checked' in missing.text.replace("\n      ", "")
    inserted = submit(client, path, {**asked, "template": "complements-first", "do": "insert"}).text
    assert "Où sont les serveurs ?" in inserted and "appelle des compléments" in inserted
    preview = submit(client, path, {**asked, "do": "preview"}).text
    for text in (
        "Ce que l’éditeur lira",
        "Où sont les serveurs ?",
        "Quel tiers ?",
        "ETH-01",
        "Sécurité et hébergement",
    ):
        assert text in preview
    assert submit(client, path, {**asked, "do": "send"}).status_code == 303
    with transaction():
        assert list(get_submission(submission_id).flagged) == ["ETH-01", "SEC-01", "hosting"]


def test_what_changed_between_two_versions_is_shown_where_it_matters(client: FlaskClient, people: People) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    with transaction():
        flagged = ["SEC-01"]
        reviews.request_complements(submission_id=submission_id, motive="Précisez.", flagged=flagged, by=people.ines)
    answer(application_id, people, "Un audit a eu lieu en mars.")
    as_agent(client, people.ines.id)
    criteria = client.get(address(submission_id, "/criteres")).text
    assert criteria.count("réponse changée") == 1
    for page in ("/criteres/SEC-01", "/versions", "/contenu"):
        assert "Un audit a eu lieu en mars." in client.get(address(submission_id, page)).text, page


def answer(application_id: UUID, people: People, text: str) -> None:
    """The publisher writes another answer to SEC-01 and sends the dossier again."""
    with transaction():
        file = get_own_submission(application_id, by=people.alice)
        dossiers.save_section(
            application_id=application_id,
            section="criteria",
            values={"SEC-01": {**file.dossier["criteria"]["SEC-01"], "answer": text}},
            version=dossier.section_version(file.dossier, "criteria", ["SEC-01"]),
            fields=["SEC-01"],
            by=people.alice,
        )
        dossiers.submit(application_id=application_id, by=people.alice)


def test_the_clock_of_delays_tells_whose_turn_it_was(client: FlaskClient, people: People, clock: FrozenClock) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    clock.move(days=4)
    with transaction():
        flagged = ["SEC-01"]
        reviews.request_complements(submission_id=submission_id, motive="Précisez.", flagged=flagged, by=people.ines)
    clock.move(days=6)
    answer(application_id, people, "Le test date de mars.")
    as_agent(client, people.ines.id)
    page = client.get(address(submission_id, "/historique")).text.replace("\u202f", " ").replace("\xa0", " ")
    assert "L’autorité a tenu le dossier 4 j ; l’éditeur, 6 j." in page


def test_two_reviewers_on_one_criterion_see_both_verdicts(client: FlaskClient, people: People) -> None:
    _, submission_id = bring_to("in_evaluation", people)
    path = address(submission_id, "/criteres/SEC-01")
    as_agent(client, people.ines.id)
    submit(client, path, {**VERDICT, "verdict": "to_clarify", "comment": "Quelle date ?"})
    as_agent(client, people.noe.id)
    own = {**VERDICT, "verdict": "not_conforming", "comment": "Expiré."}
    conflict = submit(client, path, own)
    assert conflict.status_code == 409
    for text in ("Quelle date ?", "Expiré.", "Garder le verdict de Alice Roche", 'name="version" value="1"'):
        assert text in conflict.text
    assert submit(client, path, {**own, "version": "1"}).status_code == 303
    with transaction():
        assert list_verdicts(submission_id)["SEC-01"].comment == "Expiré."


def test_a_verdict_on_a_version_that_is_no_longer_the_last_is_read_again(client: FlaskClient, people: People) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    path = address(submission_id, "/criteres/SEC-01")
    as_agent(client, people.ines.id)
    token = read_csrf_token(client, path)
    with transaction():
        flagged = ["SEC-01"]
        reviews.request_complements(submission_id=submission_id, motive="Précisez.", flagged=flagged, by=people.noe)
    typed = {**VERDICT, "verdict": "not_conforming", "comment": "Rien de daté.", "csrf_token": token}
    waiting = client.post(path, data=typed)
    assert waiting.status_code == 409 and "Rien de daté." in waiting.text
    answer(application_id, people, "Le certificat est daté de mars.")
    stale = client.post(path, data=typed)
    assert stale.status_code == 409
    for text in ("la version 2", "Le certificat est daté de mars.", "Rien de daté.", 'name="sent" value="2"'):
        assert text in stale.text
    assert client.post(path, data={**typed, "sent": "2"}).status_code == 303


def test_two_deciders_the_second_reads_what_the_first_decided_and_keeps_their_text(
    client: FlaskClient, people: People
) -> None:
    _, submission_id = bring_to("opinion_given", people)
    as_agent(client, people.omar.id)
    refusal = {"motive": "Non, trop risqué.", "against": "1"}
    assert submit(client, address(submission_id, "/refuser"), refusal).status_code == 303
    as_agent(client, people.zoe.id)
    conflict = submit(client, address(submission_id, "/accepter"), {"motive": "Mon long motif."})
    assert conflict.status_code == 409
    for text in ("Dossier refusé", "Non, trop risqué.", "Accepter le dossier", "Mon long motif."):
        assert text in conflict.text
    note = {"note": "Mon long motif."}
    assert (
        submit(client, address(submission_id, "/notes"), note, page=address(submission_id, "/questions")).status_code
        == 303
    )
    with transaction():
        assert [one.text for one in list_notes(submission_id)] == ["Mon long motif."]


def test_a_publisher_gives_up_while_a_reviewer_asks(client: FlaskClient, people: People) -> None:
    application_id, submission_id = bring_to("in_evaluation", people)
    path = address(submission_id, "/complements")
    as_agent(client, people.ines.id)
    token = read_csrf_token(client, path)
    with transaction():
        drafts.abandon(application_id=application_id, by=people.alice)
    asked = {"motive": "Ma longue demande.", "flagged": ["hosting"], "csrf_token": token, "do": "send"}
    conflict = client.post(path, data=asked)
    assert conflict.status_code == 409
    assert "Demande abandonnée" in conflict.text and "Ma longue demande." in conflict.text


def test_a_decision_against_the_opinion_ticks_that_it_is(client: FlaskClient, people: People) -> None:
    _, submission_id = bring_to("opinion_given", people)
    path = address(submission_id, "/refuser")
    as_agent(client, people.omar.id)
    page = client.get(path).text
    assert "favorable" in page and "Je décide autrement que la commission" in page
    assert "Je décide autrement" not in client.get(address(submission_id, "/accepter")).text
    assert submit(client, path, {"motive": "Faillite."}).status_code == 409
    preview = submit(client, path, {"motive": "Faillite.", "against": "1", "do": "preview"}).text
    assert "Vous décidez autrement que la commission." in preview and 'name="against" value="1"' in preview
    assert "Faillite." in submit(client, path, {"motive": "Faillite.", "do": "correct"}).text
    assert submit(client, path, {"motive": "Faillite.", "against": "1"}).status_code == 303


@pytest.mark.parametrize(
    "data",
    [
        {},
        {**VERDICT, "verdict": "splendid"},
        {**VERDICT, "version": "x"},
        {**VERDICT, "sent": ""},
        {**VERDICT, "verdict": "to_clarify"},
    ],
)
def test_a_verdict_that_is_none_is_refused(client: FlaskClient, people: People, data: dict[str, str]) -> None:
    _, submission_id = bring_to("in_evaluation", people)
    as_agent(client, people.ines.id)
    assert submit(client, address(submission_id, "/criteres/SEC-01"), data).status_code == 422


@pytest.mark.parametrize("slug", ["inconnu", "draft", "EXPIRE"])
def test_an_unknown_act_is_not_found(client: FlaskClient, people: People, slug: str) -> None:
    _, submission_id = bring_to("submitted", people)
    as_agent(client, people.ines.id)
    assert client.get(address(submission_id, f"/{slug}")).status_code == 404


def test_the_commission_meets_votes_and_gives_an_opinion_with_a_reservation(
    client: FlaskClient, people: People
) -> None:
    _, submission_id = bring_to("proposed", people)
    as_agent(client, people.ines.id)
    start = "/instruction/commission"
    day = str(clock.today() + timedelta(days=1))
    assert submit(client, start, {"day": "demain", "hour": "14:00", "place": "Salle 1"}).status_code == 422
    assert submit(client, start, {"day": day, "hour": "14:00"}).status_code == 422
    session = submit(client, start, {"day": day, "hour": "14:00", "place": "Salle 1"}).location
    assert submit(client, f"{session}/ordre-du-jour", {"submission": ""}, page=session).status_code == 422
    added = submit(client, f"{session}/ordre-du-jour", {"submission": str(submission_id)}, page=session)
    assert added.status_code == 303
    assert submit(client, f"{session}/ouvrir", page=session).status_code == 403
    as_agent(client, people.claire.id)
    with transaction():
        [item] = list_items(UUID(session.rpartition("/")[2]))
    path = f"{session}/dossiers/{item.id}"
    assert submit(client, f"{path}/interets", {"has": "no"}, page=session).status_code == 409
    assert submit(client, f"{session}/ouvrir", page=session).status_code == 303
    assert "Une déclaration attendue" in client.get(f"{start}/membres").text
    assert submit(client, f"{path}/vote", {"ballot": "favourable"}, page=session).status_code == 409
    assert submit(client, f"{path}/interets", {"has": "yes"}, page=session).status_code == 422
    assert submit(client, f"{path}/interets", {"has": "no"}, page=session).status_code == 303
    assert submit(client, f"{path}/vote", {"ballot": "maybe"}, page=session).status_code == 422
    assert submit(client, f"{path}/vote", {"ballot": "favourable_suspensive"}, page=session).status_code == 303
    opinion = {"motive": "À revoir.", "text-0": "Renouveler le test.", "kind-0": "suspensive", "criterion-0": "SEC-01"}
    undated = submit(client, f"{path}/avis", opinion)
    assert undated.status_code == 422 and "Renouveler le test." in undated.text
    more = submit(client, f"{path}/avis", {**opinion, "do": "more"}).text
    assert "Renouveler le test." in more and 'name="text-1"' in more
    assert submit(client, f"{path}/avis", {"motive": "Sans réserve."}).status_code == 422
    assert submit(client, f"{path}/avis", {**opinion, "due-0": day}).status_code == 303
    assert submit(client, f"{session}/clore", page=session).status_code == 303
    minutes = client.get(f"{session}/proces-verbal").text
    for text in ("Favorable avec réserves suspensives", "Renouveler le test.", "Claire Essai", "À revoir."):
        assert text in minutes


def test_who_declares_an_interest_takes_no_part(client: FlaskClient, people: People) -> None:
    _, submission_id = bring_to("proposed", people)
    with transaction():
        item_id = rehearsal.hold_session(submission_id, people.cast)
        [session] = list_sessions()
    as_agent(client, people.claire.id)
    path = f"/instruction/commission/{session.id}"
    with transaction():
        commission.declare_interests(item_id=item_id, links="Mon frère y travaille.", by=people.claire)
    page = client.get(path).text
    assert "Mon frère y travaille." in page and "Votre vote sur" not in page
    assert submit(client, f"{path}/dossiers/{item_id}/vote", {"ballot": "favourable"}, page=path).status_code == 403


def test_a_reservation_is_kept_then_lifted(client: FlaskClient, people: People) -> None:
    _, submission_id = bring_to("proposed", people)
    with transaction():
        item_id = rehearsal.hold_session(submission_id, people.cast, Ballot.FAVOURABLE_SUSPENSIVE)
        due_on = clock.today() + timedelta(days=30)
        wanted = [NewReservation("Renouveler le test.", True, due_on, "SEC-01")]
        commission.give_opinion(item_id=item_id, motive="À revoir.", reservations=wanted, by=people.claire)
        [reservation] = list_reservations(submission_id)
    path = address(submission_id, f"/reserves/{reservation.id}")
    as_agent(client, people.omar.id)
    assert "Le dossier ne peut pas encore être accepté." in client.get(address(submission_id, "/accepter")).text
    assert submit(client, address(submission_id, "/accepter"), {"motive": "Oui."}).status_code == 409
    as_agent(client, people.ines.id)
    with transaction():
        reservations.claim(reservation_id=reservation.id, answer="Test refait.", by=people.alice)
    assert "Test refait." in client.get(path).text
    assert submit(client, path, {"motive": "", "do": "decline"}).status_code == 422
    assert submit(client, path, {"motive": "Rapport illisible.", "do": "decline"}).status_code == 303
    assert submit(client, path, {"motive": "Rapport reçu.", "do": "lift"}).status_code == 303
    lost = client.post(path, data={"motive": "Trop tard.", "do": "lift", "csrf_token": csrf(client, submission_id)})
    assert lost.status_code == 409 and "Trop tard." in lost.text
    assert client.get(address(submission_id, f"/reserves/{submission_id}")).status_code == 404


def csrf(client: FlaskClient, submission_id: UUID) -> str:
    return read_csrf_token(client, address(submission_id, "/questions"))


def test_a_test_is_waived_with_a_motive(client: FlaskClient, people: People) -> None:
    _, submission_id = bring_to("interop_tests", people)
    as_agent(client, people.ines.id)
    page = address(submission_id, "/interoperabilite")
    assert "Pas encore vu" in client.get(page).text
    path = f"{page}/pkce/dispense"
    assert submit(client, path, {"motive": ""}).status_code == 422
    assert submit(client, path, {"motive": "Vu en séance."}).status_code == 303
    assert "Vu en séance." in client.get(page).text
    assert submit(client, path, {"motive": "Encore."}).status_code == 409
    assert client.get(f"{page}/dancing/dispense").status_code == 404


def test_a_suspension_is_previewed_with_the_people_it_concerns(client: FlaskClient, people: People) -> None:
    _, submission_id = bring_to("listed", people)
    as_agent(client, people.omar.id)
    path = address(submission_id, "/suspendre")
    assert "Personnes concernées" in client.get(path).text
    inserted = submit(client, path, {"motive": "", "template": "suspension-security", "do": "insert"}).text
    assert "Un incident de sécurité touche Balance+." in inserted
    preview = submit(client, path, {"motive": "Fuite.", "do": "preview"}).text
    for text in ("Personnes concernées", "référencement suspendu", "Fuite.", "Le motif n’est pas publié."):
        assert text in preview
    assert submit(client, path, {"motive": "Fuite."}).status_code == 303
    assert "Balance+" in client.get("/instruction/surveillance").text.partition("Référencements suspendus")[2]
    assert submit(client, address(submission_id, "/retablir"), {"motive": "Corrigé."}).status_code == 303
    assert submit(client, address(submission_id, "/retirer"), {"motive": "Fin."}).status_code == 303


def test_an_audit_goes_from_its_plan_to_its_conclusion(client: FlaskClient, people: People) -> None:
    application_id, _ = bring_to("listed", people)
    as_agent(client, people.ines.id)
    plan = f"/instruction/applications/{application_id}/audit"
    today = str(clock.today())
    scope = {"scope": "Le chiffrement.", "starts_on": today, "ends_on": ""}
    undated = submit(client, plan, scope)
    assert undated.status_code == 422 and "Le chiffrement." in undated.text
    assert submit(client, plan, {**scope, "scope": "", "ends_on": today}).status_code == 422
    audit = submit(client, plan, {**scope, "ends_on": today}).location
    assert "Balance+" in client.get("/instruction/audits").text
    assert submit(client, f"{audit}/documents", page=audit).status_code == 303
    assert submit(client, f"{audit}/visite", {"text-visite": ""}, page=audit).status_code == 422
    assert submit(client, f"{audit}/rapport", {"text-rapport": "Une clé en clair."}, page=audit).status_code == 303
    kept = submit(client, f"{audit}/corrections", {"action-0": "Retirer la clé.", "due-0": ""}, page=audit)
    assert kept.status_code == 422 and "Retirer la clé." in kept.text
    assert (
        submit(client, f"{audit}/corrections", {"action-0": "Retirer la clé.", "due-0": today}, page=audit).status_code
        == 303
    )
    assert (
        submit(client, f"{audit}/cloture", {"text-cloture": "Corrigé."}, page="/instruction/dossiers").status_code
        == 303
    )
    assert submit(client, f"{audit}/inconnu", page="/instruction/commission").status_code == 404
    assert "Balance+" not in client.get("/instruction/audits").text.partition("<table")[2]
    assert "Balance+" in client.get("/instruction/audits?clos=oui").text


def test_evidence_that_ends_soon_is_watched(client: FlaskClient, people: People) -> None:
    bring_to("listed", people)
    as_agent(client, people.ines.id)
    page = client.get("/instruction/surveillance").text
    assert "Aucune preuve n’expire bientôt" in page and "Aucun signalement en cours" in page


@pytest.mark.parametrize("code", list(TEMPLATES))
def test_a_ready_made_message_knows_its_placeholders(code: str) -> None:
    values = {"application": "Balance+", "publisher": "Balance+ SAS", "criterion": "SEC-01", "day": "2 mai 2027"}
    filled = messages.insert("", code, values)
    assert "{" not in filled and filled
    assert messages.insert("Bonjour.", code, values).startswith("Bonjour.")


def test_every_use_offers_a_ready_made_message() -> None:
    assert {one.use for one in TEMPLATES.values()} == set(Use)
    assert messages.insert("Tel quel.", "inconnu", {}) == "Tel quel."
