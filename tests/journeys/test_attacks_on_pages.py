"""Curious patients, representatives, publishers and reviewers, and whoever writes forms by hand, against the pages."""

import json
import re
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask, g
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent.service import clocks, lifecycle
from identity_core.rules import Role
from identity_core.service import organisations
from identity_core.service.seeding import Seeded
from oauth import service as oauth
from oauth.rules.clients import Profile
from platform_core import clock
from platform_core.access import SYSTEM, Actor, ActorKind
from platform_core.database import db, transaction
from platform_core.errors import Forbidden
from store.errors import OwnOrganisation
from store.service import decisions, listings, reviews
from store.workflow import Opinion
from tests import signing_in
from tests.journeys.test_attacks_on_tokens import asked
from tests.oauth.conftest import insert_patient, other, partner, patient, real_patient, smart
from tests.oauth.partner import Partner, open_in
from tests.recalling import recall_people
from tests.signing_in import sign_in_agent, sign_in_citizen, sign_in_professional
from tests.store.conftest import bring_to, categories, people

__all__ = ["categories", "other", "partner", "patient", "people", "real_patient", "smart"]

NOBODY = UUID("01900000-0000-7000-8000-000000000000")


@pytest.fixture
def seeded_people(app: Flask) -> Seeded:
    """Everybody of the demonstration; Camille represents Léa."""
    return recall_people()


@pytest.fixture
def camille(app: Flask, seeded_people: Seeded) -> FlaskClient:
    browser = app.test_client()
    sign_in_citizen(browser, person_id=seeded_people.persons["camille"], patient_id=seeded_people.patients["camille"])
    return browser


@pytest.fixture
def paul(app: Flask, seeded_people: Seeded) -> FlaskClient:
    browser = app.test_client()
    sign_in_citizen(browser, person_id=seeded_people.persons["paul"], patient_id=seeded_people.patients["paul"])
    return browser


def read_csrf_token(browser: FlaskClient, page: str) -> str:
    """The token of a page; Flask-WTF keeps one for the context of the test, which is not that of this browser."""
    g.pop("csrf_token", None)
    return signing_in.read_csrf_token(browser, page)


def submit(browser: FlaskClient, path: str, form: dict[str, str] | None = None, *, page: str = "") -> TestResponse:
    return browser.post(path, data={**(form or {}), "csrf_token": read_csrf_token(browser, page or path)})


def granted(partner: Partner, patient: UUID) -> str:
    return str(partner.grant(patient, authorization_details=asked())["grant_id"])


