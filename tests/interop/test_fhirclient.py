"""fhirclient (PyPI), of those who wrote SMART: a public client that finds its way from the CapabilityStatement."""

from collections.abc import Callable

import pytest
from fhirclient.client import FHIRClient
from fhirclient.models.observation import Observation

from tests.interop.conftest import Settings


@pytest.mark.requirement("SM14")
@pytest.mark.requirement("SM353")
@pytest.mark.requirement("SM355")
def test_a_standalone_launch_reads_and_refreshes(
    new_client: Callable[..., Settings], visit: Callable[[str], str]
) -> None:
    settings = new_client("--profile", "smart", "--public")
    smart = FHIRClient(
        settings={
            "app_id": settings["client_id"],
            "api_base": f"{settings['issuer']}/fhir",
            "redirect_uri": settings["redirect_uri"],
            "scope": "openid fhirUser offline_access patient/Observation.rs",
        }
    )
    assert smart.prepare() is False
    smart.handle_callback(visit(smart.authorize_url))
    assert smart.ready
    patient = smart.patient_id
    found = next(Observation.where({"code": "29463-7"}).perform_iter(smart.server))
    assert (found.resource_type, found.type) == ("Bundle", "searchset")

    earlier = smart.server.auth.refresh_token
    assert smart.reauthorize()
    assert smart.server.auth.refresh_token != earlier
    assert smart.patient_id == patient
