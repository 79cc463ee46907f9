"""What the consent gives to programs: FHIR Consent, and the published schemas of what it says."""

from datetime import datetime
from typing import Any

from flask import Blueprint, Response

from consent import fhir
from consent.rules import receipts
from consent.service.exports import export_consent
from platform_core import config, rest
from platform_core.access import DataCall
from platform_core.errors import NotFound
from platform_core.fhir import wire
from platform_core.fhir.registry import Page, ResourceType, SearchParameter, Stored
from platform_core.fhir.search import Query
from platform_core.web import public

blueprint = rest.blueprint("consent", __name__, "The consent: what its receipts say")
definitions = Blueprint("consent_definitions", __name__, url_prefix="/fhir")


@blueprint.get("/schemas/consent-receipt")
@public("the schema of receipts is published")
def show_receipt_schema() -> Any:
    """The JSON Schema of a consent receipt, a profile of ISO/IEC TS 27560."""
    return dict(receipts.SCHEMA)


@definitions.get(f"/StructureDefinition/{fhir.PERIODICITY}")
@public("the extension of Consent is published")
def show_periodicity() -> Response:
    """The StructureDefinition of the extension that says how often (FHIR R4 §5.1)."""
    return Response(
        wire.write(fhir.periodicity_definition(f"{config.current().base_url}/fhir")), mimetype="application/fhir+json"
    )


def read(call: DataCall, identifier: str) -> Stored:
    """The consent of this very grant. Raises `NotFound` for every other."""
    resource = _own(call)
    if identifier != resource["id"]:
        raise NotFound("A grant reads its own consent only.")
    return _stored(resource)


def search(call: DataCall, query: Query) -> Page:
    """The consent of this very grant, when the parameters hold for it."""
    resource = _own(call)
    found = _stored(resource)
    span = query.span("_lastUpdated")
    held = {"_id": found.id, "status": resource["status"], "patient": call.patient_reference}
    matches = (
        all(
            any(value.removeprefix("Patient/") == held[name] for value in given.split(","))
            for name in held
            for given in query.values.get(name, ())
        )
        and (span.start is None or found.updated_at >= span.start)
        and (span.end is None or found.updated_at < span.end)
    )
    shown = [("Consent", found.id, found.text())] if matches and not query.offset else []
    return Page(shown, {}, total=int(matches) if query.total else None)


def _own(call: DataCall) -> dict[str, Any]:
    if call.grant_id is None:
        raise NotFound("This caller has no consent of its own.")
    return export_consent(patient_id=call.patient_id, grant_id=call.grant_id)


def _stored(resource: dict[str, Any]) -> Stored:
    meta = resource["meta"]
    updated_at = datetime.fromisoformat(meta["lastUpdated"])
    return Stored("Consent", resource["id"], int(meta["versionId"]), updated_at, "", lambda: wire.write(resource))


CONSENT = ResourceType(
    name="Consent",
    parameters=(
        SearchParameter("_id", "token"),
        SearchParameter("_lastUpdated", "date"),
        SearchParameter("patient", "reference"),
        SearchParameter("status", "token"),
    ),
    read=read,
    search=search,
)
