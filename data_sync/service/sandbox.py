"""The sandbox: synthetic patients who answer at once, through the very code that the browser goes through."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from consent.service import clocks
from consent.service import requests as consent
from consent.workflow import Answer
from identity_core import queries as identity
from identity_core.queries import PatientView
from oauth import service as oauth
from oauth.rules.clients import Client
from oauth.rules.details import narrow
from platform_core import clock
from platform_core.access import Actor, ActorKind
from platform_core.database import bind_patient
from platform_core.errors import NotFound
from platform_core.ids import opaque


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
    request_uri: str,
    patient_id: UUID,
    decision: Answer,
    details: Sequence[Mapping[str, Any]] | None,
    now: datetime,
) -> str:
    """Answer a pushed request for a synthetic patient. Returns the address that the browser would have been sent to.

    `details` narrows what is granted. Raises `NotFound` (no such synthetic patient), `RequestGone`, `OAuthRefusal`
    (`invalid_authorization_details`), `Invalid` (`wider-than-asked`).
    """
    patient = _synthetic(patient_id)
    browser_key = opaque()
    opened = oauth.open_pushed_request(request_uri=request_uri, client_id=client.client_id, now=now)
    app = Actor(ActorKind.APPLICATION, client.app_id, client.name)
    request_id = oauth.hand_over(opened=opened, browser_key=browser_key, by=app)
    kept = narrow(opened.asked, details) if details is not None else opened.asked
    bind_patient(patient.id)
    person_id = identity.find_person_id(patient.id) or patient.id
    consent.decide_request(
        request_id=request_id,
        patient_id=patient.id,
        decision=decision,
        items=kept.items,
        valid_until=kept.valid_until,
        by=Actor(ActorKind.PATIENT, person_id, patient.display_name, assurance="sandbox"),
    )
    answer = oauth.answer_request(authorization_id=opened.id, browser_key=browser_key, signed_in_at=now, now=now)
    return answer.address


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
