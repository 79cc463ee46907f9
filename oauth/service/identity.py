"""Who signed in, as an app may know it: pairwise identifiers, id_token, userinfo. No personal data."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Protocol
from uuid import UUID

from identity_core import queries as people
from oauth.rules import scopes
from oauth.rules.clients import Client, Profile
from platform_core import config, signing
from platform_core.crypto import base64url, pairwise_id

LIFETIME = timedelta(minutes=10)
SIGNING_USE = "oauth"
ALGORITHMS = {Profile.FAPI2: "ES256", Profile.SMART: "RS256"}


class SignedIn(Protocol):
    """The person and the record that a token stands for, or the professional."""

    @property
    def patient_id(self) -> UUID | None: ...
    @property
    def person_id(self) -> UUID | None: ...
    @property
    def professional_id(self) -> UUID | None: ...
    @property
    def assurance(self) -> str: ...
    @property
    def signed_in_at(self) -> datetime | None: ...


def subject(client: Client, person_id: UUID) -> str:
    """The `sub` of a person for one app: pairwise (OpenID Connect Core §8.1)."""
    return pairwise_id(client.app_id, person_id, "Person")


def fhir_user(client: Client, *, patient_id: UUID, person_id: UUID) -> str:
    """The `fhirUser` (SMART App Launch 2.2): the Patient, or the RelatedPerson who acts for them."""
    base = config.current().base_url + "/fhir"
    if people.find_person_id(patient_id) in {person_id, None}:
        return f"{base}/Patient/{pairwise_id(client.app_id, patient_id)}"
    return f"{base}/RelatedPerson/{subject(client, person_id)}"


def sign_id_token(
    *,
    client: Client,
    basis: SignedIn,
    nonce: str | None,
    sid: str | None = None,
    amr: Sequence[str] = (),
    scope: str,
    access_token: str,
    now: datetime,
) -> str:
    """The id_token of a code (OpenID Connect Core §2), ES256 for `fapi2`, RS256 for `smart`."""
    claims = {
        "iss": config.current().base_url,
        "aud": client.client_id,
        "iat": int(now.timestamp()),
        "exp": int((now + LIFETIME).timestamp()),
        "nonce": nonce,
        "sid": sid,
        "amr": list(amr) or None,
        "at_hash": base64url(sha256(access_token.encode()).digest()[:16]),
        **proof_claims(basis),
        **user_claims(client=client, signed_in=basis, scope=scope),
    }
    present = {name: value for name, value in claims.items() if value is not None}
    return signing.sign_jwt(SIGNING_USE, ALGORITHMS[client.profile], present)


def proof_claims(signed_in: SignedIn) -> dict[str, Any]:
    """How surely and when the person proved who they are: `acr` and `auth_time` (OpenID Connect Core §2, RFC 9470
    §6.2), those that are known."""
    proven_at = signed_in.signed_in_at
    claims = {"acr": signed_in.assurance, "auth_time": int(proven_at.timestamp()) if proven_at else None}
    return {name: value for name, value in claims.items() if value}


def user_claims(*, client: Client, signed_in: SignedIn, scope: str) -> dict[str, Any]:
    """What userinfo tells (OpenID Connect Core §5.3): `sub`, and `fhirUser` when that scope was granted."""
    if signed_in.professional_id:
        return _professional_claims(client, signed_in.professional_id, scope)
    patient_id, person_id = signed_in.patient_id, signed_in.person_id
    if patient_id is None or person_id is None:
        raise ValueError("A token of the app itself stands for nobody.")
    claims = {"sub": subject(client, person_id)}
    if "fhirUser" in scopes.split(scope):
        claims["fhirUser"] = fhir_user(client, patient_id=patient_id, person_id=person_id)
    return claims


def _professional_claims(client: Client, professional_id: UUID, scope: str) -> dict[str, Any]:
    claims = {"sub": subject(client, professional_id)}
    if "fhirUser" in scopes.split(scope):
        claims["fhirUser"] = f"{config.current().base_url}/fhir/Practitioner/{claims['sub']}"
    return claims
