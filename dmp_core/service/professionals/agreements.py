"""Agreements of a patient with professionals: the one writer of their states, and of who is kept out."""

from datetime import date, datetime, time, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from dmp_core.models.professionals import AccessChoice, Agreement, Block
from dmp_core.queries import professionals as queries
from dmp_core.rules.professionals.agreements import (
    DOCTOR,
    LONGEST_TEAM_DAYS,
    AgreementState,
    AgreementVerb,
    Choices,
    Mode,
    next_agreement_state,
)
from identity_core import queries as identity
from notification_core import service as notification
from platform_core import audit, clock
from platform_core.access import Actor, ActorKind
from platform_core.clock import PARIS
from platform_core.database import db
from platform_core.errors import Conflict, Fault, Forbidden, Invalid, NotFound
from platform_core.ids import uuid7

_PATIENTS = frozenset({ActorKind.PATIENT, ActorKind.REPRESENTATIVE})
PAGE = "/espace/parametres/professionnels"


def declare_treating_doctor(*, patient_id: UUID, professional_id: UUID, by: Actor) -> UUID:
    """The patient names their treating doctor, in the place of the one before. Returns the id of the agreement.

    Raises `Forbidden`, `Invalid` (`not-a-doctor`), `Conflict` (`professional-blocked`, `agreed-already`).
    """
    _check_patient(by)
    _check_doctor(professional_id)
    _end_those(patient_id, Mode.TREATING_DOCTOR, by, but=professional_id)
    return begin(patient_id, professional_id, Mode.TREATING_DOCTOR, None, by=by)


def propose_treating_doctor(*, patient_id: UUID, by: Actor) -> UUID:
    """A doctor who reads the record proposes to be the treating doctor: the patient answers. Returns the agreement.

    Raises `Forbidden` (`no-agreement`), `Invalid` (`not-a-doctor`), `Conflict` (`agreed-already`).
    """
    professional_id = professional_of(by)
    _check_doctor(professional_id)
    if not any(one.is_live for one in queries.list_agreements(patient_id, professional_id)):
        raise Forbidden("The patient did not open this record to you.", code="no-agreement")
    id = begin(patient_id, professional_id, Mode.TREATING_DOCTOR, None, by=by, state=AgreementState.PROPOSED)
    notification.notify(
        patient_id=patient_id,
        kind="dmp.agreement",
        title="Un médecin propose d’être votre médecin traitant",
        body=f"{by.name} propose d’être votre médecin traitant. Rien ne change tant que vous n’avez pas accepté.",
        link=PAGE,
        by=by,
    )
    return id


def accept_treating_doctor(*, patient_id: UUID, agreement_id: UUID, by: Actor) -> None:
    """The patient accepts what a doctor proposed; the treating doctor before is so no longer.

    Raises `Forbidden`, `NotFound`, `Conflict` (`agreement-state`, `professional-blocked`).
    """
    _check_patient(by)
    found = _lock(patient_id, agreement_id)
    _check_not_blocked(patient_id, found.professional_id)
    state = next_agreement_state(AgreementState(found.state), AgreementVerb.ACCEPT)
    _end_those(patient_id, Mode.TREATING_DOCTOR, by, but=found.professional_id)
    _move(found, state, by)


def refuse_agreement(*, patient_id: UUID, agreement_id: UUID, by: Actor) -> None:
    """The patient declines what a doctor proposed. Raises `Forbidden`, `NotFound`, `Conflict` (`agreement-state`)."""
    _check_patient(by)
    found = _lock(patient_id, agreement_id)
    _move(found, next_agreement_state(AgreementState(found.state), AgreementVerb.REFUSE), by)


def admit_to_team(*, patient_id: UUID, professional_id: UUID, until: date, by: Actor) -> UUID:
    """The patient opens the record to a professional of their care team, to the end of a day (Europe/Paris), within a
    year. An agreement of this kind with the same professional gives way. Returns the id.

    Raises `Forbidden`, `Invalid` (`invalid-agreement`), `NotFound`, `Conflict` (`professional-blocked`).
    """
    _check_patient(by)
    if not clock.today() <= until <= clock.today() + timedelta(days=LONGEST_TEAM_DAYS):
        fault = Fault("until", f"must be within the next {LONGEST_TEAM_DAYS} days.", "value")
        raise Invalid("An agreement has an end, within a year.", code="invalid-agreement", faults=[fault])
    _check_not_blocked(patient_id, professional_id)
    _end_those(patient_id, Mode.CARE_TEAM, by, only=professional_id)
    end = datetime.combine(until + timedelta(days=1), time(), PARIS)
    return begin(patient_id, professional_id, Mode.CARE_TEAM, end, by=by)


def end_agreement(*, patient_id: UUID, agreement_id: UUID, by: Actor) -> None:
    """Close the record that an agreement opened, at once: the patient, or the professional who leaves.

    Raises `Forbidden`, `NotFound`, `Conflict` (`agreement-state`).
    """
    found = _lock(patient_id, agreement_id)
    if by.kind is ActorKind.PROFESSIONAL and found.professional_id != by.id:
        raise NotFound("No agreement of yours has this id.")
    if by.kind is not ActorKind.PROFESSIONAL:
        _check_patient(by)
    _move(found, next_agreement_state(AgreementState(found.state), AgreementVerb.END), by)


def leave_record(*, patient_id: UUID, by: Actor) -> None:
    """A professional gives up every agreement with a patient, those that run and those that wait."""
    professional_id = professional_of(by)
    for mode in Mode:
        _end_those(patient_id, mode, by, only=professional_id)


