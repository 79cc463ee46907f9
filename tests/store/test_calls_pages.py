"""The pages of the calls: what each side posts is done, what is refused is said and kept."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import g
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from platform_core.clock import FrozenClock, today
from platform_core.database import DatabaseRole, db, transaction
from platform_core.errors import NotFound
from store.queries import calls as queries
from store.queries.listings import find_listing
from store.service import candidacies, pilots
from tests.signing_in import sign_in_agent, submit
from tests.store import piloting
from tests.store.conftest import People, bring_to

FORM = {
    "title": "Suivre son poids à la maison",
    "need": "Des personnes suivies pour leur poids manquent d’un suivi entre deux consultations.",
    "themes": "Prévention",
    "categories": "storetest.weight",
    "regions": "52",
    "places": "100",
    "pilot_days": "180",
    "criterion-1": "Utilité pour les personnes",
    "weight-1": "3",
    "criterion-2": "Simplicité",
    "weight-2": "1",
    "indicator-1": "Pesées",
    "unit-1": "%",
}


def as_agent(client: FlaskClient, agent_id: UUID | None) -> None:
    assert agent_id is not None
    sign_in_agent(client, agent_id=agent_id)


def judge(client: FlaskClient, path: str, form: dict[str, str] | None = None) -> TestResponse:
    """Post an act of the authority, whose form stands on another page."""
    return submit(client, path, form or {}, page="/instruction/appels/nouveau")


def count_use(application_id: UUID, *, granted: int, revoked: int, calls: int) -> None:
    """What the sweeps of data_sync count of a day."""
    with transaction(role=DatabaseRole.BATCH):
        day = {"app": application_id, "day": today(), "granted": granted, "revoked": revoked, "calls": calls}
        db.session.execute(
            sa.text(
                "INSERT INTO data_sync_consent_count (app_id, day, live, paused, granted, revoked, ended)"
                " VALUES (:app, :day, 9, 0, :granted, :revoked, 0)"
            ),
            day,
        )
        db.session.execute(
            sa.text(
                "INSERT INTO data_sync_call_count (app_id, day, code, calls, synchronisations)"
                " VALUES (:app, :day, '', :calls, 1)"
            ),
            day,
        )


def test_a_call_goes_from_its_draft_to_the_results_of_its_pilot(
    clock: FrozenClock, client: FlaskClient, people: People
) -> None:
    application_id, _ = bring_to("draft", people)
    as_agent(client, people.ines.id)
    wrong = submit(client, "/instruction/appels/nouveau", FORM)
    assert wrong.status_code == 422
    assert "Utilité pour les personnes" in wrong.text
    days = {"closes_on": (today() + timedelta(days=10)).isoformat()}
    draft = submit(client, "/instruction/appels/nouveau", FORM | days).location
    assert "Des personnes suivies" in client.get(f"{draft}/modifier").text
    assert submit(client, f"{draft}/modifier", FORM | days | {"places": "50"}).status_code == 303
    assert judge(client, f"{draft}/publier").status_code == 403
    as_agent(client, people.omar.id)
    assert judge(client, f"{draft}/publier").status_code == 303
    assert "Répondre à cet appel" in client.get("/appels/suivre-son-poids-a-la-maison").text
    as_agent(client, people.alice.id)
    path = "/editeur/appels/suivre-son-poids-a-la-maison"
    assert f'<option value="{application_id}">' in client.get(path).text
    answer = {"application": str(application_id), "answer-c1": "Un suivi.", "answer-c2": "Simple."}
    assert "Un suivi." in submit(client, path, answer).text
    assert submit(client, path, answer | {"team": "Deux infirmières."}).status_code == 303
    with transaction():
        (candidacy,) = queries.list_candidacies(UUID(draft.rpartition("/")[2]))
    page = f"/instruction/candidatures/{candidacy.id}"
    as_agent(client, people.omar.id)
    assert judge(client, f"{draft}/clore").status_code == 303
    scores = {"score-c1": "4", "comment-c1": "Utile.", "score-c2": "2", "comment-c2": "Long."}
    for reader in (people.ines, people.noe):
        as_agent(client, reader.id)
        assert judge(client, f"{page}/noter", {"score-c1": "4", "comment-c1": "Utile."}).status_code == 422
        assert judge(client, f"{page}/noter", scores).status_code == 303
    assert judge(client, f"{page}/retenir", {"motive": "Oui."}).status_code == 403
    as_agent(client, people.omar.id)
    assert judge(client, f"{page}/retenir", {"motive": "La meilleure."}).status_code == 303
    assert judge(client, f"{draft}/conclure").status_code == 303
    limits = {"regions": "52", "places": "20", "ends_on": (today() + timedelta(days=60)).isoformat()}
    assert judge(client, f"{page}/experimentation", limits | {"places": "51", "motive": "Oui."}).status_code == 422
    assert judge(client, f"{page}/experimentation", limits | {"motive": "Oui."}).status_code == 303
    with transaction():
        listing = find_listing(application_id)
    assert listing is not None
    (exported,) = client.get("/catalogue.json").get_json()["applications"]
    limits = {"pilot_regions": ["52"], "pilot_places": 20, "pilot_until": limits["ends_on"]}
    assert {name: exported[name] for name in limits} == limits
    assert f",52,20,{limits['pilot_until']}," in client.get("/catalogue.csv").text
    count_use(application_id, granted=12, revoked=3, calls=1234)
    assert "Expérimentation" in client.get("/catalogue").text
    assert "Il reste 20 places" in client.get(f"/catalogue/{listing.slug}").text
    clock.move(days=61)
    with transaction():
        pilots.report_results(
            application_id=application_id, values={"i1": "62,5"}, conclusion="À étendre.", by=people.alice
        )
    shown = client.get("/appels/suivre-son-poids-a-la-maison").text
    assert "62,5 %" in shown and "moins de 10" in shown and "À étendre." in shown
    use = dict(re.findall(r"<dt>([^<]+)</dt>\s*<dd>([^<]+)</dd>", shown.replace("\u202f", " ")))
    assert (use["Autorisations données"], use["Autorisations révoquées"]) == ("12", "moins de 5")
    assert (use["Appels servis"], use["Appels refusés"]) == ("1 234", "0")


def test_a_publisher_withdraws_and_reads_the_motive_only_once_the_call_is_concluded(
    client: FlaskClient, people: People
) -> None:
    call_id = piloting.publish(people.ines, people.omar)
    candidacy_id = piloting.file(call_id, bring_to("draft", people)[0], people.alice)
    as_agent(client, people.alice.id)
    path = "/editeur/appels/suivre-son-poids-a-la-maison"
    assert submit(client, f"{path}/retrait/{candidacy_id}", page=path).status_code == 303
    assert "Retirée" in client.get(path).text
    as_agent(client, people.bruno.id)
    assert "Retirée" not in client.get(path).text
    with pytest.raises(NotFound), transaction():
        candidacies.withdraw(candidacy_id=candidacy_id, by=people.bruno)


@pytest.mark.parametrize("path", ["/instruction/appels", "/instruction/appels/nouveau"])
def test_a_publisher_does_not_enter_the_pages_of_the_authority(client: FlaskClient, people: People, path: str) -> None:
    as_agent(client, people.alice.id)
    assert client.get(path).status_code in {302, 303, 403}


def test_a_publisher_reports_what_a_pilot_measured_once_it_is_over(
    clock: FrozenClock, client: FlaskClient, people: People
) -> None:
    application_id, _ = bring_to("draft", people)
    call_id = piloting.publish(people.ines, people.omar)
    candidacy_id = piloting.file(call_id, application_id, people.alice)
    piloting.select(call_id, candidacy_id, (people.ines, people.noe), people.omar)
    piloting.open_pilot(candidacy_id, people.omar)
    as_agent(client, people.alice.id)
    path = f"/editeur/applications/{application_id}/experimentation"
    assert "Vous donnerez ses résultats après son dernier jour." in client.get(path).text
    assert path in client.get(f"/editeur/applications/{application_id}/suivi").text
    clock.move(days=92)
    g.pop("csrf_token")  # kept by the context of the test, for a session that has expired meanwhile
    as_agent(client, people.alice.id)
    assert submit(client, path, {"indicator-i1": "62,5"}).status_code == 422
    assert submit(client, path, {"indicator-i1": "62,5", "conclusion": "À étendre."}).status_code == 303
    assert "62,5" in client.get(path).text
