"""What each state of the referencing allows, for every act: who may read, ask, change, end, renew and see.

The rows are those of the Australian register (CDR: recipient and product statuses), as states of a listing:
a publisher who is suspended is one whose listings are.
"""

import json
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from consent import queries, tasks
from consent.service import granting, lifecycle
from consent.workflow import Answer
from identity_core.service.seeding import Seeded
from oauth import service as oauth
from oauth.rules.clients import Profile
from platform_core.access import SYSTEM, Actor
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from platform_core.errors import Conflict
from platform_core.permission import ON_DEMAND, PermissionItem
from store.service import listings
from tests.journeys.conftest import CALLBACK, OPERATOR, acting_as
from tests.oauth.partner import Credentials, Partner, answer_as, open_in, query_of
from tests.signing_in import sign_in_citizen

ASKED = {
    "type": "urn:ens:health-data",
    "datatypes": ["measures.body-weight"],
    "actions": ["read", "write"],
    "purpose": "prevention",
}
OPEN = {
    "disclose": "200",
    "new consent": "201",
    "amend": "done",
    "pause": "done",
    "resume": "done",
    "revoke": "done",
    "end by the app": "204",
    "refresh": "200",
    "token of the app": "200",
    "introspect": "active",
    "dashboard": "Active",
}
FROZEN = {
    **OPEN,
    "disclose": "403 application-suspended",
    "new consent": "400 unauthorized_client",
    "dashboard": "Référencement suspendu",
}
OVER = {
    **FROZEN,
    "disclose": "401 consent-ended",
    "refresh": "400 consent-ended",
    "introspect": "inactive",
    "dashboard": "Terminée",
    **dict.fromkeys(("amend", "pause", "resume", "revoke"), "transition-refused"),
}
MATRIX = {
    "listed": OPEN,
    "suspended": FROZEN,
    "past its last day": FROZEN,
    "reinstated": OPEN,
    "withdrawn": OVER,
    "expired": OVER,
}


class Balance(Partner):
    """The production client of a listed app, and what decides on it."""

    application_id: UUID
    decider: Actor
    owner: sa.Engine

    def bring_to(self, state: str) -> None:
        if state in {"suspended", "reinstated"}:
            self._decide(listings.suspend_listing)
        if state == "reinstated":
            self._decide(listings.reinstate_listing)
        if state == "withdrawn":
            self._decide(listings.withdraw_listing)
        if state in {"past its last day", "expired"}:
            self._pass_the_last_day()
        if state == "expired":
            with transaction():
                assert listings.expire_listings(by=SYSTEM) == 1

    def grant_of(self, patient: UUID) -> dict[str, Any]:
        browser = self.app.test_client()
        question = open_in(browser, self, authorization_details=json.dumps([ASKED]))
        answered = browser.get(answer_as(patient, question, Answer.GRANT)).headers["Location"]
        return dict(self.exchange(query_of(answered)["code"]).json)

    def _decide(self, act: Callable[..., None]) -> None:
        with transaction():
            act(application_id=self.application_id, motive="Contrôle.", by=self.decider)

    def _pass_the_last_day(self) -> None:
        self._write("listed", date(2023, 11, 20), date(2026, 11, 20))

    def list_again(self) -> None:
        """As before, for the next row; every consent of the last one is closed."""
        self._write("listed", date(2026, 11, 20), date(2029, 11, 20))
        with self.owner.begin() as connection:
            connection.execute(sa.text("UPDATE consent_consent SET status = 'ended', closed_at = now()"))

    def _write(self, state: str, first: date, last: date) -> None:
        listing = "UPDATE store_listing SET state = :state, listed_on = :first, expires_on = :last"
        with self.owner.begin() as connection:
            values = {"state": state, "first": first, "last": last, "id": self.application_id}
            connection.execute(sa.text(f"{listing} WHERE application_id = :id"), values)


@pytest.fixture
def balance(app: Flask, clock: FrozenClock, applications: dict[str, UUID], omar: Actor, owner: sa.Engine) -> Balance:
    private = oauth.generate_key(Profile.FAPI2)
    application_id = applications["Balance+"]
    with transaction():
        client = oauth.issue_client(
            application_id=application_id, redirect_uris=[CALLBACK], jwk=oauth.public_half(private), by=OPERATOR
        )
    partner = Balance(app, Credentials(client, ECKey.import_key(private)))
    partner.application_id, partner.decider, partner.owner = application_id, omar, owner
    return partner


