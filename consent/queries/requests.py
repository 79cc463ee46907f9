"""Reads: the questions put to a patient, and those that still wait for an answer in their space."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from consent.models import ConsentRequest
from consent.workflow import OPEN, Lapse, Origin, RequestStatus, answer, lapse_of
from platform_core import clock
from platform_core.crypto import hash_token
from platform_core.database import db
from platform_core.permission import Ceiling, PermissionItem, Purpose


@dataclass(frozen=True, slots=True)
class Choice:
    """What a patient ticked on the screen and has not confirmed yet."""

    items: tuple[PermissionItem, ...]
    valid_until: date

    @property
    def mark(self) -> str:
        """A short digest, by which a page that showed this choice knows it again."""
        return hash_token(f"{self.valid_until} {[item.to_json() for item in self.items]}").hex()[:16]


@dataclass(frozen=True, slots=True)
class RequestView:
    """A question to a patient: who asks, what, and what became of it.

    `grant_id` is the consent that the question names, to amend or to renew; `silent`: it was refused unseen.
    """

    id: UUID
    app_id: UUID
    client_pk: UUID
    environment: str
    app_name: str
    publisher_name: str
    application_id: UUID | None
    items: tuple[PermissionItem, ...]
    ceiling: Ceiling
    purpose: Purpose
    valid_until: date
    merges: bool
    origin: Origin
    resume_path: str
    grant_id: UUID | None
    status: RequestStatus
    opened_at: datetime
    expires_at: datetime
    patient_id: UUID | None
    choice: Choice | None
    silent: bool
    consent_id: UUID | None
    consent_version: int | None

    @property
    def waits(self) -> bool:
        """Whether it waits in the patient's space, rather than in the browser that opened it."""
        return self.status is RequestStatus.POSTPONED or self.origin is Origin.DASHBOARD

    @property
    def is_open(self) -> bool:
        """Whether it may still be answered."""
        return self.status in OPEN


def view_of(request: ConsentRequest) -> RequestView:
    """A request as plain values, as it stands now: the time may have ended it before a task recorded so."""
    status = RequestStatus(request.status)
    if status in OPEN and request.expires_at <= clock.now():
        status = answer(status, _lapse_of(request))
    return RequestView(
        request.id,
        request.app_id,
        request.client_pk,
        request.environment,
        request.app_name,
        request.publisher_name,
        request.application_id,
        _permissions(request.items),
        Ceiling.from_json(request.ceiling),
        Purpose(request.purpose),
        request.valid_until,
        request.merges,
        Origin(request.origin),
        request.resume_path,
        request.grant_id,
        status,
        request.opened_at,
        request.expires_at,
        request.patient_id,
        _choice(request.choice),
        request.silent,
        request.consent_id,
        request.consent_version,
    )


def list_standing(patient_id: UUID) -> list[RequestView]:
    """The questions that wait in the space of a patient until they expire, at `/consentement/<id>`, the newest first:
    those they put off, those opened for them."""
    standing = _standing(patient_id).order_by(ConsentRequest.opened_at.desc(), ConsentRequest.id)
    return [view_of(request) for request in db.session.scalars(standing)]


def find_standing(patient_id: UUID, app_id: UUID) -> RequestView | None:
    """The newest question of one app that waits in the space of a patient."""
    standing = _standing(patient_id).where(ConsentRequest.app_id == app_id)
    newest = db.session.scalar(standing.order_by(ConsentRequest.opened_at.desc(), ConsentRequest.id).limit(1))
    return view_of(newest) if newest else None


def _standing(patient_id: UUID) -> sa.Select[ConsentRequest]:
    return sa.select(ConsentRequest).where(
        ConsentRequest.patient_id == patient_id, stands(), ConsentRequest.expires_at > clock.now()
    )


def stands() -> sa.ColumnElement[bool]:
    """The condition of the requests that wait in a space, rather than in the browser that opened them."""
    own = sa.or_(ConsentRequest.status == RequestStatus.POSTPONED, ConsentRequest.browser_hash.is_(None))
    return sa.and_(ConsentRequest.status.in_(OPEN), own)


def _lapse_of(request: ConsentRequest) -> Lapse:
    return lapse_of(is_someones=request.patient_id is not None)


def _choice(kept: dict[str, Any] | None) -> Choice | None:
    return Choice(_permissions(kept["items"]), date.fromisoformat(kept["until"])) if kept else None


def _permissions(items: Iterable[dict[str, Any]]) -> tuple[PermissionItem, ...]:
    return tuple(PermissionItem.from_json(item) for item in items)
