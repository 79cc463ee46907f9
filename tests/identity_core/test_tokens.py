"""Personal access tokens: shown once, bounded, live as long as their owner's membership."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from identity_core import queries
from identity_core.rules import MemberLevel
from identity_core.service import members, tokens
from identity_core.sessions import verify_publisher
from platform_core.access import Actor
from platform_core.callers import Caller, Scope
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from platform_core.errors import Conflict, Invalid, NotFound, Unauthenticated
from tests.identity_core.test_members import Team, team
from tests.signing_in import sign_in_agent, submit

__all__ = ["team"]

READS = [Scope.APPLICATIONS_READ, Scope.USAGE_READ]


def make(by: Actor, *scopes: str, name: str = "Intégration continue", days: int = 30) -> str:
    with transaction():
        return tokens.create_token(name=name, scopes=scopes or READS, days=days, by=by)


def verify(text: str) -> Caller:
    with transaction():
        return tokens.verify_token(text)


def listed(by: Actor) -> list[queries.TokenView]:
    with transaction():
        return list(queries.list_tokens(by.organisation_id, agent_id=by.id))


def test_a_token_calls_for_its_owner_within_its_scopes(team: Team) -> None:
    caller = verify(make(team.driss))
    assert (caller.actor.id, caller.actor.organisation_id) == (team.driss.id, team.organisation)
    assert caller.actor.roles == {"publisher"}
    assert caller.may(Scope.USAGE_READ)
    assert not caller.may(Scope.APPLICATIONS_WRITE)
    assert caller.application_id is None


def test_who_may_write_a_part_may_read_it_and_no_other(team: Team) -> None:
    caller = verify(make(team.driss, Scope.EVIDENCE_WRITE))
    assert [scope for scope in Scope if caller.may(scope)] == [Scope.EVIDENCE_READ, Scope.EVIDENCE_WRITE]


def test_only_the_hash_of_a_token_is_kept(team: Team, owner: sa.Engine) -> None:
    text = make(team.driss)
    assert text.startswith("ens_pat_") and len(text) > 50
    with owner.connect() as connection:
        row = connection.execute(sa.text("SELECT t::text FROM identity_access_token t")).scalar_one()
        audited = connection.execute(sa.text("SELECT string_agg(a::text, ' ') FROM core_audit a")).scalar_one()
    assert text not in row + audited
    assert text.removeprefix("ens_pat_") not in row + audited


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("name", "x" * 81),
        ("scopes", []),
        ("scopes", ["applications:read", "patients:read"]),
        ("days", 0),
        ("days", 366),
    ],
)
def test_a_token_is_bounded(team: Team, field: str, value: object) -> None:
    asked = {"name": "Essai", "scopes": READS, "days": 365, field: value}
    with pytest.raises(Invalid) as refused, transaction():
        tokens.create_token(**asked, by=team.driss)  # type: ignore[arg-type]
    assert [fault.where for fault in refused.value.faults] == [field]


def test_a_viewer_makes_tokens_that_read(team: Team) -> None:
    with transaction():
        members.change_level(agent_id=team.driss.id, level=MemberLevel.VIEWER, by=team.alice)
        viewer = Actor(
            team.driss.kind, team.driss.id, "", organisation_id=team.organisation, roles=frozenset({"viewer"})
        )
    assert verify(make(viewer)).may(Scope.USAGE_READ)
    with pytest.raises(Invalid):
        make(viewer, Scope.APPLICATIONS_WRITE)


def test_a_token_loses_what_its_owner_loses(team: Team) -> None:
    text = make(team.driss, Scope.APPLICATIONS_WRITE, Scope.USAGE_READ)
    with transaction():
        members.change_level(agent_id=team.driss.id, level=MemberLevel.VIEWER, by=team.alice)
    caller = verify(text)
    assert (caller.scopes, caller.actor.roles) == ({Scope.USAGE_READ}, {"viewer"})
    with transaction():
        members.remove_member(agent_id=team.driss.id, by=team.alice)
    with pytest.raises(Unauthenticated):
        verify(text)


def test_a_token_ends_on_its_day_or_when_revoked(team: Team, clock: FrozenClock) -> None:
    short, long = make(team.driss, days=7), make(team.driss, days=30)
    clock.move(days=7)
    with pytest.raises(Unauthenticated):
        verify(short)
    (left,) = listed(team.driss)
    assert verify(long).actor.id == team.driss.id
    with transaction():
        tokens.revoke_token(token_id=left.id, by=team.driss)
    with pytest.raises(Unauthenticated):
        verify(long)
    with pytest.raises(NotFound), transaction():
        tokens.revoke_token(token_id=left.id, by=team.driss)


@pytest.mark.parametrize("text", ["ens_pat_", "ens_pat_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "é"])
def test_an_unknown_token_opens_nothing(team: Team, text: str) -> None:
    with pytest.raises(Unauthenticated):
        verify(text)


def test_ones_own_tokens_and_for_an_administrator_those_of_all(team: Team) -> None:
    make(team.driss)
    (his,) = listed(team.driss)
    with pytest.raises(NotFound), transaction():
        tokens.revoke_token(token_id=his.id, by=team.bruno)
    with transaction():
        tokens.revoke_token(token_id=his.id, by=team.alice)
    assert listed(team.driss) == []


def test_the_last_use_is_kept_to_the_minute(team: Team, clock: FrozenClock) -> None:
    text, first = make(team.driss), clock.instant
    assert listed(team.driss)[0].last_used_at is None
    verify(text)
    clock.move(seconds=59)
    verify(text)
    assert listed(team.driss)[0].last_used_at == first
    clock.move(seconds=2)
    verify(text)
    assert listed(team.driss)[0].last_used_at == first + timedelta(seconds=61)


def test_tokens_are_not_made_without_end(team: Team) -> None:
    for _ in range(tokens.MOST_TOKENS):
        make(team.driss)
    with pytest.raises(Conflict):
        make(team.driss)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer xyz", "DPoP ens_pat_x", "Basic ens_pat_x"])
def test_other_tokens_are_left_to_who_knows_them(header: str) -> None:
    assert verify_publisher(header) is None


def test_a_token_is_made_seen_once_and_revoked_on_the_page(client: FlaskClient, team: Team) -> None:
    sign_in_agent(client, agent_id=team.driss.id)
    form = {"name": "Déploiement", "scopes": "usage:read", "days": "90"}
    made = submit(client, "/editeur/jetons", form)
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    text = made.text.split("<code>")[1].split("</code>")[0]
    assert verify(text).scopes == {Scope.USAGE_READ}
    page = client.get("/editeur/jetons").text
    assert "Déploiement" in page and text not in page
    (token,) = listed(team.driss)
    revoked = submit(client, f"/editeur/jetons/{token.id}/revocation", page="/editeur/jetons")
    assert revoked.status_code == 303
    assert "Aucun jeton" in client.get("/editeur/jetons").text


@pytest.mark.parametrize(
    ("change", "said"),
    [({"name": ""}, "Donnez un nom"), ({"scopes": "x"}, "au moins un droit"), ({"days": "-1"}, "Choisissez une durée")],
)
def test_a_mistake_is_explained(client: FlaskClient, team: Team, change: dict[str, str], said: str) -> None:
    sign_in_agent(client, agent_id=team.driss.id)
    form = {"name": "Déploiement", "scopes": "usage:read", "days": "90", **change}
    answer = submit(client, "/editeur/jetons", form)
    assert answer.status_code == 422
    assert said in answer.text
    assert listed(team.driss) == []
