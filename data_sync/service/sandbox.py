"""The sandbox: synthetic patients who answer at once, through the very code that the browser goes through."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from consent.service import clocks
from consent.service import requests as consent
from consent.workflow import Answer
from identity_core import queries as identity
from identity_core.queries import PatientView
from oauth import service as oauth
from oauth.errors import RequestGone
from oauth.rules.clients import Client
from oauth.rules.details import Asked, narrow
from platform_core import clock, config
from platform_core.access import Actor, ActorKind
from platform_core.database import bind_patient
from platform_core.errors import NotFound
from platform_core.ids import opaque

_USUAL_LEVEL = "eidas2"


@dataclass(frozen=True, slots=True)
class SyntheticPatient:
    """Somebody who does not exist. `summary` says in French what their record is good for."""

    id: UUID
    name: str
    birth_date: date
    summary: str


def list_patients() -> Sequence[SyntheticPatient]:
    """The synthetic patients, always in the same order."""
    return [
        SyntheticPatient(patient.id, patient.display_name, patient.birth_date, _summary(patient))
        for patient in identity.list_synthetic_patients()
    ]


def decide(
    *,
    client: Client,
    request_uri: str | None = None,
    user_code: str | None = None,
    patient_id: UUID,
    decision: Answer,
    details: Sequence[Mapping[str, Any]] | None,
    now: datetime,
) -> str:
    """Answer a pushed request, or a device, for a synthetic patient. Returns where the browser would have been sent.

    `details` narrows what is granted; the patient proves who they are at the level that the request demands. Raises
    `NotFound` (no such synthetic patient), `RequestGone`, `OAuthRefusal` (`invalid_authorization_details`;
    `invalid_grant` for a wrong `user_code`), `Invalid` (`wider-than-asked`).
    """
    patient = _synthetic(patient_id)
    person_id = identity.find_person_id(patient.id) or patient.id
    by = Actor(ActorKind.PATIENT, person_id, patient.display_name, assurance=_USUAL_LEVEL)
    browser_key = opaque()
    app = Actor(ActorKind.APPLICATION, client.app_id, client.name)
    if user_code is not None:
        device = oauth.find_own_device(client=client, typed=user_code, now=now)
        request_id = oauth.hand_over_device(
            device_id=device.id, person_id=person_id, browser_key=browser_key, by=app, now=now
        )
        address = _answer(request_id, device.asked, patient, decision, details, by)
        return config.current().base_url + address
    opened = oauth.open_pushed_request(request_uri=request_uri or "", client_id=client.client_id, now=now)
    if opened.asked is None:
        raise RequestGone("This request asks a professional: no synthetic patient answers it.")
    request_id = oauth.hand_over(opened=opened, browser_key=browser_key, by=app)
    by = replace(by, assurance=opened.demand.acr or _USUAL_LEVEL)
    _answer(request_id, opened.asked, patient, decision, details, by)
    answer = oauth.answer_request(authorization_id=opened.id, browser_key=browser_key, signed_in_at=now, now=now)
    return answer.address


def _answer(
    request_id: UUID,
    asked: Asked,
    patient: PatientView,
    decision: Answer,
    details: Sequence[Mapping[str, Any]] | None,
    by: Actor,
) -> str:
    """Decide; returns the local path where the browser would go on."""
    kept = narrow(asked, details) if details is not None else asked
    bind_patient(patient.id)
    decided = consent.decide_request(
        request_id=request_id,
        patient_id=patient.id,
        decision=decision,
        items=kept.items,
        valid_until=kept.valid_until,
        by=by,
    )
    return decided.resume_path


def move_clock(
    *,
    client: Client,
    patient_id: UUID,
    forward: timedelta | None = None,
    set_to: datetime | None = None,
    reset: bool = False,
) -> datetime:
    """Move the consent clock of a synthetic patient for this client. Returns its present instant.

    Raises `NotFound`, `Invalid` (`invalid-clock`).
    """
    patient = _synthetic(patient_id)
    bind_patient(patient.id)
    by = Actor(ActorKind.APPLICATION, client.app_id, client.name)
    return clocks.move_clock(
        client_pk=client.pk, patient_id=patient.id, by=by, forward=forward, set_to=set_to, reset=reset
    )


def _synthetic(patient_id: UUID) -> PatientView:
    """The synthetic patient of that id. Raises `NotFound`: a real person is not told from nobody."""
    for patient in identity.list_synthetic_patients():
        if patient.id == patient_id:
            return patient
    raise NotFound("No synthetic patient has this id.")


def _summary(patient: PatientView) -> str:
    today = clock.today()
    birthday_to_come = (today.month, today.day) < (patient.birth_date.month, patient.birth_date.day)
    age = today.year - patient.birth_date.year - birthday_to_come
    sex = {"male": "Homme", "female": "Femme"}.get(patient.sex, "Personne")
    return f"{sex} de {age} ans, identité qualifiée, espace ouvert"
