"""The platform's signing keys: made when first needed, wrapped by the master key, rotated with an overlap.

One key a use and algorithm signs; retired keys stay published until what they signed is dead.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from joserfc import jws, jwt
from joserfc.jwk import ECKey, Key, RSAKey
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from platform_core import clock, crypto
from platform_core.database import Base, db, uuid_key

OVERLAP = timedelta(days=30)
_CONTEXT = "signing-key"


class SigningKey(Base):
    """A private key of the platform, sealed. `retired_at` is when it stopped signing."""

    __tablename__ = "core_signing_key"

    id: Mapped[UUID] = uuid_key()
    use: Mapped[str]
    algorithm: Mapped[str]
    kid: Mapped[str] = mapped_column(unique=True)
    sealed: Mapped[bytes] = mapped_column(info={"sealed": _CONTEXT})
    public_jwk: Mapped[str]
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]

    __table_args__ = (
        sa.Index(
            "uq_core_signing_key_live",
            "use",
            "algorithm",
            unique=True,
            postgresql_where=sa.text("retired_at IS NULL"),
        ),
    )


_cache: dict[tuple[str, str], tuple[str, Key]] = {}


def key(use: str, algorithm: str) -> Key:
    """The key that signs now for a use (`oauth`, `journal`, `receipt`) with ES256 or RS256; made when there is none."""
    live = sa.select(SigningKey.kid, SigningKey.sealed).where(
        SigningKey.use == use, SigningKey.algorithm == algorithm, SigningKey.retired_at.is_(None)
    )
    row = db.session.execute(live).one_or_none()
    if row is None:
        _make(use, algorithm)
        row = db.session.execute(live).one()
    cached = _cache.get((use, algorithm))
    if cached and cached[0] == row.kid:
        return cached[1]
    private = _import(algorithm, orjson.loads(crypto.unseal(row.sealed, _CONTEXT)))
    _cache[use, algorithm] = (row.kid, private)
    return private


def public_jwks(use: str, *, every: bool = False) -> dict[str, list[dict[str, Any]]]:
    """The JWK Set of a use (RFC 7517 §5): the keys that sign now and those retired within the overlap.

    With `every`, all keys that ever signed: what is kept for years stays verifiable.
    """
    query = sa.select(SigningKey.public_jwk).where(SigningKey.use == use)
    if not every:
        recent = SigningKey.retired_at > clock.now() - OVERLAP
        query = query.where(sa.or_(SigningKey.retired_at.is_(None), recent))
    return {"keys": [orjson.loads(text) for text in db.session.scalars(query.order_by(SigningKey.created_at))]}


def sign_jwt(use: str, algorithm: str, claims: dict[str, Any], *, typ: str = "JWT") -> str:
    """A compact JWT (RFC 7519) signed by the live key of the use."""
    private = key(use, algorithm)
    header = {"alg": algorithm, "kid": private.kid, "typ": typ}
    return jwt.encode(header, claims, private, algorithms=[algorithm])


def sign_bytes(use: str, algorithm: str, payload: bytes, *, typ: str = "JOSE") -> str:
    """A compact JWS (RFC 7515) over these bytes."""
    private = key(use, algorithm)
    header = {"alg": algorithm, "kid": private.kid, "typ": typ}
    return jws.serialize_compact(header, payload, private, algorithms=[algorithm])


def rotate(use: str, *, made_before: datetime | None = None) -> list[str]:
    """Retire the live keys of a use, all of them or those made before an instant, and make their successors.

    Returns the new key ids.
    """
    live = sa.select(SigningKey).where(SigningKey.use == use, SigningKey.retired_at.is_(None))
    if made_before:
        live = live.where(SigningKey.created_at < made_before)
    retired = db.session.scalars(live.with_for_update()).all()
    for row in retired:
        row.retired_at = clock.now()
    db.session.flush()
    return [_make(use, row.algorithm) for row in retired]


def _make(use: str, algorithm: str) -> str:
    if algorithm == "ES256":
        private: Key = ECKey.generate_key("P-256", {"use": "sig", "alg": algorithm}, auto_kid=True)
    else:
        private = RSAKey.generate_key(3072, {"use": "sig", "alg": algorithm}, auto_kid=True)
    statement = insert(SigningKey).values(
        use=use,
        algorithm=algorithm,
        kid=private.kid,
        sealed=crypto.seal(orjson.dumps(private.as_dict(private=True)), _CONTEXT),
        public_jwk=orjson.dumps(private.as_dict(private=False)).decode(),
        created_at=clock.now(),
    )
    db.session.execute(statement.on_conflict_do_nothing())
    return str(private.kid)


def _import(algorithm: str, jwk: dict[str, Any]) -> Key:
    return ECKey.import_key(jwk) if algorithm == "ES256" else RSAKey.import_key(jwk)