def end_agreements(*, patient_id: UUID, by: Actor) -> None:
    """End every agreement of a patient, those that run and those that wait: the space closes."""
    running = Agreement.state.in_([AgreementState.ACTIVE, AgreementState.PROPOSED])
    found = sa.select(Agreement).where(Agreement.patient_id == patient_id, running)
    for one in db.session.scalars(found.order_by(Agreement.id).with_for_update()):
        _move(one, next_agreement_state(AgreementState(one.state), AgreementVerb.END), by)


def block_professional(*, patient_id: UUID, professional_id: UUID, by: Actor) -> None:
    """Keep a professional out at once, in an emergency too; what was agreed with them ends. Twice is once."""
    _check_patient(by)
    identity.get_professional(professional_id)
    row = {"patient_id": patient_id, "professional_id": professional_id, "blocked_at": clock.now()}
    db.session.execute(insert(Block).values(row).on_conflict_do_nothing())
    for mode in Mode:
        _end_those(patient_id, mode, by, only=professional_id)
    audit.record("dmp:professional:blocked", by=by, object_type="professional", object_id=professional_id)


def unblock_professional(*, patient_id: UUID, professional_id: UUID, by: Actor) -> None:
    """Keep a professional out no longer: nothing that was agreed before comes back."""
    _check_patient(by)
    kept_out = (Block.patient_id == patient_id, Block.professional_id == professional_id)
    db.session.execute(sa.delete(Block).where(*kept_out))
    audit.record("dmp:professional:unblocked", by=by, object_type="professional", object_id=professional_id)


def choose_access(*, patient_id: UUID, choices: Choices, by: Actor) -> None:
    """Allow or refuse what professionals may do without asking (CSP art. L. 1111-17: the opposition is express)."""
    _check_patient(by)
    chosen = {"emergency": choices.emergency, "writing": choices.writing}
    statement = insert(AccessChoice).values(patient_id=patient_id, **chosen)
    db.session.execute(statement.on_conflict_do_update(index_elements=["patient_id"], set_=chosen))
    audit.record("dmp:access:chosen", by=by, object_type="patient", object_id=patient_id, **chosen)


def begin(
    patient_id: UUID,
    professional_id: UUID,
    mode: Mode,
    ends_at: datetime | None,
    *,
    by: Actor,
    state: AgreementState = AgreementState.ACTIVE,
    motive: tuple[UUID, bytes] | None = None,
) -> UUID:
    """Write a new agreement; its id. `motive` holds the id that it was sealed for, and itself.

    Raises `NotFound`, `Conflict` (`professional-blocked`, `agreed-already`).
    """
    identity.get_professional(professional_id)
    _check_not_blocked(patient_id, professional_id)
    for one in queries.list_agreements(patient_id, professional_id):
        if mode is Mode.TREATING_DOCTOR is one.mode and (one.is_live or one.is_waiting):
            raise Conflict("This doctor is, or asks to be, the treating doctor already.", code="agreed-already")
    id, sealed = motive or (uuid7(), None)
    now = clock.now()
    db.session.add(
        Agreement(
            patient_id=patient_id,
            id=id,
            professional_id=professional_id,
            mode=mode,
            state=state,
            ends_at=ends_at,
            motive=sealed,
            created_at=now,
            state_changed_at=now,
        )
    )
    db.session.flush()
    audit.record(f"dmp:agreement:{mode}", by=by, object_type="agreement", object_id=id)
    return id


def professional_of(by: Actor) -> UUID:
    """The professional who acts. Raises `Forbidden` for anybody else."""
    if by.kind is not ActorKind.PROFESSIONAL or by.id is None:
        raise Forbidden("Only a professional does this.", code="not-a-professional")
    return by.id


def _check_patient(by: Actor) -> None:
    if by.kind not in _PATIENTS:
        raise Forbidden("Only the patient, or who represents them by law, does this.", code="not-the-patient")


def _check_doctor(professional_id: UUID) -> None:
    if identity.get_professional(professional_id).profession != DOCTOR:
        raise Invalid("A treating doctor is a doctor.", code="not-a-doctor", faults=[Fault("professional", "wrong")])


def _check_not_blocked(patient_id: UUID, professional_id: UUID) -> None:
    if queries.is_blocked(patient_id, professional_id):
        raise Conflict("The patient keeps this professional out: unblock first.", code="professional-blocked")


def _lock(patient_id: UUID, agreement_id: UUID) -> Agreement:
    found = db.session.get(Agreement, (patient_id, agreement_id), with_for_update=True)
    if found is None:
        raise NotFound("There is no such agreement.")
    return found


def _end_those(patient_id: UUID, mode: Mode, by: Actor, *, only: UUID | None = None, but: UUID | None = None) -> None:
    """End the agreements of a mode that run or wait: those of one professional, or (those that run) of all others."""
    states = [AgreementState.ACTIVE] + ([AgreementState.PROPOSED] if only else [])
    found = sa.select(Agreement).where(
        Agreement.patient_id == patient_id, Agreement.mode == mode, Agreement.state.in_(states)
    )
    for one in db.session.scalars(found.order_by(Agreement.id).with_for_update()):
        if one.professional_id == only or (only is None and one.professional_id != but):
            _move(one, next_agreement_state(AgreementState(one.state), AgreementVerb.END), by)


def _move(agreement: Agreement, state: AgreementState, by: Actor) -> None:
    """The one writer of the state of an agreement that exists."""
    agreement.state, agreement.state_changed_at = state, clock.now()
    db.session.flush()
    audit.record(f"dmp:agreement:{state}", by=by, object_type="agreement", object_id=agreement.id)
