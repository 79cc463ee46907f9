"""Certificates of clients behind a trusted proxy (RFC 8705): who they authenticate, and tokens bound to them."""

import base64
import ipaddress
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from flask import Flask
from joserfc.jwk import ECKey
from werkzeug.test import TestResponse

from oauth import queries, service
from oauth.rules.clients import Profile
from platform_core import clock, config
from platform_core.config import MutualTls
from platform_core.database import transaction
from platform_core.errors import ConfigurationError, Conflict, Invalid
from tests.oauth.partner import CALLBACK, TESTER, Credentials, Partner
from tests.platform_core.test_config import PRODUCTION

HEADER = "X-Client-Cert"
OWN = {"grant_type": "client_credentials"}
NAMES = x509.SubjectAlternativeName(
    [
        x509.DNSName("balance.exemple.fr"),
        x509.UniformResourceIdentifier("https://balance.exemple.fr/"),
        x509.IPAddress(ipaddress.ip_address("192.0.2.7")),
        x509.RFC822Name("pki@balance.exemple.fr"),
    ]
)
SUBJECT = x509.Name.from_rfc4514_string("CN=Balance,O=Exemple,C=FR")
AUTHORITY_NAME = x509.Name.from_rfc4514_string("CN=Autorité d’essai,C=FR")