@pytest.mark.parametrize("carried", [False, True], ids=["before the batches", "after them"])
def test_what_the_referencing_allows(balance: Balance, people: Seeded, clock: FrozenClock, carried: bool) -> None:
    found = {}
    for state in MATRIX:
        found[state] = row(balance, people, state, carried)
        balance.list_again()
        clock.move(minutes=1)
    assert found == MATRIX


def row(balance: Balance, people: Seeded, state: str, carried: bool) -> dict[str, str]:
    """What became of every act once the listing of an app, to which two people had consented, was in a state."""
    camille, dominique = people.patients["camille"], people.patients["dominique"]
    tokens, others = balance.grant_of(camille), balance.grant_of(dominique)
    balance.bring_to(state)
    for _ in range(2 * carried):
        tasks.carry_cascade(str(balance.application_id))
    return {
        **calls(balance, tokens),
        "dashboard": dashboard(balance.app, people, tokens["grant_id"]),
        **acts(camille, UUID(tokens["grant_id"])),
        "end by the app": said(balance.call("DELETE", f"/oauth/grants/{others['grant_id']}", balance.app_token())),
    }


def calls(balance: Balance, tokens: dict[str, Any]) -> dict[str, str]:
    """What the app hears."""
    text = tokens["access_token"]
    seen = balance.post("/oauth/introspect", {"token": text}).json["active"]
    return {
        "disclose": said(balance.call("GET", "/fhir/Observation", text)),
        "new consent": said(balance.push(authorization_details=json.dumps([ASKED]))),
        "refresh": said(balance.refresh(tokens["refresh_token"])),
        "token of the app": said(balance.post("/oauth/token", {"grant_type": "client_credentials"})),
        "introspect": "active" if seen else "inactive",
    }


def acts(patient: UUID, grant_id: UUID) -> dict[str, str]:
    """What the patient may do, one act after the other."""
    with transaction(patient_id=patient):
        state = queries.get_state(patient, grant_id)
    fewer = [PermissionItem(i.category, i.access, i.data, ON_DEMAND) for i in state.items]
    narrowed = {"items": fewer, "valid_until": state.valid_until}
    return {
        "amend": done(granting.amend_consent, patient, grant_id, **narrowed),
        "pause": done(lifecycle.pause_consent, patient, grant_id),
        "resume": done(lifecycle.resume_consent, patient, grant_id),
        "revoke": done(lifecycle.revoke_consent, patient, grant_id),
    }


def done(act: Callable[..., object], patient: UUID, grant_id: UUID, **more: object) -> str:
    try:
        with transaction(patient_id=patient):
            act(patient_id=patient, grant_id=grant_id, by=acting_as(patient), **more)
    except Conflict as refusal:
        return refusal.code
    return "done"


def dashboard(app: Flask, people: Seeded, grant_id: str) -> str:
    """The status that the patient reads, on the list and on the page of the app."""
    browser = app.test_client()
    sign_in_citizen(browser, person_id=people.persons["camille"], patient_id=people.patients["camille"])
    card = browser.get("/espace/applications").text.split(grant_id, 1)[1].split("/espace/applications/", 1)[0]
    pages = [card, browser.get(f"/espace/applications/{grant_id}").text]
    shown = ["Référencement suspendu", "Terminée", "Active"]
    (word,) = {next(word for word in shown if f">{word}</span>" in page) for page in pages}
    return word


def said(answer: TestResponse) -> str:
    """The status, and the code of an error."""
    if answer.status_code < 400:
        return str(answer.status_code)
    body = answer.get_json(silent=True) or {}
    if "issue" in body:
        challenge = answer.headers.get("WWW-Authenticate", "")
        code = body["issue"][0]["details"]["coding"][0]["code"]
        return f"{answer.status_code} {'consent-ended' if 'consent-ended' in challenge else code}"
    described = body.get("error_description")
    return f"{answer.status_code} {described if described == 'consent-ended' else body['error']}"
