"""The places of a pilot: who may enter it, and one place for each person who does."""

from uuid import UUID

import sqlalchemy as sa

from consent.models import Consent
from identity_core import queries as identity
from platform_core.database import db
from store.queries.listings import PilotView, find_pilot
from store.rules.calls import check_entry
from store.service import pilots


def check_place(*, app_id: UUID, patient_id: UUID) -> None:
    """Whether this patient may enter the pilot that the app is, if it is one; who entered once may come back.

    The transaction is bound to the patient. Raises `PilotClosed` (`pilot-region-needed`, `pilot-elsewhere`,
    `pilot-full`).
    """
    pilot = find_pilot(app_id)
    if pilot and not _has_entered(patient_id, app_id, pilot):
        region = identity.get_patient(patient_id).region
        check_entry(region=region, regions=pilot.regions, is_full=pilot.places_left <= 0)


def take_place(*, app_id: UUID, patient_id: UUID) -> None:
    """Count this patient in, once. The caller holds the lock of this patient and app. Raises as `check_place`."""
    pilot = find_pilot(app_id)
    if pilot and not _has_entered(patient_id, app_id, pilot):
        pilots.take_place(pilot_id=pilot.id, region=identity.get_patient(patient_id).region)


def _has_entered(patient_id: UUID, app_id: UUID, pilot: PilotView) -> bool:
    entered = sa.select(Consent.id).where(
        Consent.patient_id == patient_id, Consent.app_id == app_id, Consent.valid_from >= pilot.opened_at
    )
    return db.session.scalar(entered.limit(1)) is not None