class Authority:
    """A certification authority of the test, or the key of a self-signed certificate."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = (
            self._builder(AUTHORITY_NAME, self.key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(sign=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, SHA256())
        )

    def issue(self, key: ec.EllipticCurvePrivateKey, *, subject: x509.Name = SUBJECT) -> x509.Certificate:
        return (
            self._builder(subject, key.public_key())
            .add_extension(NAMES, critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(sign=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, SHA256())
        )

    def _builder(self, subject: x509.Name, key: Any) -> x509.CertificateBuilder:
        now = clock.now()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(AUTHORITY_NAME)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
        )


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign,
        crl_sign=sign,
        encipher_only=False,
        decipher_only=False,
    )


def in_pem(certificate: x509.Certificate) -> str:
    return quote(certificate.public_bytes(Encoding.PEM).decode())


def in_der(certificate: x509.Certificate) -> str:
    return f":{base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()}:"


@pytest.fixture
def authority(app: Flask, tmp_path: Path) -> Iterator[Authority]:
    """Mutual TLS switched on, with this authority, behind a proxy of this machine."""
    made = Authority()
    bundle = tmp_path / "authorities.pem"
    bundle.write_bytes(made.certificate.public_bytes(Encoding.PEM))
    before = config.current()
    settings = MutualTls(HEADER, (ipaddress.ip_network("127.0.0.0/8"),), bundle)
    config.configure(replace(before, mtls=settings))
    yield made
    config.configure(before)


class Certified(Partner):
    """A client that shows a certificate instead of signing assertions."""

    certificate: x509.Certificate

    def send(self, method: str, path: str, header: str | None = None, **options: Any) -> TestResponse:
        shown = in_pem(self.certificate) if header is None else header
        headers = [*options.pop("headers", []), (HEADER, shown)]
        return self.http.open(path, method=method, headers=headers, **options)

    def post(self, path: str, form: dict[str, Any], *, proofs: list[str] | None = None) -> TestResponse:
        data = {"client_id": self.client.client_id, **{k: v for k, v in form.items() if v is not None}}
        return self.send("POST", path, data=data, headers=[("DPoP", proof) for proof in proofs or []])

    def call(self, method: str, path: str, token: str, **options: Any) -> TestResponse:
        return self.send(method, path, headers=[("Authorization", f"Bearer {token}")], **options)


def certified(app: Flask, authority: Authority, subject: dict[str, str] | None) -> Certified:
    """A sandbox client that authenticates by a certificate of the authority (or given in its keys)."""
    key = ECKey.generate_key("P-256")
    certificate = authority.issue(load_pem_private_key(key.as_pem(private=True), None))  # type: ignore[arg-type]
    chain = [base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()]
    with transaction():
        client = service.issue_sandbox_client(
            name="Balance+",
            profile=Profile.FAPI2,
            redirect_uris=[CALLBACK],
            jwk={**key.as_dict(private=False), **({} if subject else {"x5c": chain})},
            by=TESTER,
        )
        service.require_certificate(client_pk=client.pk, subject=subject, by=TESTER)
    with transaction():
        partner = Certified(app, Credentials(queries.get_client(client.pk), key))
    partner.certificate = certificate
    return partner


SUBJECTS = [
    {"tls_client_auth_subject_dn": "CN=Balance,O=Exemple,C=FR"},
    {"tls_client_auth_san_dns": "balance.exemple.fr"},
    {"tls_client_auth_san_uri": "https://balance.exemple.fr/"},
    {"tls_client_auth_san_ip": "192.0.2.7"},
    {"tls_client_auth_san_email": "pki@balance.exemple.fr"},
]
OTHERS = [
    {"tls_client_auth_subject_dn": "CN=Balance,O=Autre,C=FR"},
    {"tls_client_auth_subject_dn": "illisible"},
    {"tls_client_auth_san_dns": "exemple.fr"},
    {"tls_client_auth_san_uri": "https://balance.exemple.fr"},
    {"tls_client_auth_san_ip": "illisible"},
    {"tls_client_auth_san_email": "autre@balance.exemple.fr"},
]


@pytest.mark.requirement("A7.5")
@pytest.mark.parametrize("subject", [*SUBJECTS, None], ids=str)
def test_a_certificate_authenticates_its_client_and_binds_its_tokens(
    app: Flask, authority: Authority, subject: dict[str, str] | None
) -> None:
    partner = certified(app, authority, subject)
    answer = partner.post("/oauth/token", OWN)
    assert (answer.status_code, answer.json["token_type"]) == (200, "Bearer")
    token = answer.json["access_token"]
    assert partner.call("GET", "/api/v1/sandbox/patients", token).status_code == 200
    found = partner.post("/oauth/introspect", {"token": token}).json
    assert len(found["cnf"]["x5t#S256"]) == 43
    der = partner.send(
        "POST", "/oauth/token", in_der(partner.certificate), data={**OWN, "client_id": partner.client.client_id}
    )
    assert der.status_code == 200


@pytest.mark.requirement("A7.5")
@pytest.mark.parametrize("subject", OTHERS, ids=str)
def test_a_certificate_in_another_name_does_not(app: Flask, authority: Authority, subject: dict[str, str]) -> None:
    assert certified(app, authority, subject).post("/oauth/token", OWN).json["error"] == "invalid_client"


@pytest.mark.requirement("A7.5")
@pytest.mark.parametrize("subject", [SUBJECTS[0], None], ids=["tls_client_auth", "self_signed_tls_client_auth"])
def test_another_certificate_a_broken_one_or_none_does_not(
    app: Flask, authority: Authority, subject: dict[str, str] | None
) -> None:
    partner = certified(app, authority, subject)
    forged = Authority().issue(ec.generate_private_key(ec.SECP256R1()))
    form = {**OWN, "client_id": partner.client.client_id}
    for header in (in_pem(forged), in_der(forged), "", ":AAAA:", ":%:", "non", "x" * 20_000):
        answer = partner.send("POST", "/oauth/token", header, data=form)
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client"), header[:10]
    signed = {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}
    assertion = partner.http.post("/oauth/token", data={**form, **signed, "client_assertion": partner.assertion()})
    assert assertion.json["error"] == "invalid_client"


@pytest.mark.requirement("A7.5")
def test_a_certificate_past_its_end_authenticates_nobody(app: Flask, authority: Authority) -> None:
    partner = certified(app, authority, SUBJECTS[0])
    with clock.frozen_at(clock.now() + timedelta(days=31)):
        assert partner.post("/oauth/token", OWN).json["error"] == "invalid_client"


@pytest.mark.requirement("A7.5")
@pytest.mark.parametrize("path", ["/api/v1/consent", "/oauth/userinfo", "/fhir/Observation"])
def test_a_stolen_token_is_worth_nothing_without_the_certificate(
    app: Flask, authority: Authority, patient: UUID, path: str
) -> None:
    partner = certified(app, authority, None)
    pushed = partner.post("/oauth/par", partner.request())
    decided = partner.call(
        "POST",
        "/api/v1/sandbox/decisions",
        partner.app_token(),
        json={"request_uri": pushed.json["request_uri"], "patient": str(patient), "decision": "grant"},
    )
    code = decided.json["redirect_to"].partition("code=")[2].partition("&")[0]
    tokens = partner.exchange(code).json
    assert partner.call("GET", path, tokens["access_token"]).status_code in {200, 403}
    stolen = authority.issue(ec.generate_private_key(ec.SECP256R1()))
    for header in (in_pem(stolen), ""):
        assert partner.call("GET", path, tokens["access_token"], header=header).status_code == 401
    other = certified(app, authority, None)
    assert other.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert partner.refresh(tokens["refresh_token"]).json["token_type"] == "Bearer"


@pytest.mark.requirement("A7.5")
def test_a_client_with_a_certificate_may_still_bind_its_tokens_to_a_key(app: Flask, authority: Authority) -> None:
    partner = certified(app, authority, SUBJECTS[0])
    answer = partner.post("/oauth/token", OWN, proofs=[partner.proof("POST", "/oauth/token")])
    assert answer.json["token_type"] == "DPoP"
    assert partner.call("GET", "/api/v1/sandbox/patients", answer.json["access_token"]).status_code == 401


@pytest.mark.requirement("A7.5")
def test_the_header_is_believed_from_the_proxy_alone_and_off_by_default(app: Flask, authority: Authority) -> None:
    partner = certified(app, authority, SUBJECTS[0])
    form = {**OWN, "client_id": partner.client.client_id}
    stranger = {"REMOTE_ADDR": "198.51.100.4"}
    for environ in (stranger, {"REMOTE_ADDR": ""}, {"werkzeug.proxy_fix.orig": stranger}):
        answer = partner.send("POST", "/oauth/token", data=form, environ_overrides=environ)
        assert answer.json["error"] == "invalid_client", environ
    behind = {"REMOTE_ADDR": "198.51.100.4", "werkzeug.proxy_fix.orig": {"REMOTE_ADDR": "127.0.0.1"}}
    assert partner.send("POST", "/oauth/token", data=form, environ_overrides=behind).status_code == 200
    config.configure(replace(config.current(), mtls=None))
    assert partner.post("/oauth/token", OWN).json["error"] == "invalid_client"


@pytest.mark.requirement("A9")
def test_the_metadata_tell_what_the_settings_allow(app: Flask, authority: Authority) -> None:
    http = app.test_client()
    path, methods = "/.well-known/oauth-authorization-server", "token_endpoint_auth_methods_supported"
    told = http.get(path).json
    assert {"tls_client_auth", "self_signed_tls_client_auth"} < set(told[methods])
    assert told["tls_client_certificate_bound_access_tokens"] is True
    settings = config.current()
    config.configure(replace(settings, mtls=replace(settings.mtls, authorities=None)))  # type: ignore[type-var]
    assert "tls_client_auth" not in http.get("/.well-known/openid-configuration").json[methods]
    config.configure(replace(settings, mtls=None))
    assert http.get(path).json[methods] == ["private_key_jwt", "none"]


def test_only_what_the_settings_allow_is_registered(partner: Partner, public: Partner, authority: Authority) -> None:
    with pytest.raises(Conflict), transaction():
        service.require_certificate(client_pk=public.client.pk, subject=None, by=TESTER)
    for subject in ({"tls_client_auth_cn": "x"}, {**SUBJECTS[0], **SUBJECTS[1]}):
        with pytest.raises(Invalid), transaction():
            service.require_certificate(client_pk=partner.client.pk, subject=subject, by=TESTER)
    settings = config.current()
    for mtls, subject in ((None, None), (replace(settings.mtls, authorities=None), SUBJECTS[0])):  # type: ignore[type-var]
        config.configure(replace(settings, mtls=mtls))
        with pytest.raises(Invalid), transaction():
            service.require_certificate(client_pk=partner.client.pk, subject=subject, by=TESTER)


@pytest.mark.parametrize(
    "wrong",
    [
        {"ENS_MTLS_HEADER": HEADER},
        {"ENS_MTLS_HEADER": HEADER, "ENS_MTLS_PROXIES": "mon proxy"},
        {"ENS_MTLS_HEADER": HEADER, "ENS_MTLS_PROXIES": "10.0.0.1", "ENS_MTLS_CA": "/nulle/part.pem"},
        {"ENS_DPOP_NONCE": "parfois"},
    ],
    ids=str,
)
def test_settings_that_would_believe_anyone_are_refused(tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        config.from_environ({**PRODUCTION, "ENS_DATA_DIR": str(tmp_path), **wrong})


def test_settings_that_name_their_proxies_are_read(tmp_path: Path) -> None:
    given = {"ENS_MTLS_HEADER": HEADER, "ENS_MTLS_PROXIES": "10.0.0.1, 2001:db8::/32"}
    read = config.from_environ({**PRODUCTION, "ENS_DATA_DIR": str(tmp_path), **given}).mtls
    assert read is not None
    assert [str(network) for network in read.proxies] == ["10.0.0.1/32", "2001:db8::/32"]
