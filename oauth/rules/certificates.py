"""Certificates of clients (RFC 8705): how a proxy hands one over, and whether it is a client's."""

import base64
import binascii
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from platform_core.crypto import base64url

_LONGEST = 16 * 1024


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate of a connection; `thumbprint` is its `x5t#S256` (RFC 8705 §3.1)."""

    thumbprint: str
    parsed: x509.Certificate = field(repr=False, compare=False)


@lru_cache(maxsize=1024)
def read_certificate(header: str) -> Certificate | None:
    """The certificate in the header of a proxy: DER between colons (RFC 9440 §2.1), or PEM in percent encoding.

    None when there is none or it cannot be read: the client then has shown nothing.
    """
    if not header or len(header) > _LONGEST:
        return None
    try:
        if header.startswith(":"):
            parsed = x509.load_der_x509_certificate(base64.b64decode(header.strip(":"), validate=True))
        else:
            parsed = x509.load_pem_x509_certificate(unquote(header).encode())
    except (ValueError, binascii.Error):
        return None
    return Certificate(base64url(sha256(parsed.public_bytes(Encoding.DER)).digest()), parsed)


def is_registered(certificate: Certificate, keys: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a self-signed certificate is one of a client's, given as `x5c` in its keys (RFC 8705 §2.2.2)."""
    return any(_thumbprint_of(key.get("x5c")) == certificate.thumbprint for key in keys)


def _thumbprint_of(chain: object) -> str:
    try:
        return base64url(sha256(base64.b64decode(chain[0], validate=True)).digest())  # type: ignore[index]
    except (TypeError, ValueError, LookupError):
        return ""


def is_issued_by(certificate: Certificate, authorities: bytes, now: datetime) -> bool:
    """Whether one of these PEM authorities signed a certificate meant for clients, in force at that moment."""
    policy = PolicyBuilder().store(Store(x509.load_pem_x509_certificates(authorities))).time(now)
    try:
        policy.build_client_verifier().verify(certificate.parsed, [])
    except VerificationError:
        return False
    return True


def names(certificate: Certificate, subject: Mapping[str, str]) -> bool:
    """Whether a certificate is in the name that a client registered (RFC 8705 §2.1.2)."""
    ((name, value),) = subject.items()
    return SUBJECTS[name](certificate.parsed, value)


def _has_subject(parsed: x509.Certificate, value: str) -> bool:
    try:
        return parsed.subject == x509.Name.from_rfc4514_string(value)
    except ValueError:
        return False


def _alternatives(parsed: x509.Certificate, kind: Any) -> list[Any]:
    try:
        found = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return found.value.get_values_for_type(kind)


def _has_address(parsed: x509.Certificate, value: str) -> bool:
    try:
        return ipaddress.ip_address(value) in _alternatives(parsed, x509.IPAddress)
    except ValueError:
        return False


SUBJECTS: Mapping[str, Callable[[x509.Certificate, str], bool]] = {
    "tls_client_auth_subject_dn": _has_subject,
    "tls_client_auth_san_dns": lambda parsed, value: value in _alternatives(parsed, x509.DNSName),
    "tls_client_auth_san_uri": lambda parsed, value: value in _alternatives(parsed, x509.UniformResourceIdentifier),
    "tls_client_auth_san_ip": _has_address,
    "tls_client_auth_san_email": lambda parsed, value: value in _alternatives(parsed, x509.RFC822Name),
}
"""The metadata names of RFC 8705 §2.1.2, one of which says whose certificates a client shows."""
