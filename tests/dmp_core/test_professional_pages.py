"""The pages of professionals and of the patient who rules them: one story in a browser, refusals on a client."""

import io
import re
from uuid import UUID, uuid4

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from dmp_core.queries import professionals as queries
from dmp_core.rules.professionals.agreements import Mode
from dmp_core.service.professionals import agreements
from identity_core import queries as identity
from identity_core.service.seeding import Seeded
from platform_core.access import Actor, ActorKind
from platform_core.clock import FrozenClock
from platform_core.database import run, transaction
from tests.recalling import recall_people
from tests.signing_in import read_csrf_token, sign_in_citizen, sign_in_professional

SETTINGS = "/espace/parametres/professionnels"


@pytest.fixture
def people(app: Flask, clock: FrozenClock) -> Seeded:
    return recall_people()


@pytest.fixture
def camille(people: Seeded) -> UUID:
    return people.patients["camille"]


@pytest.fixture
def space(app: Flask, people: Seeded, camille: UUID) -> FlaskClient:
    client = app.test_client()
    sign_in_citizen(client, person_id=people.persons["camille"], patient_id=camille)
    return client


@pytest.fixture
def office(app: Flask, people: Seeded) -> FlaskClient:
    """The browser of Dr Martin."""
    client = app.test_client()
    sign_in_professional(client, professional_id=people.professionals["dr-martin"])
    return client


def post(client: FlaskClient, path: str, token_of: str, **form: object) -> tuple[int, str]:
    # The context of the test outlives each request, and would keep the token of the other browser.
    g.pop("csrf_token", None)
    data = {**form, "csrf_token": read_csrf_token(client, token_of)}
    answer = client.post(path, data=data, content_type="multipart/form-data")
    return answer.status_code, answer.headers.get("Location", "") or answer.text


def document(**changes: object) -> dict[str, object]:
    given = {"title": "Tension", "type": "11488-4", "date": "2026-11-20", "place": "SA07", "text": "Tension normale."}
    return {**given, **changes}


def test_a_record_opens_by_a_code_is_read_and_fed_and_closes_at_once(
    space: FlaskClient, office: FlaskClient, people: Seeded, camille: UUID
) -> None:
    record = f"/pro/patients/{camille}"
    assert office.get(record).status_code == 403
    _, shown = post(space, f"{SETTINGS}/code", SETTINGS)
    found = re.search(r"<strong>(\d{4} \d{4})</strong>", shown)
    assert found
    wrong, said = post(office, "/pro/code", "/pro/code", code=found[1], birth_date="1985-04-13")
    assert wrong == 422 and "n’ouvrent aucun dossier" in said
    assert post(office, "/pro/code", "/pro/code", code=found[1], birth_date="1985-04-12") == (303, record)
    page = office.get(record).text
    assert "Code donné par la personne" in page and "À savoir d’abord" in page
    assert post(office, f"{record}/deposer", f"{record}/deposer", **document(withheld="oui")) == (303, record)
    assert post(office, f"{record}/deposer", f"{record}/deposer", **document(place=""))[0] == 422
    listed = office.get(f"{record}/documents").text
    link = re.search(rf'href="({record}/documents/[^"/?]+)"', listed)
    assert link and "Pas encore annoncé" in listed
    seen = office.get(link[1]).text
    assert "Tension normale." in seen
    own = link[1].replace(record, "/espace/dossier")
    assert space.get(own).status_code == 404
    assert post(office, link[1], link[1])[0] == 303
    assert space.get(own).status_code == 200
    file = office.get(f"{link[1]}/fichier")
    assert (file.data, file.headers["Content-Disposition"].split(";")[0]) == (b"Tension normale.\n", "attachment")
    assert "Sophie Martin a lu 1 document, avec le code donné" in space.get("/espace/journal").text
    martin = people.professionals["dr-martin"]
    assert post(space, f"{SETTINGS}/bloques/{martin}", SETTINGS, act="bloquer") == (303, SETTINGS)
    assert [office.get(path).status_code for path in (record, link[1], f"{link[1]}/contenu")] == [403] * 3
    assert "Sophie Martin" in space.get(SETTINGS).text


