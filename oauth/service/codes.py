"""Authorization codes: 60 seconds, one use, by one statement; presented twice, they take back what they gave."""

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from consent.service.requests import RequestOutcome
from oauth.models import AuthorizationRequest, Code, Token
from oauth.rules.clients import Client
from oauth.rules.tokens import CODE_LIFETIME
from platform_core.crypto import hash_token
from platform_core.database import db
from platform_core.ids import opaque, uuid7


@dataclass(frozen=True, slots=True)
class RedeemedCode:
    """A code just used up: what the request had fixed, and whom it stands for. `id` is its tokens' family."""

    id: UUID
    redirect_uri: str
    code_challenge: str
    jkt: str | None
    scope: str
    nonce: str | None
    patient_id: UUID | None
    person_id: UUID | None
    grant_id: UUID | None
    assurance: str
    signed_in_at: datetime
    session_id: UUID | None = None
    amr: str = ""
    professional_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a code stands for: the grant of a patient and the person who gave it, or a professional."""

    assurance: str
    patient_id: UUID | None = None
    person_id: UUID | None = None
    grant_id: UUID | None = None
    professional_id: UUID | None = None

    @classmethod
    def of(cls, outcome: RequestOutcome) -> "Bearer":
        return cls(outcome.assurance, outcome.patient_id, outcome.person_id, outcome.grant_id)


_COLUMNS = [getattr(Code, name) for name in RedeemedCode.__dataclass_fields__]


def issue_code(
    *,
    request: AuthorizationRequest,
    bearer: Bearer,
    signed_in_at: datetime,
    session_id: UUID | None = None,
    amr: str = "",
    now: datetime,
) -> str:
    """The code of a granted request. Only its hash is stored."""
    code = opaque()
    values = {
        "id": uuid7(),
        "code_hash": hash_token(code),
        "client_pk": request.client_pk,
        "redirect_uri": request.redirect_uri,
        "code_challenge": request.code_challenge,
        "jkt": request.jkt,
        "scope": request.scope,
        "nonce": request.nonce,
        **asdict(bearer),
        "signed_in_at": signed_in_at,
        "session_id": session_id,
        "amr": amr,
        "issued_at": now,
        "expires_at": now + CODE_LIFETIME,
    }
    db.session.execute(sa.insert(Code).values(values))
    return code


def redeem_code(*, code: str, client: Client, now: datetime) -> RedeemedCode | None:
    """Use a code up. None when it is unknown, dead, another client's, or used before.

    Of two parallel uses one wins; the other, like any later one, revokes every token of that code (RFC 6749 §4.1.2).
    """
    digest = hash_token(code)
    use = (
        sa.update(Code)
        .where(Code.code_hash == digest, Code.client_pk == client.pk, Code.used_at.is_(None), Code.expires_at > now)
        .values(used_at=now)
        .returning(*_COLUMNS)
    )
    row = db.session.execute(use).one_or_none()
    if row is None:
        _revoke_replayed(digest, client, now)
        return None
    return RedeemedCode(**row._mapping)


def _revoke_replayed(digest: bytes, client: Client, now: datetime) -> None:
    family = sa.select(Code.id).where(Code.code_hash == digest, Code.client_pk == client.pk, Code.used_at.is_not(None))
    given = sa.update(Token).where(Token.family_id.in_(family), Token.revoked_at.is_(None))
    db.session.execute(given.values(revoked_at=now))
