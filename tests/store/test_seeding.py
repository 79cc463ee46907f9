"""The store at scale: made-up files that look like real ones, pages whose cost does not follow their number."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from platform_core.database import db, transaction
from platform_core.errors import Conflict
from platform_core.health_identity import Siren
from store.models.submissions import Submission
from store.queries.catalogue import list_listed
from store.rules import dossier, grid, invention
from store.rules.catalogue import Facet
from store.service import seeding
from store.workflow import SubmissionState
from tests.signing_in import sign_in_agent
from tests.store.conftest import People, bring_to

PAGES = ("/catalogue", "/catalogue?q=tension&public=adults", "/instruction/dossiers", "/instruction/dossiers?page=2")


def seed(count: int, listed: int) -> None:
    with transaction():
        seeding.seed_store(submissions=count, listed=listed)


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that SQLAlchemy sends meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    yield sent
    sa.event.remove(db.engine, "before_cursor_execute", note)


def test_inventions_are_the_same_for_the_same_seed_and_no_two_share_a_name() -> None:
    publishers = invention.invent_publishers(67)
    first, again = (list(invention.invent_files(publishers, 200, seed=7)) for _ in range(2))
    assert first == again
    assert len({file.name for file in first}) == 200
    assert [Siren(one.siren).number for one in publishers] == [one.siren for one in publishers]


def test_an_invented_dossier_lacks_nothing(people: People) -> None:
    publishers, used = invention.invent_publishers(20), grid.load(invention.GRID)
    for file in invention.invent_files(publishers, 60, seed=7):
        faults = [fault for fault in dossier.list_faults(file.dossier, used) if fault.code != "unknown-category"]
        assert faults == []


def test_the_seeded_store_has_files_in_most_states_and_varied_listings(people: People) -> None:
    seed(120, 40)
    with transaction():
        states = set(db.session.scalars(sa.select(Submission.state)))
        assert states >= set(SubmissionState) - {SubmissionState.ABANDONED, SubmissionState.CONVENTION_SIGNED}
        assert list_listed().total >= 20
        assert list_listed(text="tension").total < list_listed().total
        assert list_listed(chosen={Facet.OWNERSHIP: frozenset({"public"})}).total >= 1


def test_a_store_is_seeded_once_and_emptied_of_nothing_real(people: People, owner: sa.Engine) -> None:
    bring_to("listed", people)
    seed(10, 5)
    with pytest.raises(Conflict):
        seed(10, 5)
    with owner.begin() as connection:
        assert seeding.remove_synthetic(connection) == 10
    with transaction():
        assert [listing.name for listing in list_listed().items] == ["Balance+"]
        assert seeding.find_synthetic() == []
    seed(10, 5)


def test_more_files_than_names_are_refused(people: People) -> None:
    with pytest.raises(Conflict):
        seed(invention.MOST + 1, 1)
    with pytest.raises(Conflict):
        seed(1, 2)


def test_pages_cost_as_many_statements_with_sixty_files_as_with_ten(
    client: FlaskClient, people: People, owner: sa.Engine
) -> None:
    sign_in_agent(client, agent_id=people.ines.id)
    client.get("/instruction/dossiers")  # the first visit is noted
    costs = []
    for count in (10, 60):
        seed(count, count // 2)
        statements = {}
        for path in PAGES:
            with counted() as sent:
                assert client.get(path).status_code == 200
            statements[path] = len(sent)
        costs.append(statements)
        with owner.begin() as connection:
            seeding.remove_synthetic(connection)
    assert costs[0] == costs[1]
    assert max(costs[1].values()) < 10
