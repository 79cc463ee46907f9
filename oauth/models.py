"""Tables of the authorization server. Codes, tokens, request URIs and replayed values are stored as hashes only."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from oauth.rules.clients import AuthMethod, ClientStatus, Environment, Profile
from oauth.rules.grants import GrantAction
from oauth.rules.tokens import TokenKind
from oauth.workflow import StructureState
from platform_core.database import Base, one_of, uuid_key

_ONE_BEARER = (
    "CASE WHEN professional_id IS NULL THEN patient_id IS NOT NULL AND person_id IS NOT NULL AND grant_id IS NOT NULL"
    " ELSE patient_id IS NULL AND person_id IS NULL AND grant_id IS NULL END"
)
_NO_PATIENT = "professional_id IS NULL OR (patient_id IS NULL AND person_id IS NULL AND grant_id IS NULL)"


class Structure(Base):
    """An establishment or a practice, by its FINESS number, whose software works for the professionals signed in."""

    __tablename__ = "oauth_structure"

    id: Mapped[UUID] = uuid_key()
    finess: Mapped[str]
    name: Mapped[str]
    state: Mapped[str]
    created_at: Mapped[datetime]
    state_changed_at: Mapped[datetime]

    __table_args__ = (
        one_of("state", "state", StructureState),
        sa.Index("uq_oauth_structure_finess", "finess", unique=True, postgresql_where=sa.text("state <> 'ended'")),
    )


class Client(Base):
    """A registered client. A production one belongs to an application of the store, or to a structure; a sandbox one
    may stand alone."""

    __tablename__ = "oauth_client"

    id: Mapped[UUID] = uuid_key()
    client_id: Mapped[str] = mapped_column(unique=True)
    application_id: Mapped[UUID | None]
    organisation_id: Mapped[UUID | None]
    structure_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey(Structure.id), index=True)
    environment: Mapped[str]
    profile: Mapped[str]
    is_public: Mapped[bool]
    auth_method: Mapped[str]
    jwks_uri: Mapped[str | None]
    tls_subject: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    name: Mapped[str]
    status: Mapped[str]
    redirect_uris: Mapped[list[str]] = mapped_column(JSONB)
    post_logout_redirect_uris: Mapped[list[str]] = mapped_column(JSONB, default=list)
    backchannel_logout_uri: Mapped[str | None]
    grant_types: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    scope: Mapped[str | None]
    may_introspect: Mapped[bool] = mapped_column(default=False)
    registration_hash: Mapped[bytes | None] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("environment", "environment", Environment),
        one_of("profile", "profile", Profile),
        one_of("status", "status", ClientStatus),
        one_of("auth_method", "auth_method", AuthMethod),
        sa.CheckConstraint("is_public = (auth_method = 'none')", name="public_auth_method"),
        sa.CheckConstraint("(auth_method = 'tls_client_auth') = (tls_subject IS NOT NULL)", name="tls_subject"),
        sa.CheckConstraint(
            "environment = 'sandbox' OR application_id IS NOT NULL OR structure_id IS NOT NULL",
            name="production_application",
        ),
        sa.CheckConstraint(
            "structure_id IS NULL OR (application_id IS NULL AND environment = 'production' AND profile = 'fapi2')",
            name="structure",
        ),
        sa.CheckConstraint("profile = 'smart' OR NOT is_public", name="fapi2_confidential"),
        sa.Index(None, "application_id"),
    )


class InitialToken(Base):
    """What opens dynamic registration (RFC 7591 §3): for one application and environment, a few times, a few days."""

    __tablename__ = "oauth_initial_token"

    id: Mapped[UUID] = uuid_key()
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    application_id: Mapped[UUID]
    environment: Mapped[str]
    uses_left: Mapped[int]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    __table_args__ = (
        one_of("environment", "environment", Environment),
        sa.CheckConstraint("uses_left >= 0", name="uses_left"),
        sa.Index(None, "application_id"),
        sa.Index(None, "expires_at"),
    )


class ClientKey(Base):
    """A public key that authenticates a client. Rotating gives the old key an end instead of deleting it."""

    __tablename__ = "oauth_client_key"

    client_pk: Mapped[UUID] = mapped_column(sa.ForeignKey("oauth_client.id"), primary_key=True)
    thumbprint: Mapped[str] = mapped_column(primary_key=True)
    jwk: Mapped[dict[str, Any]] = mapped_column(JSONB)
    added_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class ClientKeySet(Base):
    """The keys that a client publishes at its `jwks_uri`, as last fetched; `fault` says why they could not be."""

    __tablename__ = "oauth_client_keyset"

    client_pk: Mapped[UUID] = mapped_column(sa.ForeignKey("oauth_client.id"), primary_key=True)
    keys: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    fetched_at: Mapped[datetime]
    fresh_until: Mapped[datetime]
    fault: Mapped[str | None]


class AuthorizationRequest(Base):
    """A validated request: pushed, or stored when it came through the browser; then opened, then finished.

    `asked` holds items, purpose and end as `rules.details.Asked` writes them, nothing for the software of a structure,
    whose request only `browser_hash`, the browser that opened it, may answer. `expires_at` moves when it is opened.
    """

    __tablename__ = "oauth_authorization_request"

    id: Mapped[UUID] = uuid_key()
    client_pk: Mapped[UUID] = mapped_column(sa.ForeignKey("oauth_client.id"))
    request_uri_hash: Mapped[bytes] = mapped_column(unique=True)
    redirect_uri: Mapped[str]
    state: Mapped[str | None]
    nonce: Mapped[str | None]
    scope: Mapped[str]
    code_challenge: Mapped[str]
    jkt: Mapped[str | None]
    response_mode: Mapped[str]
    grant_action: Mapped[str | None]
    grant_id: Mapped[UUID | None]
    demand: Mapped[dict[str, Any]] = mapped_column(JSONB)
    asked: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    browser_hash: Mapped[bytes | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    consent_request_id: Mapped[UUID | None]

    __table_args__ = (one_of("grant_action", "grant_action", GrantAction), sa.Index(None, "expires_at"))


class Device(Base):
    """A device that waits for somebody to type its code elsewhere (RFC 8628).

    `user_code_hash` is keyed: the code is short. `origin_hash` says from which address it asked; `seconds_between` how
    often it may poll; `person_id` who typed the code.
    """

    __tablename__ = "oauth_device"

    id: Mapped[UUID] = uuid_key()
    client_pk: Mapped[UUID] = mapped_column(sa.ForeignKey("oauth_client.id"))
    device_code_hash: Mapped[bytes] = mapped_column(unique=True)
    user_code_hash: Mapped[bytes] = mapped_column(unique=True)
    scope: Mapped[str]
    jkt: Mapped[str | None]
    asked: Mapped[dict[str, Any]] = mapped_column(JSONB)
    origin_hash: Mapped[bytes]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    seconds_between: Mapped[int]
    polled_at: Mapped[datetime | None]
    person_id: Mapped[UUID | None]
    consent_request_id: Mapped[UUID | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (sa.Index(None, "expires_at"),)


class DeviceGuess(Base):
    """A wrong code that somebody typed."""

    __tablename__ = "oauth_device_guess"

    id: Mapped[UUID] = uuid_key()
    person_id: Mapped[UUID]
    guessed_at: Mapped[datetime]

    __table_args__ = (sa.Index(None, "guessed_at"),)


class Code(Base):
    """An authorization code: 60 seconds, one use. `id` is also the family of the tokens it gives. It stands for a
    patient's grant, or for a professional."""

    __tablename__ = "oauth_code"

    id: Mapped[UUID] = uuid_key()
    code_hash: Mapped[bytes] = mapped_column(unique=True)
    client_pk: Mapped[UUID] = mapped_column(sa.ForeignKey("oauth_client.id"))
    redirect_uri: Mapped[str]
    code_challenge: Mapped[str]
    jkt: Mapped[str | None]
    scope: Mapped[str]
    nonce: Mapped[str | None]
    patient_id: Mapped[UUID | None]
    person_id: Mapped[UUID | None]
    grant_id: Mapped[UUID | None]
    professional_id: Mapped[UUID | None]
    assurance: Mapped[str]
    amr: Mapped[str] = mapped_column(default="", server_default="")
    signed_in_at: Mapped[datetime]
    session_id: Mapped[UUID | None]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    __table_args__ = (sa.CheckConstraint(_ONE_BEARER, name="bearer"), sa.Index(None, "expires_at"))


