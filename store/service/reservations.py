"""Reservations of the commission: the publisher says they are met, a reviewer lifts them or not."""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa

from platform_core import clock
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import Invalid, NotFound
from store.models.commission import Reservation
from store.queries.evidence import get_own_evidence
from store.service.transitions import lock_for_review, lock_own_submission, locked, move
from store.workflow import ReservationState, ReservationVerb


def claim(*, reservation_id: UUID, answer: str, evidence_ids: Collection[UUID] = (), by: Actor) -> None:
    """Say that a reservation is met, and how, with the ids of evidence.

    Raises `Invalid` (`answer-required`), `NotFound` for another organisation's.
    """
    lock_own_submission(_submission_id(reservation_id), by=by)
    reservation = _lock(reservation_id)
    if not answer.strip():
        raise Invalid("Say how the reservation is met.", code="answer-required")
    for evidence_id in evidence_ids:
        get_own_evidence(evidence_id, by=by)
    move(reservation, ReservationVerb.CLAIM, by=by)
    reservation.claim, reservation.claimed_at = answer.strip(), clock.now()
    reservation.evidence_ids = sorted(evidence_ids)


def lift(*, reservation_id: UUID, motive: str, by: Actor) -> None:
    """Find that a reservation is met, and say on what ground."""
    lock_for_review(_submission_id(reservation_id), by=by)
    move(_lock(reservation_id), ReservationVerb.LIFT, by=by, motive=motive)


def decline(*, reservation_id: UUID, motive: str, by: Actor) -> None:
    """Find that a claimed reservation is not met, and say what is missing. Raises `Invalid` (`not-claimed`)."""
    lock_for_review(_submission_id(reservation_id), by=by)
    reservation = _lock(reservation_id)
    if reservation.claimed_at is None:
        raise Invalid("The publisher does not say that this reservation is met.", code="not-claimed")
    move(reservation, ReservationVerb.DECLINE, by=by, motive=motive)
    reservation.claimed_at = None


def lapse(submission_id: UUID, *, by: Actor) -> None:
    """End the open reservations of a submission that is refused."""
    left = sa.select(Reservation).where(
        Reservation.submission_id == submission_id, Reservation.state == ReservationState.OPEN
    )
    for reservation in db.session.scalars(locked(left.order_by(Reservation.id))).all():
        move(reservation, ReservationVerb.LAPSE, by=by)


def _submission_id(reservation_id: UUID) -> UUID:
    found = db.session.scalar(sa.select(Reservation.submission_id).where(Reservation.id == reservation_id))
    if found is None:
        raise NotFound("This reservation does not exist.")
    return found


def _lock(reservation_id: UUID) -> Reservation:
    return db.session.scalars(locked(sa.select(Reservation).where(Reservation.id == reservation_id))).one()