def test_every_page_of_a_record_is_closed_to_who_was_not_let_in_and_the_refusal_is_journaled(
    app: Flask, office: FlaskClient, camille: UUID
) -> None:
    rules = [
        rule.rule.replace("<uuid:patient_id>", str(camille))
        .replace("<uuid:document_id>", str(uuid4()))
        .replace("<name>", "body-weight")
        for rule in app.url_map.iter_rules()
        if "<uuid:patient_id>" in rule.rule and rule.rule.startswith("/pro/") and "GET" in (rule.methods or ())
    ]
    assert len(rules) == 13
    assert [office.get(path).status_code for path in rules] == [403] * len(rules)
    assert office.get(f"/pro/patients/{uuid4()}").status_code == 403, "nobody learns who exists"
    with transaction(patient_id=camille):
        lines = run("SELECT outcome, code FROM core_journal", {})
    assert [tuple(line) for line in lines] == [("refused", "no-agreement")] * len(rules)


def test_an_emergency_asks_for_everything_and_says_the_same_of_all_who_have_no_record(
    office: FlaskClient, space: FlaskClient, people: Seeded, camille: UUID
) -> None:
    with transaction():
        ins = identity.find_ins(camille)
    assert ins
    right = {
        "matricule": ins.matricule,
        "family_name": "Durand",
        "birth_date": "1985-04-12",
        "motive": "Patiente inconsciente",
        "danger": "oui",
    }

    def ask(**changes: str) -> tuple[int, str]:
        return post(office, "/pro/urgence", "/pro/urgence", **{**right, **changes})

    assert ask(danger="")[0] == 422
    assert "10 à 500 caractères" in ask(motive="")[1]
    assert "ne correspond" in ask(birth_date="1985-04-13")[1]
    assert ask() == (303, f"/pro/patients/{camille}")
    office.get(f"/pro/patients/{camille}")
    assert "Patiente inconsciente" in space.get(SETTINGS).text
    assert "en urgence, sans accord" in space.get("/espace/journal").text
    assert post(space, f"{SETTINGS}/choix", SETTINGS, allowed="writing")[0] == 303
    assert "s’oppose" in ask()[1]
    person = {name: right[name] for name in ("matricule", "family_name", "birth_date")}
    filed = {**document(text=""), **person, "file": (io.BytesIO(b"Bilan.\n"), "bilan.txt")}
    assert post(office, "/pro/deposer", "/pro/deposer", **filed) == (303, "/pro/deposer")
    assert post(office, "/pro/deposer", "/pro/deposer", **{**document(text=""), **person})[0] == 422
    assert post(space, f"{SETTINGS}/choix", SETTINGS)[0] == 303
    assert "s’oppose" in post(office, "/pro/deposer", "/pro/deposer", **{**document(), **person})[1]


def test_the_patient_lets_in_answers_blocks_and_sees_it_all(space: FlaskClient, people: Seeded, camille: UUID) -> None:
    add = f"{SETTINGS}/ajouter"
    benali, costa = people.professionals["dr-benali"], people.professionals["ide-costa"]
    assert "Karim Benali, Médecin" in post(space, add, add, name="bena", act="chercher")[1]
    assert "Écrivez au moins deux lettres du nom." in post(space, add, add, name=" b", act="chercher")[1]
    assert "Personne de ce nom" in post(space, add, add, name="zz", act="chercher")[1]
    team = {"name": "bena", "professional": str(benali), "mode": "care-team", "until": "2026-12-24", "act": "ouvrir"}
    assert post(space, add, add, **{**team, "until": "2028-01-01"})[0] == 422
    assert post(space, add, add, **{**team, "professional": ""})[0] == 422
    assert post(space, add, add, **team) == (303, SETTINGS)
    assert "jusqu’au 24\N{NO-BREAK SPACE}décembre 2026 inclus" in space.get(SETTINGS).text
    by = Actor(ActorKind.PROFESSIONAL, benali, "Karim Benali")
    with transaction(patient_id=camille):
        proposed = agreements.propose_treating_doctor(patient_id=camille, by=by)
    assert "propose d’être votre médecin traitant" in space.get(SETTINGS).text
    assert post(space, f"{SETTINGS}/accords/{proposed}", SETTINGS, act="accepter")[0] == 303
    assert post(space, add, add, name="costa", professional=str(costa), act="bloquer")[0] == 303
    with transaction(patient_id=camille):
        live = [(one.professional.id, one.mode) for one in queries.list_agreements(camille) if one.is_live]
        blocked = [one.id for one in queries.list_blocked(camille)]
    assert sorted(live, key=lambda one: one[1]) == [(benali, Mode.CARE_TEAM), (benali, Mode.TREATING_DOCTOR)]
    assert blocked == [costa]
    assert "2 professionnels" not in space.get("/espace/parametres").text
    assert post(space, f"{SETTINGS}/accords/{proposed}", SETTINGS, act="autre")[0] == 404