class Login(Base):
    """A sign-in of a person as one client knows it, by its `sid`, since an id_token told of it."""

    __tablename__ = "oauth_login"

    id: Mapped[UUID] = uuid_key()
    session_id: Mapped[UUID]
    client_pk: Mapped[UUID] = mapped_column(sa.ForeignKey("oauth_client.id"))
    person_id: Mapped[UUID]
    sid: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (sa.UniqueConstraint("session_id", "client_pk", "person_id"), sa.Index(None, "started_at"))


class Token(Base):
    """An access or refresh token. Dead rows stay a while as tombstones, so that a refused call has an author.

    `family_id` joins what came from one code; `rotated_at` marks a refresh token that was exchanged for another. Those
    of a professional end with their sign-in, `session_id`.
    """

    __tablename__ = "oauth_token"

    id: Mapped[UUID] = uuid_key()
    kind: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    client_pk: Mapped[UUID] = mapped_column(sa.ForeignKey("oauth_client.id"))
    patient_id: Mapped[UUID | None] = mapped_column(index=True)
    person_id: Mapped[UUID | None]
    grant_id: Mapped[UUID | None]
    professional_id: Mapped[UUID | None]
    session_id: Mapped[UUID | None]
    scope: Mapped[str]
    jkt: Mapped[str | None]
    family_id: Mapped[UUID]
    assurance: Mapped[str]
    signed_in_at: Mapped[datetime | None]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    rotated_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("kind", "kind", TokenKind),
        sa.CheckConstraint(_NO_PATIENT, name="bearer"),
        sa.Index(None, "professional_id", postgresql_where=sa.text("professional_id IS NOT NULL")),
        sa.Index(None, "session_id", postgresql_where=sa.text("session_id IS NOT NULL")),
        sa.Index(None, "family_id"),
        sa.Index(None, "grant_id"),
        sa.Index(None, "expires_at"),
    )


class Replay(Base):
    """A value that may be seen once: the `jti` of a client assertion or of a DPoP proof.

    `slot` is the hour, modulo the number of partitions: `oauth.rules.replays` says which.
    """

    __tablename__ = "oauth_replay"
    __table_args__ = {"postgresql_partition_by": "LIST (slot)"}

    slot: Mapped[int] = mapped_column(sa.SmallInteger, primary_key=True, autoincrement=False)
    value_hash: Mapped[bytes] = mapped_column(primary_key=True)
