"""What one app wrote is read by another only under that other's own item, and only for a legal purpose."""

from datetime import timedelta

import pytest

from partner_sdk.errors import ApiError, ConsentMissing
from platform_core import clock
from tests.journeys.conftest import Sandbox, new_partner


def test_what_an_app_wrote_is_read_by_another_under_its_own_item_only(sandbox: Sandbox, live_server: str) -> None:
    yesterday = clock.now() - timedelta(days=1)
    sandbox.open().measures.add(kind="body-weight", value=72.4, unit="kg", at=yesterday)
    with new_partner(live_server) as other:
        stranger = Sandbox(other, sandbox.patients)
        without = stranger.open(datatypes=["measures.heart-rate"], actions=["read"])
        with pytest.raises(ConsentMissing):
            list(without.measures.list(kind="body-weight"))
        allowed = stranger.open(datatypes=["measures.body-weight"], actions=["read"])
        assert [float(measure.value) for measure in allowed.measures.list(kind="body-weight")] == [72.4]
        with pytest.raises(ConsentMissing):
            allowed.measures.add(kind="body-weight", value=73, unit="kg", at=clock.now())


@pytest.mark.parametrize("purpose", ["recherche", "assurance", "publicite", ""])
def test_a_purpose_outside_the_law_cannot_be_asked(sandbox: Sandbox, purpose: str) -> None:
    with pytest.raises(ApiError) as refusal:
        sandbox.client.start_authorization(datatypes=["measures.body-weight"], actions=["read"], purpose=purpose)
    assert refusal.value.code == "invalid_authorization_details"
