"""Withdrawing: from one app with what it leaves behind, or from every app at once."""

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from consent.queries import ConsentState, get_state, list_states
from consent.service import erasure, lifecycle
from consent.service.deciders import check_decider
from consent.service.history import record_act
from consent.workflow import Status
from identity_core.errors import OutsideMandate
from platform_core.access import Actor, ActorKind
from platform_core.errors import Conflict
from platform_core.events import ContributionsChoice, ContributionsWithdrawn, publish


class Reason(StrEnum):
    """Why a patient leaves an app, if they say so. Kept in the history of the consent, which the app does not read."""

    UNUSED = "unused"
    TOO_MUCH = "too-much"
    TRUST = "trust"
    HEALTH = "no-longer-needed"
    OTHER = "other"


def withdraw_consent(
    *,
    patient_id: UUID,
    grant_id: UUID,
    reasons: Sequence[Reason] = (),
    contributions: ContributionsChoice = ContributionsChoice.KEEP,
    erase: bool = False,
    by: Actor,
) -> None:
    """Revoke a consent, decide on what the app wrote and, if `erase`, ask the publisher to erase its copies.

    Raises `NotFound`, `Conflict` (`transition-refused`).
    """
    lifecycle.revoke_consent(patient_id=patient_id, grant_id=grant_id, reasons=reasons, by=by)
    if contributions is not ContributionsChoice.KEEP:
        decide_contributions(patient_id=patient_id, grant_id=grant_id, choice=contributions, by=by)
    if erase:
        erasure.ask_erasure(patient_id=patient_id, grant_id=grant_id, by=by)


def decide_contributions(*, patient_id: UUID, grant_id: UUID, choice: ContributionsChoice, by: Actor) -> None:
    """Keep, mask or delete everything that the app of an ended consent wrote in the record; each data core does it.

    What was masked may be kept again, by a helper within the mandate only; what was deleted stays so, which no helper
    decides. Raises `NotFound`, `Conflict` (`not-ended`), `OutsideMandate`.
    """
    if by.kind is ActorKind.HELPER and choice is ContributionsChoice.DELETE:
        raise OutsideMandate("What is deleted from the record is gone for good: the patient alone decides it.")
    consent = lifecycle.lock_consent(patient_id, grant_id)
    if get_state(patient_id, grant_id).is_live:
        raise Conflict("Revoke the consent first: the app still writes.", code="not-ended")
    if choice is ContributionsChoice.KEEP:
        check_decider(get_state(patient_id, grant_id).permissions, by=by)
    publish(ContributionsWithdrawn(patient_id, consent.app_id, choice))
    record_act(consent, f"contributions_{choice}", by=by)


def stop_everything(*, patient_id: UUID, by: Actor) -> int:
    """Revoke every live consent of the patient, all or none; returns how many."""
    live = [state.grant_id for state in list_states(patient_id) if state.is_live]
    still = [grant_id for grant_id in sorted(live) if _lock(patient_id, grant_id).is_live]
    for grant_id in still:
        lifecycle.revoke_consent(patient_id=patient_id, grant_id=grant_id, by=by)
    return len(still)


def pause_everything(*, patient_id: UUID, by: Actor) -> int:
    """Pause every active consent of the patient, all or none; returns how many."""
    active = [state.grant_id for state in list_states(patient_id) if state.stored is Status.ACTIVE]
    still = [grant_id for grant_id in sorted(active) if _lock(patient_id, grant_id).stored is Status.ACTIVE]
    for grant_id in still:
        lifecycle.pause_consent(patient_id=patient_id, grant_id=grant_id, by=by)
    return len(still)


def _lock(patient_id: UUID, grant_id: UUID) -> ConsentState:
    """A consent as it stands once nobody else may change it: it may have ended since it was listed."""
    lifecycle.lock_consent(patient_id, grant_id)
    return get_state(patient_id, grant_id)
