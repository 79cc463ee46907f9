"""What a patient takes back is felt by the app at its next call: one measure kept from it, then all that it wrote."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from consent import queries
from consent.service import exclusions, withdrawal
from identity_core.service.seeding import Seeded
from partner_sdk import Space
from partner_sdk.errors import ConsentEnded
from platform_core import clock
from platform_core.database import transaction
from platform_core.events import ContributionsChoice
from tests.journeys.conftest import acting_as

WEIGHT = "measures.body-weight"


def test_what_is_kept_masked_or_deleted_is_gone_for_the_app(
    people: Seeded, grant_production: Callable[[UUID], Space]
) -> None:
    camille = people.patients["camille"]
    by = acting_as(camille)
    space = grant_production(camille)
    kept, seen = (
        space.measures.add(kind="body-weight", value=value, unit="kg", at=clock.now() - timedelta(hours=hours))
        for hours, value in ((2, 72.5), (1, 73.5))
    )

    def read(from_space: Space) -> list[str]:
        return [measure.id for measure in from_space.measures.list(kind="body-weight")]

    def grant_id() -> UUID:
        return queries.list_states(camille)[0].grant_id

    with transaction(patient_id=camille):
        about = {"patient_id": camille, "grant_id": grant_id(), "resource_id": UUID(kept), "by": by}
        exclusions.exclude_resource(**about, category=WEIGHT)
    assert read(space) == [seen]

    with transaction(patient_id=camille):
        withdrawal.withdraw_consent(
            patient_id=camille, grant_id=grant_id(), contributions=ContributionsChoice.MASK, by=by
        )
    with pytest.raises(ConsentEnded):
        read(space)
    again = grant_production(camille)
    assert read(again) == []
    with transaction(patient_id=camille):
        former = queries.list_states(camille)[1].grant_id
        withdrawal.decide_contributions(patient_id=camille, grant_id=former, choice=ContributionsChoice.KEEP, by=by)
    assert read(again) == [seen], "the exclusion outlives the consent"
    with transaction(patient_id=camille):
        withdrawal.decide_contributions(patient_id=camille, grant_id=former, choice=ContributionsChoice.DELETE, by=by)
    assert read(again) == []
