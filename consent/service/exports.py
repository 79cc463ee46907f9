"""A consent in the words of others: FHIR R4."""

from typing import Any
from uuid import UUID

from consent import fhir, queries
from platform_core import config, crypto


def export_consent(*, patient_id: UUID, grant_id: UUID) -> dict[str, Any]:
    """The consent as a FHIR Consent, whatever its status. The transaction is the patient's. Raises `NotFound`."""
    state = queries.get_state(patient_id, grant_id)
    version = queries.get_version(patient_id, grant_id, state.version)
    last = queries.list_events(patient_id, grant_id)[-1]
    return fhir.consent_resource(
        base=f"{config.current().base_url}/fhir",
        grant_id=str(grant_id),
        version=last.sequence,
        updated_at=last.occurred_at,
        status=state.stored,
        patient=crypto.pairwise_id(state.app_id, patient_id),
        app={"id": str(state.app_id), "name": state.app_name},
        purpose=str(state.purpose),
        valid_from=state.valid_from,
        valid_until=state.valid_until,
        items=state.permissions,
        decision={
            "time": version.decided_at.isoformat(),
            "texts": version.text_version,
            "sha256": version.text_hash,
        },
    )
