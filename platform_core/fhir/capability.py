"""`GET /fhir/metadata`: the CapabilityStatement (FHIR R4 §3.1.0.9), built from what the cores registered."""

from collections.abc import Iterator
from typing import Any

from platform_core.fhir.registry import ResourceType, registry

PUBLISHED = "2026-11-21"
_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SERVICES = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_ENDPOINTS = {
    "authorize": "/oauth/authorize",
    "token": "/oauth/token",
    "introspect": "/oauth/introspect",
    "revoke": "/oauth/revoke",
    "register": "/oauth/register",
}


def statement(issuer: str) -> dict[str, Any]:
    """The CapabilityStatement of the server whose public address is `issuer`."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": PUBLISHED,
        "publisher": "Espace numérique de santé",
        "kind": "instance",
        "software": {"name": "Espace numérique de santé"},
        "implementation": {"description": "Espace numérique de santé", "url": f"{issuer}/fhir"},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "security": _security(issuer),
                "resource": [_resource(found) for _, found in sorted(registry.types.items())],
                "interaction": [{"code": "transaction"}, {"code": "batch"}],
            }
        ],
    }


def _security(issuer: str) -> dict[str, Any]:
    """SMART App Launch: the `oauth-uris` extension and the SMART-on-FHIR service code."""
    uris = [{"url": name, "valueUri": issuer + path} for name, path in _ENDPOINTS.items()]
    coding = [{"system": _SERVICES, "code": "SMART-on-FHIR", "display": "SMART-on-FHIR"}]
    return {"extension": [{"url": _OAUTH_URIS, "extension": uris}], "cors": True, "service": [{"coding": coding}]}


def _resource(found: ResourceType) -> dict[str, Any]:
    described: dict[str, Any] = {
        "type": found.name,
        "interaction": [{"code": code} for code in _interactions(found)],
        "versioning": "versioned",
        "conditionalCreate": found.create is not None or found.transactional,
    }
    if found.profiles:
        described["supportedProfile"] = list(found.profiles)
    if found.includes:
        described["searchInclude"] = list(found.includes)
    if found.parameters:
        described["searchParam"] = [{"name": p.name, "type": p.type} for p in found.parameters]
    return described


def _interactions(found: ResourceType) -> Iterator[str]:
    offered = {
        "read": found.read or found.content,
        "history-instance": found.history,
        "search-type": found.search,
        "create": found.create or found.transactional,
        "update": found.update,
        "patch": found.patch,
        "delete": found.delete,
    }
    return (code for code, there in offered.items() if there)
