"""Clients and their keys: what a publisher registers. The platform never keeps a private key."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from joserfc.jwk import ECKey

from oauth import models, queries
from oauth.rules.certificates import SUBJECTS
from oauth.rules.clients import AuthMethod, Client, ClientStatus, Environment, Profile, check_redirect_uri
from oauth.rules.keys import client_jwk, import_public_key
from oauth.rules.keysets import check_jwks_uri
from platform_core import audit, clock, config
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import Conflict, Fault, Invalid, NotFound
from platform_core.ids import opaque
from store.queries.applications import get_application

KEY_OVERLAP = timedelta(days=7)
LONGEST_OVERLAP = timedelta(days=30)
MOST_REDIRECTS = 20
MOST_KEYS = 5


def generate_key(profile: Profile) -> dict[str, Any]:
    """A new private key for a client, as a JWK: shown once to its owner, never stored."""
    algorithm = "ES256" if profile is Profile.FAPI2 else "ES384"
    curve = "P-256" if profile is Profile.FAPI2 else "P-384"
    key = ECKey.generate_key(curve, {"use": "sig", "alg": algorithm}, auto_kid=True)
    return dict(key.as_dict(private=True))


def public_half(private_jwk: Mapping[str, Any]) -> dict[str, Any]:
    """The public members of an EC key."""
    return {name: value for name, value in private_jwk.items() if name != "d"}


def issue_sandbox_client(
    *,
    name: str,
    profile: Profile,
    redirect_uris: Sequence[str],
    jwk: Mapping[str, Any] | None,
    by: Actor,
    jwks_uri: str | None = None,
    application_id: UUID | None = None,
    organisation_id: UUID | None = None,
) -> Client:
    """Register a client that sees synthetic patients only. Without a key it is a public `smart` client.

    `jwks_uri` is where it publishes its keys, instead of `jwk`. Raises `Invalid` (`invalid_redirect_uri`,
    `invalid_client_metadata`).
    """
    return _register(
        environment=Environment.SANDBOX,
        name=name,
        profile=profile,
        redirect_uris=redirect_uris,
        jwk=jwk,
        jwks_uri=jwks_uri,
        by=by,
        application_id=application_id,
        organisation_id=organisation_id,
    )


def issue_client(
    *,
    application_id: UUID,
    redirect_uris: Sequence[str],
    jwk: Mapping[str, Any] | None,
    by: Actor,
    jwks_uri: str | None = None,
) -> Client:
    """Register a production client of a listed application, under the profile of its listing.

    `jwks_uri` is where it publishes its keys, instead of `jwk`. Raises `Conflict` (`application-not-listed`),
    `Invalid`.
    """
    application = get_application(application_id)
    if application.listing is None or not application.listing.is_live:
        raise Conflict("Only a listed application may have production credentials.", code="application-not-listed")
    return _register(
        environment=Environment.PRODUCTION,
        name=application.name,
        profile=Profile(application.listing.profile),
        redirect_uris=redirect_uris,
        jwk=jwk,
        jwks_uri=jwks_uri,
        by=by,
        application_id=application.id,
        organisation_id=application.organisation_id,
    )


def _register(
    *,
    environment: Environment,
    name: str,
    profile: Profile,
    redirect_uris: Sequence[str],
    jwk: Mapping[str, Any] | None,
    jwks_uri: str | None,
    by: Actor,
    application_id: UUID | None,
    organisation_id: UUID | None,
) -> Client:
    is_public = jwk is None and jwks_uri is None
    if is_public and profile is Profile.FAPI2:
        raise Invalid("A client of the profile fapi2 needs a key.", code="invalid_client_metadata")
    check_redirects(redirect_uris, is_public=is_public, environment=environment)
    if jwks_uri is not None:
        check_jwks_uri(jwks_uri, has_key=jwk is not None, allow_loopback=_allows_loopback(environment))
    row = models.Client(
        client_id=opaque(128),
        application_id=application_id,
        organisation_id=organisation_id,
        environment=environment,
        profile=profile,
        is_public=is_public,
        auth_method=AuthMethod.NONE if is_public else AuthMethod.PRIVATE_KEY_JWT,
        jwks_uri=jwks_uri,
        name=name,
        status=ClientStatus.ACTIVE,
        redirect_uris=list(dict.fromkeys(redirect_uris)),
        created_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()
    if jwk is not None:
        _add_key(row.id, client_jwk(jwk, profile))
    audit.record("oauth:client:issued", by=by, object_type="client", object_id=row.id, environment=environment)
    return queries.get_client(row.id)


def check_redirects(uris: Sequence[str], *, is_public: bool, environment: Environment) -> None:
    if not uris or len(uris) > MOST_REDIRECTS:
        message = f"give between 1 and {MOST_REDIRECTS} addresses"
        raise Invalid(
            f"Redirect URIs: {message}.", code="invalid_redirect_uri", faults=[Fault("redirect_uris", message)]
        )
    for uri in uris:
        check_redirect_uri(uri, is_public=is_public, allow_loopback=_allows_loopback(environment))


def _allows_loopback(environment: Environment) -> bool:
    return environment is Environment.SANDBOX or not config.current().is_production


def replace_redirect_uris(*, client_pk: UUID, redirect_uris: Sequence[str], by: Actor) -> None:
    """Register other addresses of return; requests pushed before keep theirs. Raises `Invalid`, `NotFound`."""
    row = _held(client_pk)
    check_redirects(redirect_uris, is_public=row.is_public, environment=Environment(row.environment))
    row.redirect_uris = list(dict.fromkeys(redirect_uris))
    db.session.flush()
    audit.record("oauth:client:redirected", by=by, object_type="client", object_id=row.id)


def add_redirect_uri(*, client_pk: UUID, redirect_uri: str, by: Actor) -> None:
    """Register one more address of return; one that is known already changes nothing. Raises as `issue_client`."""
    row = _held(client_pk)
    replace_redirect_uris(client_pk=client_pk, redirect_uris=[*row.redirect_uris, redirect_uri], by=by)


def remove_redirect_uri(*, client_pk: UUID, redirect_uri: str, by: Actor) -> None:
    """Forget an address of return, never the last one. Raises `Invalid` (`invalid_redirect_uri`), `NotFound`."""
    row = _held(client_pk)
    if redirect_uri not in row.redirect_uris:
        raise NotFound("This address is not registered.")
    left = [uri for uri in row.redirect_uris if uri != redirect_uri]
    replace_redirect_uris(client_pk=client_pk, redirect_uris=left, by=by)


def rotate_key(*, client_pk: UUID, jwk: Mapping[str, Any], by: Actor, overlap: timedelta = KEY_OVERLAP) -> None:
    """Add a key; those before it still authenticate during `overlap`, so that a deployment can follow.

    Raises `Invalid` (`invalid_client_metadata`), `Conflict` (`key-known`, `keys-published`, `too-many-keys`),
    `NotFound`.
    """
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        message = f"keys overlap for {LONGEST_OVERLAP.days} days at most"
        raise Invalid(f"The {message}.", code="invalid_client_metadata", faults=[Fault("overlap", message)])
    row = _held(client_pk)
    if row.is_public:
        raise Conflict("A public client has no key.", code="public-client")
    if row.jwks_uri:
        raise Conflict("This client publishes its keys: change them at its jwks_uri.", code="keys-published")
    public = client_jwk(jwk, Profile(row.profile))
    if len(queries.list_keys(row.id)) >= MOST_KEYS:
        raise Conflict("Too many keys overlap: wait until the oldest ones have ended.", code="too-many-keys")
    now = clock.now()
    db.session.execute(
        sa.update(models.ClientKey)
        .where(
            models.ClientKey.client_pk == row.id,
            sa.or_(models.ClientKey.expires_at.is_(None), models.ClientKey.expires_at > now + overlap),
        )
        .values(expires_at=now + overlap)
    )
    _add_key(row.id, public)
    audit.record("oauth:client:key-rotated", by=by, object_type="client", object_id=row.id, kid=public["kid"])


def end_key(*, client_pk: UUID, thumbprint: str, by: Actor) -> None:
    """End a key at once, as when it has leaked. Raises `Conflict` (`last-key`), `NotFound`."""
    row = _held(client_pk)
    living = {key.thumbprint for key in queries.list_keys(row.id)}
    if thumbprint not in living:
        raise NotFound("This key is not in use.")
    if living == {thumbprint}:
        raise Conflict("The last key stays: add another one first, or close the client.", code="last-key")
    ended = sa.update(models.ClientKey).where(
        models.ClientKey.client_pk == row.id, models.ClientKey.thumbprint == thumbprint
    )
    db.session.execute(ended.values(expires_at=clock.now()))
    audit.record("oauth:client:key-ended", by=by, object_type="client", object_id=row.id, key=thumbprint)


def publish_keys_at(*, client_pk: UUID, jwks_uri: str, by: Actor) -> None:
    """Have the keys of a client be those that it publishes at an address, fetched when they are needed.

    Keys registered by value count no more. Raises `Invalid` (`invalid_client_metadata`), `Conflict`
    (`public-client`), `NotFound`.
    """
    row = _held(client_pk)
    if row.is_public:
        raise Conflict("A public client has no key.", code="public-client")
    allow_loopback = _allows_loopback(Environment(row.environment))
    check_jwks_uri(jwks_uri, has_key=False, allow_loopback=allow_loopback)
    _read_keys_at(row, jwks_uri)
    audit.record("oauth:client:keys-published", by=by, object_type="client", object_id=row.id)


def replace_keys(*, client_pk: UUID, jwks: Sequence[Mapping[str, Any]], jwks_uri: str | None) -> None:
    """Have the keys of a client be these and no others, by value or at an address. Its caller audits the act.

    Raises `Invalid` (`invalid_client_metadata`), `Conflict` (`key-known`: it was ended before), `NotFound`.
    """
    row = _held(client_pk)
    if jwks_uri:
        check_jwks_uri(jwks_uri, has_key=bool(jwks), allow_loopback=_allows_loopback(Environment(row.environment)))
    wanted = {import_public_key(key).thumbprint(): key for key in (client_jwk(k, Profile(row.profile)) for k in jwks)}
    living = {key.thumbprint for key in queries.list_keys(row.id)}
    ended = sa.update(models.ClientKey).where(
        models.ClientKey.client_pk == row.id, models.ClientKey.thumbprint.in_(living - wanted.keys())
    )
    db.session.execute(ended.values(expires_at=clock.now()))
    for thumbprint, key in wanted.items():
        if thumbprint not in living:
            _add_key(row.id, key)
    _read_keys_at(row, jwks_uri)


def _read_keys_at(row: models.Client, jwks_uri: str | None) -> None:
    """The copy of the keys of another address counts no more."""
    if row.jwks_uri != jwks_uri:
        stale = sa.update(models.ClientKeySet).where(models.ClientKeySet.client_pk == row.id)
        db.session.execute(stale.values(keys=[], fresh_until=clock.now(), fault=None))
    row.jwks_uri = jwks_uri
    db.session.flush()


def _add_key(client_pk: UUID, jwk: dict[str, Any]) -> None:
    thumbprint = import_public_key(jwk).thumbprint()
    if db.session.get(models.ClientKey, (client_pk, thumbprint)):
        raise Conflict("This key is registered already.", code="key-known")
    db.session.add(models.ClientKey(client_pk=client_pk, thumbprint=thumbprint, jwk=jwk, added_at=clock.now()))
    db.session.flush()


def require_certificate(*, client_pk: UUID, subject: Mapping[str, str] | None, by: Actor) -> None:
    """Have a confidential client authenticate by certificate from now on (RFC 8705 §2), where the settings allow it.

    `subject` is one metadata name of §2.1.2 and its value; None when the certificate is a self-signed one, given as
    `x5c` in its registered or published keys. Raises `Invalid` (`invalid_client_metadata`), `Conflict`, `NotFound`.
    """
    row = _held(client_pk)
    if row.is_public:
        raise Conflict("A public client authenticates by nothing.", code="public-client")
    settings = config.current().mtls
    if settings is None or (subject and settings.authorities is None):
        raise _no_certificate("certificates are not read here: see ENS_MTLS_HEADER and ENS_MTLS_CA")
    if subject is not None and (len(subject) != 1 or not subject.keys() <= SUBJECTS.keys()):
        raise _no_certificate(f"give one of {', '.join(SUBJECTS)}")
    row.auth_method = AuthMethod.TLS if subject else AuthMethod.SELF_SIGNED_TLS
    row.tls_subject = dict(subject) if subject else None
    audit.record("oauth:client:certified", by=by, object_type="client", object_id=row.id, method=row.auth_method)


def _no_certificate(message: str) -> Invalid:
    return Invalid(
        f"The client cannot authenticate by certificate: {message}.",
        code="invalid_client_metadata",
        faults=[Fault("token_endpoint_auth_method", message)],
    )


def set_introspection(*, client_pk: UUID, allowed: bool, by: Actor) -> None:
    """Give a resource server the right to introspect the tokens of others (RFC 7662 §4), or take it back.

    Raises `Conflict` (`public-client`), `NotFound`.
    """
    row = _held(client_pk)
    if row.is_public:
        raise Conflict("A public client authenticates by nothing.", code="public-client")
    row.may_introspect = allowed
    audit.record("oauth:client:introspection", by=by, object_type="client", object_id=row.id, allowed=allowed)


def disable_client(*, client_pk: UUID, by: Actor) -> None:
    """Close a client for good: it authenticates no more and its tokens are revoked."""
    row = _held(client_pk)
    row.status = ClientStatus.DISABLED
    tokens = sa.update(models.Token).where(models.Token.client_pk == row.id, models.Token.revoked_at.is_(None))
    db.session.execute(tokens.values(revoked_at=clock.now()))
    audit.record("oauth:client:disabled", by=by, object_type="client", object_id=row.id)


def _held(client_pk: UUID) -> models.Client:
    query = sa.select(models.Client).where(models.Client.id == client_pk, models.Client.status == ClientStatus.ACTIVE)
    row = db.session.scalar(query.with_for_update())
    if row is None:
        raise NotFound("This client does not exist.")
    return row
