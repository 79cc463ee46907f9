"""What somebody decided for a patient, when they may act for them no more: it ends, and the patient is asked anew."""

from uuid import UUID

import sqlalchemy as sa

from consent.models import Consent, ConsentVersion
from consent.queries import find_standing, get_state
from consent.rules.calendar import last_day
from consent.service import lifecycle, renewals
from consent.workflow import Status
from identity_core import queries as identity
from platform_core.access import SYSTEM, Actor, ActorKind
from platform_core.database import db
from platform_core.errors import Conflict

_DECIDERS = (ActorKind.REPRESENTATIVE, ActorKind.HELPER)
_WAITS = renewals.STANDING * 12
"""How long the question stands: somebody who comes of age may sign in for the first time months later."""


def follow_end(*, patient_id: UUID, person_id: UUID, representation_id: UUID, by: Actor) -> None:
    """End what this person decided for the patient and that is in force still: whoever may act no more has no app left
    that reads for them. What had reached its last day with the representation is asked again in the patient's space,
    item by item, as far as the app may still ask. Decisions of others stay. The transaction is bound to the patient.
    """
    ended = identity.find_representation(representation_id)
    for consent in _decided_by(patient_id, person_id):
        lifecycle.lock_consent(patient_id, consent.id)
        state = get_state(patient_id, consent.id)
        if state.is_live:
            lifecycle.revoke_consent(patient_id=patient_id, grant_id=consent.id, reasons=["representation"], by=by)
        elif state.stored is Status.EXPIRED and ended and last_day(consent.valid_until) == ended.last_day:
            _ask_again(patient_id, consent)


def _ask_again(patient_id: UUID, consent: Consent) -> None:
    if find_standing(patient_id, consent.app_id):
        return
    try:
        renewals.open_renewal(patient_id=patient_id, grant_id=consent.id, waits=_WAITS, by=SYSTEM)
    except Conflict:
        return  # The app may ask nothing any more, or has a consent that the patient gave since.


def _decided_by(patient_id: UUID, person_id: UUID) -> list[Consent]:
    """The consents whose present version this person decided for the patient, the newest first."""
    same = sa.and_(
        ConsentVersion.patient_id == Consent.patient_id,
        ConsentVersion.consent_id == Consent.id,
        ConsentVersion.version == Consent.version,
    )
    decided = sa.select(Consent).join(ConsentVersion, same).where(Consent.patient_id == patient_id)
    theirs = decided.where(ConsentVersion.decided_by == person_id, ConsentVersion.decider_kind.in_(_DECIDERS))
    return list(db.session.scalars(theirs.order_by(Consent.valid_from.desc(), Consent.id)))
