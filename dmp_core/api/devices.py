"""Device: read by the id that the reader was given; created through a transaction only."""

from dmp_core.categories import MEASURES
from dmp_core.fhir.measures import Renderer
from dmp_core.queries import devices as queries
from platform_core.access import Access, DataCall
from platform_core.errors import NotFound
from platform_core.fhir.registry import ResourceType, Stored
from platform_core.fhir.search import span_of


def read(call: DataCall, identifier: str) -> Stored:
    """A device that took at least one measure which the caller may read."""
    permit = call.require([category.code for category in MEASURES], Access.READ, narrow=True)
    renderer = Renderer(permit)
    known = {renderer.device_reference(key): key for key in queries.list_device_ids(patient_id=call.patient_id)}
    key = known.get(identifier)
    spans = {code.partition(".")[2]: span_of(period) for code, period in permit.categories.items()}
    if key is None or not queries.has_measures(
        patient_id=call.patient_id, device_id=key, spans=spans, excluded=permit.excluded
    ):
        raise NotFound(f"There is no Device {identifier}.")
    return renderer.stored_device(queries.list_devices(patient_id=call.patient_id, ids=[key])[0], created=False)


DEVICE = ResourceType(
    name="Device",
    profiles=("http://hl7.org/fhir/uv/phd/StructureDefinition/PhdDevice",),
    read=read,
    transactional=True,
)
