"""Signing in on a client without a browser: straight into its session, and the token that its forms carry."""

import re
from uuid import UUID

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from identity_core.sessions import SignIn, Slot
from platform_core import clock


def sign_in_citizen(
    client: FlaskClient, *, person_id: UUID, patient_id: UUID, acting_for: UUID | None = None, acr: str = "eidas2"
) -> None:
    """The person looks at their own record, or at that of somebody they represent."""
    remember(client, Slot.CITIZEN, SignIn(person_id, "Camille Durand", acr, clock.now(), "", patient_id, acting_for))


def sign_in_professional(client: FlaskClient, *, professional_id: UUID) -> None:
    remember(client, Slot.PRO, SignIn(professional_id, "Sophie Martin", "eidas1", clock.now()))


def sign_in_agent(client: FlaskClient, *, agent_id: UUID) -> None:
    """The agent; their roles are those of their memberships."""
    remember(client, Slot.AGENT, SignIn(agent_id, "Alice Roche", "eidas1", clock.now()))


def remember(client: FlaskClient, slot: Slot, sign_in: SignIn) -> None:
    with client.session_transaction() as session:
        session[f"sign_in.{slot}"] = sign_in.to_json()


def submit(client: FlaskClient, path: str, data: dict[str, str] | None = None, *, page: str = "") -> TestResponse:
    """Post a form to `path` with the token read on `page`, the same address unless said."""
    return client.post(path, data={**(data or {}), "csrf_token": read_csrf_token(client, page or path)})


def read_csrf_token(client: FlaskClient, page: str) -> str:
    """The token in the first form of a page."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
    assert found, f"{page} has no form"
    return found[1]