def test_every_page_with_an_id_is_closed_to_whoever_is_not_signed_in(app, client):
    """Each route that is not public sends to a sign-in page or refuses; none of them fails or answers."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        declared = {getattr(view, "__guard__", "")} | {
            getattr(getattr(view.view_class, m.lower(), None), "__guard__", "")
            for m in rule.methods or ()
            if hasattr(view, "view_class")
        }
        if rule.endpoint == "static" or any(name.startswith("public") for name in declared):
            continue
        values = {name: NOBODY if "Uuid" in type(c).__name__.title() else "1" for name, c in rule._converters.items()}
        values |= {
            n: c.regex.strip("(?:)").split("|")[0] for n, c in rule._converters.items() if "Any" in type(c).__name__
        }
        with app.test_request_context():
            path = rule.build(values, append_unknown=False)
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            answer = client.open(path[1] if path else rule.rule, method=method)
            refused = answer.status_code in {400, 401, 403, 404, 405, 415}
            sent = answer.status_code == 303 and answer.headers["Location"].startswith("/connexion")
            assert refused or sent or rule.endpoint == "health.metrics", (rule.rule, method, answer.status_code)


def test_the_grant_receipt_and_history_of_somebody_else_do_not_exist(partner, patient, camille):
    grant_id = granted(partner, patient)
    for path in ("", "/revocation", "/modification", "/recus/1"):
        foreign, absent = (camille.get(f"/espace/applications/{one}{path}") for one in (grant_id, NOBODY))
        assert foreign.status_code == absent.status_code == 404
    for path, form in (("", {"act": "pause"}), ("", {"act": "synchronise"}), ("/revocation", {})):
        answer = submit(camille, f"/espace/applications/{grant_id}{path}", form, page="/espace/parametres")
        assert answer.status_code == 404
    assert partner.call("GET", f"/oauth/grants/{grant_id}", partner.app_token()).json["status"] == "active"


def test_the_journal_filtered_by_somebody_elses_app_shows_nothing_of_theirs(partner, patient, camille):
    granted(partner, patient)
    page = camille.get(f"/espace/journal?qui={partner.client.pk}")
    assert page.status_code == 200
    assert "Balance+" not in page.text


def test_no_form_is_taken_without_its_token(app, camille, people):
    """CSRF: every route that takes a form from a browser, by hand. A mail reader unsubscribes without one (RFC 8058):
    the token in the address of that page is the whole authority, and no cookie adds to it."""
    publisher = camille
    sign_in_agent(publisher, agent_id=people.alice.id)
    sign_in_professional(publisher, professional_id=uuid4())
    free = ("/fhir", "/api/", "/oauth/", "/simulation", "/simule", "/fournisseur", "/notifications/desabonnement/")
    for rule in app.url_map.iter_rules():
        if "POST" not in (rule.methods or ()) or rule.rule.startswith(free):
            continue
        path = re.sub(r"<uuid:[^>]+>", str(NOBODY), rule.rule)
        path = re.sub(r"<any\(([a-z]+)[^>]*>", r"\1", path)
        path = re.sub(r"<[^>]+>", "1", path)
        answer = publisher.post(path, data={"decision": "grant"})
        assert answer.status_code in {400, 404}, rule.rule
        assert answer.status_code == 400 or "/simul" in rule.rule, rule.rule


class Question:
    """A request put to somebody's browser."""

    def __init__(self, browser: FlaskClient, smart: Partner, **changes: object) -> None:
        details = asked("body-weight", "heart-rate", periodicity={"max": 1, "per": "week"}, **changes)
        self.browser, self.path = browser, f"/consentement/{open_in(browser, smart, authorization_details=details)}"

    def answer(self, **form: object) -> int:
        data = {"csrf_token": read_csrf_token(self.browser, self.path), **form}
        encoded = urlencode([(n, v) for n, vs in data.items() for v in (vs if isinstance(vs, list) else [vs])])
        return self.browser.post(self.path, data=encoded, content_type="application/x-www-form-urlencoded").status_code

    def confirm(self) -> int:
        token = read_csrf_token(self.browser, f"{self.path}/confirmation")
        return self.browser.post(f"{self.path}/confirmation", data={"csrf_token": token}).status_code


@pytest.fixture
def synthetic(app: Flask, owner: sa.Engine) -> FlaskClient:
    """The browser of a synthetic patient, whom sandbox clients may ask."""
    browser = app.test_client()
    patient_id = insert_patient(owner, "Fictive", synthetic=True)
    sign_in_citizen(browser, person_id=uuid4(), patient_id=patient_id)
    return browser


WEIGHT = "measures.body-weight:read"


@pytest.mark.parametrize(
    "form",
    [
        {"items": ["measures.blood-pressure:read"]},
        {"items": ["measures.bmi:write"]},
        {"items": [WEIGHT, WEIGHT], "frequency": "continuous"},
        {"items": [WEIGHT], "frequency": "4-hour"},
        {"items": [WEIGHT], "frequency": "2-week"},
        {"items": [WEIGHT], f"frequency-{WEIGHT}": "96-day"},
        {"items": [WEIGHT], "frequency": "9" * 6000 + "-day"},
        {"items": [WEIGHT], "frequency": "٣-week"},
        {"items": [WEIGHT], "frequency": "-1-day"},
        {"items": [WEIGHT], "history": "ever"},
        {"items": [WEIGHT], "until": "2099-12-31"},
        {"items": [WEIGHT], "until": "0001-01-01"},
        {"items": [WEIGHT], "until": "9" * 6000},
        {"items": [WEIGHT], "until": str(clock.today() + timedelta(days=367))},
        {"items": [WEIGHT], "until": str(clock.today() - timedelta(days=1))},
        {"items": ["\x00"]},
        {"items": [WEIGHT], "frequency": "once\x00"},
        {"items": []},
    ],
    ids=lambda form: str(form)[:60],
)
def test_a_form_written_by_hand_never_grants_more_than_was_asked(synthetic, smart, form):
    question = Question(synthetic, smart)
    status = question.answer(decision="grant", **form)
    assert status < 500
    if status == 303:
        assert question.confirm() == 303
    with transaction():
        rows = db.session.execute(sa.text("SELECT patient_id FROM consent_request")).scalars().all()
    with transaction(patient_id=rows[0]):
        items = db.session.execute(
            sa.text("SELECT category, access, periodicity_kind, periodicity_max, periodicity_unit FROM consent_item")
        )
        given = [tuple(item) for item in items]
    assert status in {400, 422} or given
    for category, access, kind, most, unit in given:
        assert (category, access) == ("measures.body-weight", "read")
        assert kind in {"once", "on_demand"} or (most, unit) in {(1, "week"), (1, "month")}


