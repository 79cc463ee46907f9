"""Lives of resources, drawn: written, read, found, changed, replaced, taken back; the record is at each step what a
plain account of it says."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from tests.dmp_core import filing, test_entries
from tests.dmp_core.conftest import observation
from tests.fuzz.calling import SHORT
from tests.fuzz.world import World

pytestmark = pytest.mark.hypothesis
ENTRIES = sorted(set(test_entries.WRITTEN) - {"Observation"})
TYPES = [*ENTRIES, "Observation", "DocumentReference"]
ACTS = ["write", "write", "read", "find", "change", "replace", "take back", "cross"]


@dataclass
class Life:
    """A resource as the account has it: `versions` is what it was at each version, from the first."""

    type: str
    id: str
    versions: list[Any] = field(default_factory=list)
    is_current: bool = True


@dataclass
class Account:
    """Plays acts on the record, and knows what must come of each."""

    world: World
    lives: list[Life] = field(default_factory=list)

    def write(self, type_: str, stale: bool) -> None:
        self._keep(self.world.call("POST", type_, body=self._body(type_)), type_)

    def read(self, life: Life) -> None:
        found = self.world.call("GET", f"{life.type}/{life.id}")
        assert (found.status_code, found.json) == (200, life.versions[-1])
        assert found.headers["ETag"] == f'W/"{len(life.versions)}"'

    def find(self, type_: str) -> None:
        status = "&status=current" if type_ == "DocumentReference" else ""
        kind = "&category=vital-signs" if type_ == "Observation" else ""
        found = self.world.call("GET", f"{type_}?_count=100&_total=accurate{status}{kind}").json
        expected = {one.id for one in self.lives if one.type == type_ and one.is_current}
        listed = [entry["resource"]["id"] for entry in found.get("entry", ())]
        assert found["total"] == len(expected)
        assert len(listed) == len(set(listed)) == min(len(expected), 100)
        assert set(listed) <= expected

    def change(self, life: Life, stale: bool) -> None:
        """An update of its author; with an old version in `If-Match`, nothing."""
        if life.type not in ENTRIES:
            return
        version = len(life.versions) + int(stale)
        body = {**self._body(life.type), "id": life.id, "note": [{"text": f"Version {len(life.versions) + 1}"}]}
        answer = self.world.call("PUT", f"{life.type}/{life.id}", body=body, **{"If-Match": f'W/"{version}"'})
        assert answer.status_code == (412 if stale else 200), answer.text
        if not stale:
            life.versions.append(answer.json)
        self.read(life)

    def replace(self, life: Life) -> None:
        """Another document takes the place of one; it cannot be replaced twice."""
        if life.type != "DocumentReference":
            return
        target = {"code": "replaces", "target": {"reference": f"DocumentReference/{life.id}"}}
        app: Any = self.world
        answer = self.world.call("POST", "DocumentReference", body=filing.document(app, relatesTo=[target]))
        assert answer.status_code == (201 if life.is_current else 409), answer.text
        if life.is_current:
            self._keep(answer, "DocumentReference")
            self._end(life)

    def take_back(self, life: Life) -> None:
        if life.type != "DocumentReference" or not life.is_current:
            return
        assert self.world.call("DELETE", f"{life.type}/{life.id}").status_code == 204
        self._end(life)

    def cross(self, life: Life) -> None:
        """The same app, with the token of another patient: the resource does not exist, whatever is done."""
        for method in ("GET", "PUT", "DELETE", "PATCH"):
            body = None if method in {"GET", "DELETE"} else life.versions[-1]
            answer = self.world.call(method, f"{life.type}/{life.id}", token=self.world.other_token, body=body)
            assert answer.status_code in {400, 403, 404, 405, 422}, (method, answer.text)
        if life.is_current:
            self.read(life)

    def _keep(self, answer: TestResponse, type_: str) -> None:
        assert answer.status_code == 201, answer.text
        self.lives.append(Life(type_, answer.json["id"], [answer.json]))
        self.read(self.lives[-1])

    def _end(self, life: Life) -> None:
        life.is_current = False
        found = self.world.call("GET", f"{life.type}/{life.id}")
        assert found.status_code == 404 or found.json["status"] != "current", found.text

    def _body(self, type_: str) -> Any:
        app: Any = self.world
        if type_ == "DocumentReference":
            return filing.document(app)
        return observation(app) if type_ == "Observation" else test_entries.resource(app, type_)


@pytest.fixture
def account(world: World) -> Account:
    return Account(world)


@given(
    acts=st.lists(
        st.tuples(st.sampled_from(ACTS), st.sampled_from(TYPES), st.floats(0, 1, exclude_max=True), st.booleans()),
        min_size=3,
        max_size=12,
    )
)
@SHORT
def test_the_record_is_what_was_acknowledged(account: Account, acts: list[tuple[str, str, float, bool]]) -> None:
    for act, type_, place, stale in acts:
        mine = [life for life in account.lives if life.type == type_][-5:]
        if act == "write" or not mine:
            account.write(type_, stale)
            continue
        life = mine[int(place * len(mine))]
        event(act)
        match act:
            case "find":
                account.find(type_)
            case "change":
                account.change(life, stale)
            case "replace":
                account.replace(life)
            case "take back":
                account.take_back(life)
            case "cross":
                account.cross(life)
            case _ if life.is_current:
                account.read(life)
