"""One simulated OpenID provider. It keeps nothing: codes and access tokens are sealed values, its key comes from the
client secret, so that several web processes answer alike.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import ECKey

from platform_app.simulated.people import list_people
from platform_core import clock, config, crypto
from platform_core.config import IdentityProvider
from platform_core.errors import Invalid, Malformed

CODE_LASTS = timedelta(seconds=60)
ID_TOKEN_LASTS = timedelta(minutes=5)
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_LEVELS = ("eidas1", "eidas2", "eidas3")


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked authorization request."""

    redirect_uri: str
    state: str
    nonce: str
    code_challenge: str
    acr: str


class SimulatedProvider:
    """The provider of one kind of people."""

    def __init__(self, kind: str, settings: IdentityProvider, base_url: str) -> None:
        self.kind = kind
        self.settings = settings
        self.redirect_uri = f"{base_url}/connexion/retour/{kind}"
        self.signed_out_uri = f"{base_url}/deconnexion/faite"
        self._key = _signing_key(settings.client_secret, kind)

    def metadata(self) -> dict[str, Any]:
        """What OpenID Connect Discovery 1.0 §3 asks to publish."""
        issuer = self.settings.issuer
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "jwks_uri": f"{issuer}/jwks",
            "end_session_endpoint": f"{issuer}/end_session",
            "response_types_supported": ["code"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "userinfo_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "acr_values_supported": list(_LEVELS),
            "authorization_response_iss_parameter_supported": True,
        }

    def jwks(self) -> dict[str, Any]:
        return {"keys": [self._key.as_dict(private=False)]}

    def check_request(self, asked: Mapping[str, str]) -> Asked:
        """Read an authorization request. Raises `Malformed` when client, address, nonce or PKCE are not right."""
        expected = {
            "client_id": self.settings.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "code_challenge_method": "S256",
        }
        wrong = [name for name, value in expected.items() if asked.get(name) != value]
        wrong += [name for name in ("state", "nonce", "code_challenge") if not asked.get(name)]
        if "openid" not in asked.get("scope", "").split():
            wrong.append("scope")
        if wrong:
            raise Malformed(f"The authorization request is wrong: {', '.join(wrong)}.")
        acr = next((level for level in asked.get("acr_values", "").split() if level in _LEVELS), _LEVELS[0])
        return Asked(self.redirect_uri, asked["state"], asked["nonce"], asked["code_challenge"], acr)

    def answer(self, asked: Asked, person: str | None) -> str:
        """Where to send the browser: with a code for the person chosen, or with a refusal."""
        parameters = {"state": asked.state, "iss": self.settings.issuer}
        if person is None:
            return f"{asked.redirect_uri}?{urlencode({'error': 'access_denied', **parameters})}"
        if person not in list_people(self.kind):
            raise Invalid("This person is not on the list.")
        code = self._seal(
            "code", {"person": person, "nonce": asked.nonce, "challenge": asked.code_challenge, "acr": asked.acr}
        )
        return f"{asked.redirect_uri}?{urlencode({'code': code, **parameters})}"

    def redeem(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Tokens for a code. Raises `Invalid` whose code is that of RFC 6749 §5.2."""
        known = hmac.compare_digest(form.get("client_id", ""), self.settings.client_id)
        if not hmac.compare_digest(form.get("client_secret", ""), self.settings.client_secret) or not known:
            raise Invalid("Unknown client.", code="invalid_client")
        code = self._open("code", form.get("code", ""))
        challenge = crypto.base64url(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        holds = form.get("grant_type") == "authorization_code" and form.get("redirect_uri") == self.redirect_uri
        if code is None or not holds or not hmac.compare_digest(challenge, code["challenge"]):
            raise Invalid("The code does not hold.", code="invalid_grant")
        now = clock.now()
        id_token = self._sign(
            {
                "sub": list_people(self.kind)[code["person"]].claims["sub"],
                "iat": int(now.timestamp()),
                "auth_time": int(now.timestamp()),
                "exp": int((now + ID_TOKEN_LASTS).timestamp()),
                "nonce": code["nonce"],
                "acr": code["acr"],
                "amr": ["pwd"] if code["acr"] == _LEVELS[0] else ["pwd", "otp"],
            }
        )
        access_token = self._seal("access", {"person": code["person"]})
        return {"access_token": access_token, "token_type": "Bearer", "expires_in": 60, "id_token": id_token}

    def userinfo(self, access_token: str) -> str | None:
        """The signed userinfo answer; None when the token does not hold."""
        token = self._open("access", access_token)
        return self._sign(dict(list_people(self.kind)[token["person"]].claims)) if token else None

    def _sign(self, claims: dict[str, Any]) -> str:
        whole = {"iss": self.settings.issuer, "aud": self.settings.client_id, **claims}
        return jwt.encode({"alg": "ES256", "kid": self._key.kid}, whole, self._key, algorithms=["ES256"])

    def _seal(self, use: str, value: dict[str, Any]) -> str:
        until = (clock.now() + CODE_LASTS).timestamp()
        return crypto.base64url(crypto.seal(orjson.dumps({**value, "until": until}), f"simulated:{self.kind}:{use}"))

    def _open(self, use: str, text: str) -> dict[str, Any] | None:
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            value: dict[str, Any] = orjson.loads(crypto.unseal(raw, f"simulated:{self.kind}:{use}"))
        except ValueError:
            return None
        return value if value["until"] > clock.now().timestamp() else None


def find_provider(kind: str) -> SimulatedProvider | None:
    """The simulated provider of a kind, when the settings name one."""
    settings = config.current()
    named: IdentityProvider = getattr(settings, f"{kind}_idp")
    return SimulatedProvider(kind, named, settings.base_url) if named.simulated else None


@lru_cache(maxsize=8)
def _signing_key(secret: str, kind: str) -> ECKey:
    derived = HKDF(SHA256(), 48, salt=None, info=f"ens:simulated:{kind}".encode()).derive(secret.encode())
    scalar = int.from_bytes(derived, "big") % (_P256_ORDER - 1) + 1
    pem = ec.derive_private_key(scalar, ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return ECKey.import_key(pem, {"use": "sig", "alg": "ES256", "kid": f"simulated-{kind}"})