def test_a_confirmation_serves_once_and_in_the_browser_that_was_asked(app, synthetic, smart, camille):
    question = Question(synthetic, smart)
    assert question.answer(decision="grant", items=[WEIGHT], until="") == 303
    assert camille.get(question.path).status_code == 404
    assert submit(camille, f"{question.path}/confirmation", page="/espace/parametres").status_code == 404
    token = read_csrf_token(synthetic, f"{question.path}/confirmation")
    first, second = (
        synthetic.post(f"{question.path}/confirmation", data={"csrf_token": token}).status_code for _ in range(2)
    )
    assert (first, second) == (303, 409)


def test_who_signs_in_next_in_the_same_browser_does_not_see_what_was_answered(app, synthetic, smart, owner):
    question = Question(synthetic, smart)
    assert question.answer(decision="grant", items=[WEIGHT], until="") == 303
    sign_in_citizen(synthetic, person_id=uuid4(), patient_id=insert_patient(owner, "Suivante", synthetic=True))
    for path in ("", "/confirmation", "/resultat"):
        assert synthetic.get(question.path + path).status_code == 403
    assert submit(synthetic, f"{question.path}/confirmation", page="/espace/parametres").status_code == 403


def test_a_sandbox_app_asks_nobody_real(camille, smart):
    path = f"/consentement/{open_in(camille, smart, authorization_details=asked())}"
    assert camille.get(path).status_code == 403
    for form in ({"decision": "grant", "items": WEIGHT},):
        assert submit(camille, path, form, page="/espace/parametres").status_code in {303, 403}
    assert submit(camille, f"{path}/confirmation", page="/espace/parametres").status_code == 403


def test_the_sandbox_moves_no_clock_and_decides_nothing_for_a_real_person(partner, real_patient):
    token = partner.app_token()
    answer = partner.call("POST", f"/api/v1/sandbox/patients/{real_patient}/clock", token, json={"forward_seconds": 60})
    assert answer.status_code == 404
    uri = partner.push(authorization_details=asked()).json["request_uri"]
    assert partner.decide(uri, real_patient).status_code == 404
    with pytest.raises(Forbidden), transaction(patient_id=real_patient):
        clocks.move_clock(client_pk=partner.client.pk, patient_id=real_patient, by=SYSTEM, forward=timedelta(1))


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"forward_seconds": ' + b"9" * 5000 + b"}",
        b'{"forward_seconds": 1e400}',
        b'{"forward_seconds": NaN}',
        b'{"set": "0001-01-01T00:00:00+14:00"}',
        b'{"set": "9999-12-31T23:59:59-14:00"}',
        b'{"set": "\\u0000"}',
        b"\xff\xfe",
        b"null",
        b"",
        b'{"reset": true, "forward_seconds": 1}',
    ],
    ids=lambda body: str(body[:40]),
)
def test_a_mangled_body_to_the_sandbox_is_refused_without_a_fault(partner, patient, body):
    path = f"/api/v1/sandbox/patients/{patient}/clock"
    answer = partner.call("POST", path, partner.app_token(), data=body, content_type="application/json")
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize(
    "suite",
    [
        "//mal.exemple.fr",
        "/\\mal.exemple.fr",
        "https://mal.exemple.fr",
        "/\t/mal.exemple.fr",
        "javascript:alert(1)",
        "/%0d%0aSet-Cookie:x=1",
    ],
)
def test_a_sign_in_leads_nowhere_but_here(client, camille, suite):
    for browser, path in ((client, "/connexion"), (camille, "/espace/ouverture")):
        answer = browser.get(path, query_string={"suite": suite})
        assert "mal.exemple.fr" not in answer.headers.get("Location", "")
        assert "\n" not in answer.headers.get("Location", "")


