"""The movable clock of the sandbox: only the consents of one sandbox client and one synthetic patient live by it."""

from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from consent.models import Consent, ConsentClock, ConsentUsage
from consent.queries import consent_time
from identity_core import queries as identity
from platform_core import audit, clock
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import Forbidden, Invalid

_FARTHEST = timedelta(days=3 * 366)


def move_clock(
    *,
    client_pk: UUID,
    patient_id: UUID,
    by: Actor,
    forward: timedelta | None = None,
    set_to: datetime | None = None,
    reset: bool = False,
) -> datetime:
    """Move the consent clock forward, or put it back to real time, forgetting what was used meanwhile.

    Exactly one of `forward`, `set_to` and `reset` is given; the transaction is bound to the patient. Returns the
    consent's present instant. Raises `Forbidden` (`sandbox-patients-only`), `Invalid` (`invalid-clock`).
    """
    if not identity.get_patient(patient_id).synthetic:
        raise Forbidden("The clock of a real person cannot be moved.", code="sandbox-patients-only")
    if sum([forward is not None, set_to is not None, reset]) != 1:
        raise Invalid("Give one of forward_seconds, set or reset.", code="invalid-clock")
    offset = timedelta() if reset else _offset(client_pk, patient_id, forward, set_to)
    if reset:
        _forget_usage(client_pk, patient_id)
    _write(client_pk, patient_id, offset)
    audit.record("consent:clock:moved", by=by, object_type="consent_clock", object_id=client_pk)
    return clock.now() + offset


def _offset(client_pk: UUID, patient_id: UUID, forward: timedelta | None, set_to: datetime | None) -> timedelta:
    present = consent_time(client_pk=client_pk, patient_id=patient_id)
    target = set_to or present + (forward or timedelta())
    offset = target - clock.now()
    if target < present or offset > _FARTHEST:
        raise Invalid("The clock goes forward only, three years at most.", code="invalid-clock")
    return offset


def _write(client_pk: UUID, patient_id: UUID, offset: timedelta) -> None:
    row = insert(ConsentClock).values(client_pk=client_pk, patient_id=patient_id, offset_seconds=offset.total_seconds())
    keys = [ConsentClock.client_pk, ConsentClock.patient_id]
    db.session.execute(
        row.on_conflict_do_update(index_elements=keys, set_={"offset_seconds": row.excluded.offset_seconds})
    )


def _forget_usage(client_pk: UUID, patient_id: UUID) -> None:
    """Windows and counters that lie in a future which will not happen would hold the app back for ever."""
    own = sa.select(Consent.id).where(Consent.patient_id == patient_id, Consent.client_pk == client_pk)
    usage = sa.delete(ConsentUsage).where(ConsentUsage.patient_id == patient_id, ConsentUsage.consent_id.in_(own))
    db.session.execute(usage)
    consents = sa.update(Consent).where(Consent.patient_id == patient_id, Consent.client_pk == client_pk)
    db.session.execute(consents.values(presence_until=None))
