"""Professionals in a record: who reads it and until when, whom the patient keeps out, whom a professional follows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from dmp_core.models.professionals import AccessChoice, Agreement, Block, FailedAttempt
from dmp_core.rules.professionals.agreements import (
    FAILURES_COUNT_FOR,
    MOST_FAILURES,
    AgreementState,
    Choices,
    Mode,
    is_live,
)
from identity_core import queries as identity
from identity_core.queries import PatientView, ProfessionalView
from platform_core import clock, crypto
from platform_core.database import db, run

SHOWN = 200


@dataclass(frozen=True, slots=True)
class AgreementView:
    """An agreement with its professional; `motive` is that of an emergency. `ends_at` is None without term."""

    id: UUID
    professional: ProfessionalView
    mode: Mode
    state: AgreementState
    ends_at: datetime | None
    created_at: datetime
    changed_at: datetime
    motive: str = ""

    @property
    def is_live(self) -> bool:
        return is_live(self, clock.now())

    @property
    def is_waiting(self) -> bool:
        return self.state is AgreementState.PROPOSED


def list_agreements(patient_id: UUID, professional_id: UUID | None = None) -> Sequence[AgreementView]:
    """The agreements of a patient, the newest first; those with one professional when it is said."""
    statement = sa.select(Agreement).where(Agreement.patient_id == patient_id)
    if professional_id:
        statement = statement.where(Agreement.professional_id == professional_id)
    newest = statement.order_by(Agreement.created_at.desc(), Agreement.id.desc()).limit(SHOWN)
    return [_view(row) for row in db.session.scalars(newest)]


def is_blocked(patient_id: UUID, professional_id: UUID) -> bool:
    """Whether the patient keeps this professional out."""
    return db.session.get(Block, (patient_id, professional_id)) is not None


def list_blocked(patient_id: UUID) -> Sequence[ProfessionalView]:
    """The professionals whom the patient keeps out, by name."""
    ids = db.session.scalars(sa.select(Block.professional_id).where(Block.patient_id == patient_id))
    return sorted(map(identity.get_professional, ids), key=lambda one: one.display_name)


def get_choices(patient_id: UUID) -> Choices:
    """What the patient allows without being asked: both, until they say otherwise."""
    row = db.session.get(AccessChoice, patient_id)
    return Choices(row.emergency, row.writing) if row else Choices()


def list_patients_of(professional_id: UUID) -> Sequence[PatientView]:
    """The patients whose record is open to a professional now, by name. The transaction is bound to nobody."""
    rows = run(
        "SELECT patient_id FROM dmp_patients_of(%(professional)s, %(now)s)",
        {"professional": professional_id, "now": clock.now()},
    )
    found = [identity.get_patient(row.patient_id) for row in rows]
    return sorted((one for one in found if one.is_open), key=lambda one: (one.family_name, one.given_name, one.id))


def must_wait(professional_id: UUID) -> bool:
    """Whether a professional got too many codes and identities wrong within the hour."""
    recent = sa.select(sa.func.count()).where(
        FailedAttempt.professional_id == professional_id, FailedAttempt.at > clock.now() - FAILURES_COUNT_FOR
    )
    return (db.session.scalar(recent) or 0) >= MOST_FAILURES


def _view(row: Agreement) -> AgreementView:
    motive = ""
    if row.motive is not None:
        key = crypto.patient_key(row.patient_id, create=False)
        motive = crypto.decrypt(key, row.motive, f"dmp:motive:{row.id}".encode()).decode()
    professional = identity.get_professional(row.professional_id)
    return AgreementView(
        row.id,
        professional,
        Mode(row.mode),
        AgreementState(row.state),
        row.ends_at,
        row.created_at,
        row.state_changed_at,
        motive,
    )