def test_a_representation_that_ended_lets_nothing_more_be_done_in_either_record(app, camille, seeded_people, owner):
    person, child = seeded_people.persons["camille"], seeded_people.patients["lea"]
    assert submit(camille, "/espace/agir-pour", {"patient": str(child)}).status_code == 303
    assert "Léa" in camille.get("/espace").text
    token = read_csrf_token(camille, "/espace/fermeture")
    with owner.begin() as connection:
        connection.execute(sa.text("DELETE FROM identity_representation WHERE person_id = :p"), {"p": person})
    answer = camille.post("/espace/fermeture", data={"csrf_token": token})
    assert answer.status_code == 403
    with transaction():
        states = db.session.execute(
            sa.text("SELECT space_state FROM identity_patient WHERE id IN (:a, :b)"),
            {"a": child, "b": seeded_people.patients["camille"]},
        )
        assert set(states.scalars()) == {"open"}
    assert "Léa" not in camille.get("/espace").text
    assert submit(camille, "/espace/agir-pour", {"patient": str(child)}, page="/espace/parametres").status_code == 404


def test_a_form_shown_for_one_record_changes_nothing_in_another(camille, seeded_people):
    """Two tabs of a representative: the second turned to the child's record after the first was shown."""
    own, child = (str(seeded_people.patients[name]) for name in ("camille", "lea"))
    page = "/espace/mesures/body-weight/ajouter"
    shown = camille.get(page).text
    assert f'name="dossier" value="{own}"' in shown
    assert submit(camille, "/espace/agir-pour", {"patient": child, "dossier": own}).status_code == 303
    form = {"value": "72,4", "day": "2026-11-20", "time": "08:00", "dossier": own}
    answer = submit(camille, page, form)
    assert answer.status_code == 409
    assert "autre dossier" in answer.text
    with transaction(patient_id=UUID(child)):
        assert db.session.scalar(sa.text("SELECT count(*) FROM dmp_measure")) == 0


def test_nobody_acts_for_a_stranger_by_naming_them(camille, seeded_people):
    for named in (str(seeded_people.patients["paul"]), str(NOBODY), "x", ""):
        assert submit(camille, "/espace/agir-pour", {"patient": named}).status_code in {404, 422}


def test_an_application_and_its_credentials_are_closed_to_other_publishers(app, people):
    application_id, _ = bring_to("listed", people)
    with transaction():
        client = oauth.issue_sandbox_client(
            name="Balance+",
            profile=Profile.SMART,
            redirect_uris=["https://balance.exemple.fr/retour"],
            jwk=None,
            by=people.alice,
            application_id=application_id,
            organisation_id=people.alice.organisation_id,
        )
    bruno = app.test_client()
    sign_in_agent(bruno, agent_id=people.bruno.id)
    home = f"/editeur/applications/{application_id}"
    for path in ("", "/identifiants", "/soumettre", "/donnees", "/service", "/donnees/nouvelle"):
        assert bruno.get(home + path).status_code == 404, path
    keys = f"/identifiants/{client.pk}"
    for path in ("/identifiants", f"{keys}/cle", f"{keys}/adresses", f"{keys}/fermeture", "/soumettre", "/reouverture"):
        form = {
            "redirect_uris": "https://mal.exemple.fr",
            "attest": "yes",
            "key": "generate",
            "environment": "production",
        }
        assert submit(bruno, home + path, form, page="/editeur/applications/nouvelle").status_code in {404, 422}, path
    with transaction():
        assert oauth.get_ceiling(client)
        redirects = db.session.execute(sa.text("SELECT redirect_uris FROM oauth_client")).scalars().all()
    assert redirects == [["https://balance.exemple.fr/retour"]]


def test_credentials_of_one_application_are_not_reached_through_another(app, people):
    mine, _ = bring_to("draft", people)
    other_one, _ = bring_to("draft", people, name="Autre")
    with transaction():
        client = oauth.issue_sandbox_client(
            name="Autre",
            profile=Profile.SMART,
            redirect_uris=["https://balance.exemple.fr/retour"],
            jwk=None,
            by=people.alice,
            application_id=other_one,
        )
    alice = app.test_client()
    sign_in_agent(alice, agent_id=people.alice.id)
    path = f"/editeur/applications/{mine}/identifiants"
    assert submit(alice, f"{path}/{client.pk}/fermeture", page=path).status_code == 404


