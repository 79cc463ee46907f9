"""The conveniences of the sandbox, with the app's own token."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from partner_sdk import PartnerClient, SandboxPatient

from .conftest import FakePlatform

CLOCK = "/api/v1/sandbox/patients/s-1/clock"


def test_the_patients_are_listed_with_one_token_of_the_app(ens: PartnerClient, platform: FakePlatform) -> None:
    listed = {"id": "s-1", "name": "Synthia Essai", "birth_date": "1980-02-29", "summary": "Poids sur dix ans"}
    platform.routes["/api/v1/sandbox/patients"] = lambda _: (200, {"patients": [listed]})
    assert ens.sandbox.patients() == [SandboxPatient("s-1", "Synthia Essai", date(1980, 2, 29), "Poids sur dix ans")]
    ens.sandbox.patients()
    (token,) = platform.calls("/oauth/token")
    assert token.form["grant_type"] == "client_credentials"
    assert token.form["scope"] == "ens:app"


def test_a_decision_gives_the_callback(ens: PartnerClient, platform: FakePlatform) -> None:
    platform.routes["/api/v1/sandbox/decisions"] = lambda _: (200, {"redirect_to": "https://balance.example/callback"})
    login = ens.start_authorization(datatypes=["measures.steps"], actions=["read"], purpose="prevention")
    assert ens.sandbox.decide(login, "s-1", "refuse") == "https://balance.example/callback"
    narrowed = [{"type": "urn:ens:health-data", "datatypes": ["measures.steps"]}]
    ens.sandbox.decide(login, "s-1", authorization_details=narrowed)
    refused, granted = (call.json for call in platform.calls("/api/v1/sandbox/decisions"))
    assert refused == {"request_uri": login.request_uri, "patient": "s-1", "decision": "refuse"}
    assert (granted["decision"], granted["authorization_details"]) == ("grant", narrowed)


@pytest.mark.parametrize(
    ("move", "sent"),
    [
        ({"forward_seconds": 86400}, {"forward_seconds": 86400}),
        ({"set": datetime(2026, 11, 22, tzinfo=UTC)}, {"set": "2026-11-22T00:00:00+00:00"}),
        ({"reset": True}, {"reset": True}),
    ],
)
def test_the_clock_moves(
    ens: PartnerClient, platform: FakePlatform, move: dict[str, Any], sent: dict[str, Any]
) -> None:
    platform.routes[CLOCK] = lambda _: (200, {"now": "2026-11-22T00:00:00.1234567Z"})
    assert ens.sandbox.move_clock("s-1", **move) == datetime(2026, 11, 22, 0, 0, 0, 123456, tzinfo=UTC)
    assert platform.calls(CLOCK)[0].json == sent


@pytest.mark.parametrize("move", [{}, {"forward_seconds": 1, "reset": True}])
def test_the_clock_moves_in_one_way_at_a_time(ens: PartnerClient, move: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="exactly one"):
        ens.sandbox.move_clock("s-1", **move)


def test_the_clock_is_not_moved_twice_when_the_answer_is_lost(ens: PartnerClient, platform: FakePlatform) -> None:
    platform.script[CLOCK] = [(504, {})]
    with pytest.raises(Exception, match="504"):
        ens.sandbox.move_clock("s-1", forward_seconds=60)
    assert len(platform.calls(CLOCK)) == 1


def test_a_public_client_is_told_that_it_has_no_token(connect, platform: FakePlatform) -> None:
    with pytest.raises(ValueError, match="private_key"):
        connect(profile="smart", private_key=None).sandbox.patients()
