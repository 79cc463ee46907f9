"""The software of a hospital, and the professionals who let it work for them."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from flask import Flask, g
from flask.testing import FlaskClient
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from identity_core import queries as identity
from identity_core.sessions import SignIn, Slot
from oauth import service
from oauth.rules.clients import Profile
from platform_core import clock
from platform_core.database import transaction
from platform_core.ids import uuid7
from tests.oauth.partner import TESTER, Credentials, Partner, query_of
from tests.signing_in import read_csrf_token, remember

FINESS, OTHER_FINESS = "990000010", "990000028"
CALLBACK = "https://chu.exemple.fr/retour"
SCOPE = (
    "openid fhirUser offline_access user/DocumentReference.crs user/Binary.r user/Observation.crs"
    " user/Immunization.crs user/Patient.rs"
)
INS = "urn:oid:1.2.250.1.213.1.4.10"


def hospital(app: Flask, finess: str = FINESS, name: str = "CHU de démonstration") -> "Software":
    """A structure with its software, registered with a key of its own."""
    private = service.generate_key(Profile.FAPI2)
    with transaction():
        client = service.add_structure(
            name=name,
            finess=finess,
            software="Dossier CHU",
            redirect_uris=[CALLBACK],
            jwks=[service.public_half(private)],
            jwks_uri=None,
            by=TESTER,
        )
    return Software(app, Credentials(client, ECKey.import_key(private)))


@dataclass
class Software(Partner):
    """It asks for `user/` scopes, and names the patient of each call."""

    token: str = ""
    answer: dict[str, Any] = field(default_factory=dict)

    def request(self, **changes: Any) -> dict[str, Any]:
        return super().request(**{"authorization_details": None, "scope": SCOPE, **changes})

    def page_in(self, browser: FlaskClient, **changes: Any) -> str:
        """Push a request, open it, and give the path that the browser is sent to."""
        uri = self.push(**changes).json["request_uri"]
        asked = {"client_id": self.client.client_id, "request_uri": uri}
        opened = browser.get("/oauth/authorize", query_string=asked)
        assert opened.status_code == 303, opened.text
        return str(opened.headers["Location"])

    def work_for(self, professional_id: UUID, *, session_id: UUID | None = None, **changes: Any) -> "Software":
        """Have a professional let it work for them; it keeps the token."""
        browser = signed_in(self.app, professional_id, session_id=session_id)
        code = query_of(decide(browser, self.page_in(browser, **changes)))["code"]
        answer = self.exchange(code)
        assert answer.status_code == 200, answer.text
        self.answer, self.token = dict(answer.json), answer.json["access_token"]
        return self

    def fhir(self, method: str, path: str, **options: Any) -> TestResponse:
        if "json" in options:
            options["content_type"] = "application/fhir+json"
        return self.call(method, f"/fhir/{path}", self.token, **options)

    def find(self, *, matricule: str, family: str = "Durand", birthdate: str = "1985-04-12") -> TestResponse:
        form = {"identifier": f"{INS}|{matricule}", "family": family, "birthdate": birthdate}
        return self.fhir("POST", "Patient/_search", data=form)

    def find_id(self, patient_id: UUID) -> str:
        """The id under which this structure knows a patient, found as it must."""
        with transaction():
            ins, patient = identity.find_ins(patient_id), identity.get_patient(patient_id)
        assert ins
        found = self.find(matricule=ins.matricule, family=patient.family_name, birthdate=f"{patient.birth_date}")
        assert found.status_code == 200, found.text
        return str(found.json["entry"][0]["resource"]["id"])


def known_as(reference: str) -> Any:
    """What the builders of resources take: a patient as the writer knows them."""
    return SimpleNamespace(patient_reference=reference)


def signed_in(app: Flask, professional_id: UUID, *, session_id: UUID | None = None) -> FlaskClient:
    """The browser of a professional who has signed in."""
    browser = app.test_client()
    now = clock.now()
    sign_in = SignIn(
        professional_id,
        "Sophie Martin",
        "eidas2",
        now,
        session_id=session_id or uuid7(),
        proven_at=now,
        amr="pop",
    )
    remember(browser, Slot.PRO, sign_in)
    return browser


def decide(browser: FlaskClient, page: str, decision: str = "grant") -> str:
    """Answer the question of a page; where the browser is sent."""
    g.pop("csrf_token", None)  # kept by the context of the test, for another browser
    form = {"decision": decision, "csrf_token": read_csrf_token(browser, page)}
    answered = browser.post(page, data=form)
    assert answered.status_code == 303, answered.text
    return str(answered.headers["Location"])


def error_of(answer: TestResponse) -> tuple[int, str]:
    """The status and the code of an OperationOutcome."""
    return answer.status_code, str(answer.json["issue"][0]["details"]["coding"][0]["code"])
