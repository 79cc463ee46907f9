"""What a patient takes back: measures kept from one app, and what an app had written, hidden or deleted."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from dmp_core.queries import points
from dmp_core.service import contributions
from identity_core.service.seeding import Seeded
from platform_core import events
from platform_core.access import Actor, ActorKind
from platform_core.database import transaction
from platform_core.errors import NotFound
from platform_core.events import ContributionsChoice, ContributionsWithdrawn, DataChanged
from tests.dmp_core.conftest import App, Fhir
from tests.recalling import recall_people
from tests.signing_in import sign_in_citizen, submit

KEEP, MASK, DELETE = ContributionsChoice
PATIENT = Actor(ActorKind.PATIENT, None, "Camille Durand")


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[DataChanged]]:
    told: list[DataChanged] = []
    monkeypatch.setitem(events._handlers, DataChanged, [told.append])
    yield told


def withdraw(app: App, choice: ContributionsChoice) -> None:
    """The patient's choice about an app, as the consent tells it."""
    with transaction(patient_id=app.patient_id):
        events.publish(ContributionsWithdrawn(app.patient_id, app.id, choice))


def read_by_patient(app: App) -> list[tuple[str, bool]]:
    with transaction(patient_id=app.patient_id):
        return [(str(point.values[0]), point.hidden) for point in points.list_latest(patient_id=app.patient_id)]


class TestExclusion:
    def test_what_is_kept_from_an_app_does_not_exist_for_it(self, fhir: Fhir) -> None:
        kept, seen = fhir.add(value=72.5), fhir.add(value=73.5)
        fhir.guard.app.excluded = frozenset({UUID(kept)})
        assert [found["id"] for found in fhir.search("code=29463-7")] == [seen]
        assert [found["id"] for found in fhir.search("_lastUpdated=ge2020-01-01")] == [seen]
        assert fhir.get("Observation?code=29463-7&_total=accurate").json["total"] == 1
        assert fhir.get(f"Observation/{kept}").status_code == 404
        assert fhir.get(f"Observation/{seen}").status_code == 200
        assert read_by_patient(fhir.guard.app)[0][0] in {"72.5", "73.5"}

    def test_neither_does_what_is_computed_from_it(self, fhir: Fhir) -> None:
        def height(value: int, day: str) -> str:
            return fhir.add(code="8302-2", value=value, unit="cm", effectiveDateTime=f"{day}T08:00:00+01:00")

        def index() -> float:
            return float(fhir.get(f"Observation/bmi-{weight}").json["valueQuantity"]["value"])

        older, newer, weight = height(160, "2020-01-01"), height(180, "2020-01-02"), fhir.add(value=72)
        assert index() == 22.2
        fhir.guard.app.excluded = frozenset({UUID(newer)})
        assert index() == 28.1
        for kept in ({older, newer}, {weight}):
            fhir.guard.app.excluded = frozenset(map(UUID, kept))
            assert fhir.get(f"Observation/bmi-{weight}").status_code == 404
            assert fhir.search("code=39156-5") == []

    def test_another_app_still_reads_it(self, fhir: Fhir) -> None:
        kept = fhir.add()
        fhir.guard.app.excluded = frozenset({UUID(kept)})
        fhir.guard.app = App(fhir.guard.app.patient_id)
        assert fhir.get(f"Observation/{kept}").status_code == 200


class TestContributions:
    def test_masked_the_patient_alone_reads_them_and_may_show_them_again(
        self, fhir: Fhir, heard: list[DataChanged]
    ) -> None:
        mine = fhir.add(value=72.5)
        heard.clear()
        withdraw(fhir.guard.app, MASK)
        assert fhir.search("code=29463-7") == [] and fhir.get(f"Observation/{mine}").status_code == 404
        assert read_by_patient(fhir.guard.app) == [("72.5", True)]
        withdraw(fhir.guard.app, MASK)
        withdraw(fhir.guard.app, KEEP)
        assert [found["id"] for found in fhir.search("code=29463-7")] == [mine]
        assert read_by_patient(fhir.guard.app) == [("72.5", False)]
        assert [(event.operation, event.version) for event in heard] == [("delete", 2), ("update", 3)]

    def test_deleted_nobody_reads_them_and_they_stay_so(self, fhir: Fhir, heard: list[DataChanged]) -> None:
        mine = fhir.add()
        withdraw(fhir.guard.app, MASK)
        heard.clear()
        for choice in (DELETE, DELETE, KEEP):
            withdraw(fhir.guard.app, choice)
        assert fhir.get(f"Observation/{mine}").status_code == 404 and fhir.search("code=29463-7") == []
        assert read_by_patient(fhir.guard.app) == []
        assert [event.operation for event in heard] == ["delete"]

    def test_what_another_app_wrote_is_left_alone(self, fhir: Fhir) -> None:
        first = fhir.guard.app
        mine = fhir.add()
        fhir.guard.app = App(first.patient_id)
        other = fhir.add()
        withdraw(first, DELETE)
        assert [found["id"] for found in fhir.search("code=29463-7")] == [other] != [mine]

    def test_the_same_measure_sent_again_does_not_meet_the_deleted_one(self, fhir: Fhir) -> None:
        sent = {"identifier": [{"system": "urn:x", "value": "1"}]}
        mine = fhir.add(**sent)
        withdraw(fhir.guard.app, DELETE)
        assert fhir.add(**sent) != mine

    def test_showing_what_is_not_hidden_is_refused(self, fhir: Fhir) -> None:
        mine = UUID(fhir.add())
        with pytest.raises(NotFound), transaction(patient_id=fhir.guard.app.patient_id):
            contributions.show_measure(patient_id=fhir.guard.app.patient_id, measure_id=mine, by=PATIENT)


class TestPages:
    @pytest.fixture
    def people(self, fhir: Fhir) -> Seeded:
        return recall_people()

    def test_a_masked_measure_says_so_to_its_patient_who_shows_it_again(
        self, fhir: Fhir, client: FlaskClient, people: Seeded
    ) -> None:
        camille = people.patients["camille"]
        fhir.guard.app = App(camille)
        address = f"/espace/mesures/body-weight/{fhir.add(value=72.5)}"
        withdraw(fhir.guard.app, MASK)
        sign_in_citizen(client, person_id=people.persons["camille"], patient_id=camille)
        assert "Masquée" in client.get("/espace/mesures/body-weight?periode=tout").text
        assert "Cette mesure est masquée" in client.get(address).text
        assert submit(client, address).status_code == 303
        page = client.get(address).text
        assert "72,5" in page and "Cette mesure est masquée" not in page
        assert client.get(address.replace("body-weight", "pain")).status_code == 404
        withdraw(fhir.guard.app, DELETE)
        assert client.get(address).status_code == 404

    def test_nobody_else_opens_it(self, fhir: Fhir, client: FlaskClient, people: Seeded) -> None:
        fhir.guard.app = App(people.patients["camille"])
        address = f"/espace/mesures/body-weight/{fhir.add()}"
        sign_in_citizen(client, person_id=people.persons["dominique"], patient_id=people.patients["dominique"])
        assert client.get(address).status_code == 404
