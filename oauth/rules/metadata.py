"""What the server says of itself: RFC 8414, OpenID Connect Discovery, SMART App Launch 2.2, RFC 9728."""

from collections.abc import Sequence
from typing import Any

from identity_core.rules import LEVELS
from oauth.rules import scopes, user_scopes
from oauth.rules.clients import DEVICE_CODE, Profile
from oauth.rules.details import TYPE
from oauth.rules.grants import GrantAction
from oauth.rules.keys import ASSERTION_ALGORITHMS, PROOF_ALGORITHMS

_CAPABILITIES = [
    "launch-standalone",
    "client-public",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-standalone-patient",
    "permission-offline",
    "permission-patient",
    "permission-user",
    "permission-v2",
    "permission-v1",
    "authorize-post",
]


def authorization_server(issuer: str, by_certificate: Sequence[str] = ()) -> dict[str, Any]:
    """The metadata of the authorization server (RFC 8414 §2, RFC 9126 §5, RFC 9207 §3, RFC 9396 §10, RFC 9449 §5.1,
    RFC 9470 §7).

    `by_certificate` are the methods of RFC 8705 that the settings allow.
    """
    algorithms = sorted({name for names in ASSERTION_ALGORITHMS.values() for name in names})
    confidential = ["private_key_jwt", *by_certificate]
    methods = [*confidential, "none"]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "pushed_authorization_request_endpoint": f"{issuer}/oauth/par",
        "device_authorization_endpoint": f"{issuer}/oauth/device_authorization",
        "token_endpoint": f"{issuer}/oauth/token",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "registration_endpoint": f"{issuer}/oauth/register",
        "userinfo_endpoint": f"{issuer}/oauth/userinfo",
        "jwks_uri": f"{issuer}/oauth/jwks",
        "grant_management_endpoint": f"{issuer}/oauth/grants",
        "grant_management_actions_supported": ["query", "revoke", *GrantAction],
        "grant_management_action_required": False,
        "scopes_supported": [*sorted(scopes.PLAIN), scopes.APP, *user_scopes.offered()],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials", DEVICE_CODE],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_signing_alg_values_supported": ["ES256", "RS256"],
        "tls_client_certificate_bound_access_tokens": bool(by_certificate),
        "authorization_response_iss_parameter_supported": True,
        "authorization_details_types_supported": [TYPE],
        "dpop_signing_alg_values_supported": list(PROOF_ALGORITHMS),
        "acr_values_supported": list(LEVELS),
        "ui_locales_supported": ["fr"],
        "service_documentation": f"{issuer}/developpeurs",
    }


def openid_provider(issuer: str, signing: dict[Profile, str], by_certificate: Sequence[str] = ()) -> dict[str, Any]:
    """The same with what OpenID Connect Discovery 1.0 §3 adds; `signing` is the id_token algorithm of each profile."""
    return {
        **authorization_server(issuer, by_certificate),
        "end_session_endpoint": f"{issuer}/oauth/end_session",
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": sorted(set(signing.values())),
        "claims_supported": "sub iss aud exp iat nonce auth_time acr amr at_hash sid fhirUser".split(),
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


def smart_configuration(issuer: str) -> dict[str, Any]:
    """The SMART configuration of the FHIR base (SMART App Launch 2.2, conformance)."""
    server = authorization_server(issuer)
    names = (
        "issuer authorization_endpoint pushed_authorization_request_endpoint token_endpoint revocation_endpoint"
        " registration_endpoint introspection_endpoint jwks_uri grant_types_supported code_challenge_methods_supported"
        " response_types_supported token_endpoint_auth_methods_supported"
        " token_endpoint_auth_signing_alg_values_supported"
    )
    samples = ["patient/*.rs", "patient/Observation.rs", "patient/Observation.c"]
    return {
        **{name: server[name] for name in names.split()},
        "scopes_supported": [*sorted(scopes.PLAIN), *samples, *user_scopes.offered()],
        "management_endpoint": f"{issuer}/espace/applications",
        "capabilities": _CAPABILITIES,
    }


def protected_resource(issuer: str) -> dict[str, Any]:
    """The metadata of the FHIR API as a protected resource (RFC 9728 §2)."""
    return {
        "resource": f"{issuer}/fhir",
        "authorization_servers": [issuer],
        "bearer_methods_supported": ["header"],
        "authorization_details_types_supported": [TYPE],
        "dpop_signing_alg_values_supported": list(PROOF_ALGORITHMS),
        "dpop_bound_access_tokens_required": False,
        "resource_documentation": f"{issuer}/developpeurs",
    }
