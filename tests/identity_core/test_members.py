"""Members of a publisher's organisation: invitations, levels, the last administrator, what each level may do."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from identity_core import queries
from identity_core.errors import LastAdministrator
from identity_core.rules import MemberLevel, Role
from identity_core.service import members, organisations
from identity_core.service.people import register_agent
from notification_core import queries as notifications
from platform_core.access import SYSTEM, Actor, ActorKind
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from platform_core.errors import Conflict, Forbidden, Invalid, NotFound
from platform_core.health_identity import Siren
from tests.signing_in import read_csrf_token, sign_in_agent, submit


@dataclass(frozen=True)
class Team:
    """Alice administers Balance+ SAS, Driss publishes for it, Zélie is nobody yet; Bruno administers another."""

    organisation: UUID
    alice: Actor
    driss: Actor
    zelie: Actor
    bruno: Actor


def agent(name: str, organisation_id: UUID | None, *roles: Role) -> Actor:
    found = register_agent(
        issuer="essai",
        subject=name,
        family_name="Essai",
        given_name=name,
        email=f"{name.lower()}@essai.invalid",
    )
    if organisation_id:
        for role in roles:
            organisations.add_member(organisation_id=organisation_id, agent_id=found.id, role=role, by=SYSTEM)
    return Actor(ActorKind.AGENT, found.id, name, organisation_id=organisation_id, roles=frozenset(roles))


@pytest.fixture
def team(app: Flask) -> Team:
    with transaction():
        here, elsewhere = (
            organisations.register_organisation(name=name, siren=Siren(siren), by=SYSTEM)
            for name, siren in (("Balance+ SAS", "900000019"), ("Ailleurs SAS", "900000027"))
        )
        return Team(
            here,
            agent("Alice", here, Role.PUBLISHER, Role.ADMINISTRATOR),
            agent("Driss", here, Role.PUBLISHER),
            agent("Zelie", None),
            agent("Bruno", elsewhere, Role.PUBLISHER, Role.ADMINISTRATOR),
        )


def invite(team: Team, email: str = "zelie@essai.invalid", level: MemberLevel = MemberLevel.VIEWER) -> UUID:
    with transaction():
        return members.invite_member(email=email, level=level, by=team.alice)


def accept(invitation_id: UUID, by: Actor) -> UUID:
    with transaction():
        return members.accept_invitation(invitation_id=invitation_id, by=by)


def levels(organisation_id: UUID) -> dict[str, MemberLevel]:
    with transaction():
        return {member.name.split()[0]: member.level for member in queries.list_members(organisation_id)}


@pytest.mark.parametrize("level", list(MemberLevel))
def test_who_is_invited_joins_at_the_level_offered_once(team: Team, level: MemberLevel) -> None:
    invitation_id = invite(team, " Zelie@Essai.invalid ", level)
    assert accept(invitation_id, team.zelie) == team.organisation
    assert levels(team.organisation)["Zelie"] is level
    with pytest.raises(NotFound):
        accept(invitation_id, team.zelie)


def test_an_invitation_is_for_the_address_it_names(team: Team) -> None:
    invitation_id = invite(team)
    with pytest.raises(NotFound):
        accept(invitation_id, team.bruno)
    assert "Bruno" not in levels(team.organisation)


def test_an_invitation_lapses_after_a_week(team: Team, clock: FrozenClock) -> None:
    invitation_id = invite(team)
    clock.move(days=7)
    with pytest.raises(NotFound):
        accept(invitation_id, team.zelie)
    with transaction():
        assert queries.list_invitations(team.organisation) == []


def test_inviting_again_replaces_the_invitation_before(team: Team) -> None:
    first, second = invite(team), invite(team, level=MemberLevel.EDITOR)
    with pytest.raises(NotFound):
        accept(first, team.zelie)
    accept(second, team.zelie)
    assert levels(team.organisation)["Zelie"] is MemberLevel.EDITOR


def test_a_cancelled_invitation_is_worth_nothing_and_belongs_to_its_organisation(team: Team) -> None:
    invitation_id = invite(team)
    with pytest.raises(NotFound), transaction():
        members.cancel_invitation(invitation_id=invitation_id, by=team.bruno)
    with transaction():
        members.cancel_invitation(invitation_id=invitation_id, by=team.alice)
    with pytest.raises(NotFound):
        accept(invitation_id, team.zelie)


def test_a_member_is_not_invited_again(team: Team) -> None:
    with pytest.raises(Conflict, match="already"):
        invite(team, "driss@essai.invalid")


@pytest.mark.parametrize("email", ["", "zelie", "zelie@essai", "a@b.fr\nBcc: c@d.fr", f"{'a' * 70}@essai.invalid"])
def test_an_invitation_needs_an_address(team: Team, email: str) -> None:
    with pytest.raises(Invalid):
        invite(team, email)


def test_an_invitation_is_announced_by_an_email_that_holds_no_secret(team: Team) -> None:
    invitation_id = invite(team)
    with transaction():
        (email,) = notifications.list_emails()
    assert "/editeur/invitations" in email.body
    assert str(invitation_id) not in email.body and "Balance" not in email.body


def test_the_address_of_an_invitation_is_sealed_at_rest(team: Team, owner: sa.Engine) -> None:
    invite(team)
    with owner.connect() as connection:
        row = connection.execute(sa.text("SELECT i::text FROM identity_invitation i")).scalar_one()
    assert "zelie" not in row


@pytest.mark.parametrize("act", ["invite", "change", "remove"])
def test_only_an_administrator_rules_members(team: Team, act: str) -> None:
    acts = {
        "invite": lambda: members.invite_member(email="x@essai.invalid", level=MemberLevel.VIEWER, by=team.driss),
        "change": lambda: members.change_level(agent_id=team.alice.id, level=MemberLevel.VIEWER, by=team.driss),
        "remove": lambda: members.remove_member(agent_id=team.alice.id, by=team.driss),
    }
    with pytest.raises(Forbidden), transaction():
        acts[act]()


@pytest.mark.parametrize("level", [MemberLevel.VIEWER, MemberLevel.EDITOR])
def test_the_last_administrator_stays(team: Team, level: MemberLevel) -> None:
    with pytest.raises(LastAdministrator), transaction():
        members.change_level(agent_id=team.alice.id, level=level, by=team.alice)
    with pytest.raises(LastAdministrator), transaction():
        members.remove_member(agent_id=team.alice.id, by=team.alice)
    assert levels(team.organisation)["Alice"] is MemberLevel.ADMINISTRATOR


def test_two_administrators_who_leave_at_once_leave_one(app: Flask, team: Team) -> None:
    with transaction():
        members.change_level(agent_id=team.driss.id, level=MemberLevel.ADMINISTRATOR, by=team.alice)

    def leave(agent_id: UUID) -> bool:
        by = Actor(
            ActorKind.AGENT, agent_id, "", organisation_id=team.organisation, roles=frozenset({Role.ADMINISTRATOR})
        )
        with app.app_context():
            try:
                with transaction():
                    members.remove_member(agent_id=agent_id, by=by)
            except LastAdministrator:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        left = list(pool.map(leave, [team.alice.id, team.driss.id]))
    assert sorted(left) == [False, True]
    assert list(levels(team.organisation).values()) == [MemberLevel.ADMINISTRATOR]


def test_a_member_of_another_organisation_is_not_found(team: Team) -> None:
    for act in (members.remove_member, lambda **who: members.change_level(level=MemberLevel.VIEWER, **who)):
        with pytest.raises(NotFound), transaction():
            act(agent_id=team.bruno.id, by=team.alice)


def test_every_change_is_audited(team: Team, owner: sa.Engine) -> None:
    accept(invite(team), team.zelie)
    with transaction():
        members.change_level(agent_id=team.zelie.id, level=MemberLevel.EDITOR, by=team.alice)
        members.remove_member(agent_id=team.zelie.id, by=team.alice)
    with owner.connect() as connection:
        acts = connection.execute(
            sa.text("SELECT act, details->>'role' FROM core_audit WHERE details->>'agent' = :id ORDER BY id"),
            {"id": str(team.zelie.id)},
        ).all()
    assert sorted(acts) == sorted(
        [
            ("identity:member:add", "viewer"),
            ("identity:member:remove", "viewer"),
            ("identity:member:add", "publisher"),
            ("identity:member:remove", "publisher"),
        ]
    )


def test_what_a_publisher_writes_a_viewer_reads(client: FlaskClient, team: Team) -> None:
    accept(invite(team), team.zelie)
    sign_in_agent(client, agent_id=team.zelie.id)
    assert client.get("/editeur/membres").status_code == 200
    assert client.get("/editeur/applications").status_code == 200
    token = read_csrf_token(client, "/editeur/membres")
    refused = client.post("/editeur/applications/nouvelle", data={"name": "X", "csrf_token": token})
    assert refused.status_code == 403
    assert client.get(f"/editeur/membres/{team.alice.id}").status_code == 403


def test_an_administrator_invites_on_the_page_and_the_guest_accepts(client: FlaskClient, team: Team) -> None:
    sign_in_agent(client, agent_id=team.alice.id)
    form = {"email": "zelie@essai.invalid", "level": "editor"}
    assert submit(client, "/editeur/membres/invitations", form, page="/editeur/membres").status_code == 303
    assert "zelie@essai.invalid" in client.get("/editeur/membres").text
    wrong = submit(client, "/editeur/membres/invitations", {"email": "zelie"}, page="/editeur/membres")
    assert wrong.status_code == 422 and "adresse" in wrong.text
    sign_in_agent(client, agent_id=team.zelie.id)
    assert client.get("/editeur/membres").status_code == 403
    page = client.get("/editeur/invitations")
    assert "Balance+ SAS" in page.text
    with transaction():
        (offer,) = queries.list_offers(team.zelie.id)
    joined = submit(client, f"/editeur/invitations/{offer.id}/acceptation", page="/editeur/invitations")
    assert joined.headers["Location"] == "/editeur/membres"
    assert levels(team.organisation)["Zelie"] is MemberLevel.EDITOR
    left = submit(client, f"/editeur/membres/{team.zelie.id}/retrait", page="/editeur/membres")
    assert left.headers["Location"] == "/editeur/invitations"
    assert client.get("/editeur/membres").status_code == 403


def test_an_agent_of_two_organisations_turns_from_one_to_the_other(client: FlaskClient, team: Team) -> None:
    accept(invite(team, "bruno@essai.invalid"), team.bruno)
    sign_in_agent(client, agent_id=team.bruno.id)
    assert "Membres de Ailleurs SAS" in client.get("/editeur/membres").text
    choice = {"organisation": str(team.organisation)}
    assert submit(client, "/editeur/organisation", choice, page="/editeur/membres").status_code == 303
    assert "Membres de Balance+ SAS" in client.get("/editeur/membres").text
    token = read_csrf_token(client, "/editeur/membres")
    refused = client.post("/editeur/applications/nouvelle", data={"name": "X", "csrf_token": token})
    assert refused.status_code == 403, "a viewer here does not write as the publisher they are elsewhere"
    other = {"organisation": str(team.alice.id)}
    assert submit(client, "/editeur/organisation", other, page="/editeur/membres").status_code == 404


def test_a_provider_that_did_not_verify_an_address_admits_nobody(app: Flask) -> None:
    from identity_core.gateway.openid import SignedIn
    from identity_core.service.sign_in import sign_in_agent as identify

    claims = {"usual_name": "Essai", "given_name": "Zelie", "email": "zelie@essai.invalid"}
    for verified, expected in ((False, None), ("true", None), (True, "zelie@essai.invalid")):
        with transaction():
            who = identify(
                signed_in=SignedIn(f"zelie-{verified}", "eidas1", "", {**claims, "email_verified": verified}),
                issuer="essai",
            )
            assert queries.find_agent_email(who.id) == expected


def test_a_week_is_said_on_the_page() -> None:
    assert members.INVITATION_LASTS == timedelta(days=7)