def test_a_publisher_has_no_way_into_the_reviewers_pages(app, people):
    _, submission_id = bring_to("in_evaluation", people)
    alice = app.test_client()
    sign_in_agent(alice, agent_id=people.alice.id)
    for path in ("", "/accepter", "/criteres/SEC-1", "/inscrire"):
        assert alice.get(f"/instruction/dossiers/{submission_id}{path}").status_code == 403
        answer = submit(alice, f"/instruction/dossiers/{submission_id}{path}", page="/editeur/applications/nouvelle")
        assert answer.status_code in {403, 405}


def test_nobody_examines_or_reads_the_file_of_any_organisation_they_belong_to(app, people):
    application_id, submission_id = bring_to("in_evaluation", people)
    with transaction():
        for member in (people.noe, people.omar):
            organisations.add_member(
                organisation_id=people.alice.organisation_id, agent_id=member.id, role=Role.PUBLISHER, by=SYSTEM
            )
    for act in (
        lambda: reviews.request_complements(
            submission_id=submission_id, motive="x", flagged=["hosting"], by=people.noe
        ),
        lambda: reviews.propose(submission_id=submission_id, opinion=Opinion.UNFAVOURABLE, motive="x", by=people.noe),
        lambda: decisions.refuse(submission_id=submission_id, motive="x", by=people.omar),
        lambda: listings.list_application(application_id=application_id, by=people.omar),
    ):
        with pytest.raises(OwnOrganisation), transaction():
            act()
    noe = app.test_client()
    sign_in_agent(noe, agent_id=people.noe.id)
    assert noe.get(f"/instruction/dossiers/{submission_id}").status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/catalogue?q=%00",
        "/catalogue?q='&rubrique=%22%5D",
        "/catalogue?q=a:*|!()&page=" + "9" * 5000,
        "/catalogue?page=٣",
        "/catalogue/%00",
        "/api/v1/catalogue?q=%00",
        "/api/v1/catalogue?page=" + "9" * 5000,
        "/api/v1/catalogue?page=999999999999",
        "/api/v1/catalogue?data=%5B%22&family=%7B&audience=%22",
        "/connexion?suite=%00",
        "/connexion/retour/citizen?state=%00&code=%00",
        "/connexion/retour/citizen?state=" + "x" * 20_000,
        "/static/..%2f..%2fpyproject.toml",
        "/static/../../pyproject.toml",
    ],
    ids=lambda path: path[:50],
)
def test_a_mangled_address_of_a_public_page_is_no_fault(client, path):
    assert client.get(path).status_code < 500


@pytest.mark.parametrize(
    "query", ["page=" + "9" * 5000, "page=-1", "du=0001-01-01", "au=9999-12-31", "qui=%00", "avant=%00", "resultat='"]
)
def test_a_mangled_filter_of_ones_own_journal_is_no_fault(camille, query):
    for path in ("/espace/journal", "/espace/journal.csv", "/espace/applications", "/espace/notifications"):
        assert camille.get(f"{path}?{query}").status_code < 500


def test_a_header_that_nobody_reads_gives_no_new_allowance(app, client):
    """The limit of a browser page is that of the address, whatever Authorization says."""
    answers = {client.post("/connexion", headers={"Authorization": f"Bearer {n}"}).status_code for n in range(2)}
    assert answers == {400}, "no CSRF token: refused before anything is counted"
    statuses = [
        client.get("/oauth/authorize?client_id=x", headers={"Authorization": f"Bearer {n}"}).status_code
        for n in range(70)
    ]
    assert statuses[0] == 400
    assert 429 in statuses


def test_methods_that_a_caller_invents_make_no_figures_of_their_own(client):
    client.open("/", method="PWNED")
    assert "PWNED" not in client.get("/metrics").text


def test_an_app_revoked_by_the_patient_keeps_nothing_that_still_opens(partner, patient):
    held = partner.grant(patient, authorization_details=asked())
    with transaction(patient_id=patient):
        by = Actor(ActorKind.PATIENT, patient, "Fictive")
        lifecycle.revoke_consent(patient_id=patient, grant_id=UUID(held["grant_id"]), by=by)
    token = held["access_token"]
    assert partner.call("GET", "/fhir/Observation", token).status_code == 401
    assert partner.refresh(held["refresh_token"]).json["error"] == "invalid_grant"
    assert partner.post("/oauth/introspect", {"token": token}).json == {"active": False}
    assert json.loads(partner.call("GET", "/api/v1/consent", token).text)["status"] == "revoked"
