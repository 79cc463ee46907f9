"""The sign-ins that apps know of by their `sid`: ended at an app's request, told to the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from oauth import models, queries
from oauth.rules import logout as rules
from oauth.rules.clients import Client, Environment, check_redirect_uri
from oauth.service import identity
from platform_core import audit, clock, config, outbound, outbox, signing
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import NotFound, Unavailable
from platform_core.ids import opaque, uuid7


@dataclass(frozen=True, slots=True)
class Hinted:
    """A sign-in that an app speaks of: the client and the subject that its id_token was made for."""

    client: Client
    subject: str

    def is_about(self, person_id: UUID) -> bool:
        return self.subject == identity.subject(self.client, person_id)

    def may_return_to(self, uri: str) -> bool:
        """Whether the client registered that very address."""
        return uri in self.client.post_logout_redirect_uris


def find_hinted(id_token: str) -> Hinted | None:
    """Whose sign-in an `id_token_hint` speaks of; None when it was not signed here, or for a client of before."""
    hint = rules.read_hint(
        id_token,
        issuer=config.current().base_url,
        jwks=signing.public_jwks(identity.SIGNING_USE, every=True),
        algorithms=sorted(set(identity.ALGORITHMS.values())),
    )
    client = queries.find_client(hint.client_id) if hint else None
    return Hinted(client, hint.subject) if hint and client else None


def register_logout(
    *, client_pk: UUID, post_logout_redirect_uris: Sequence[str], backchannel_logout_uri: str | None, by: Actor
) -> None:
    """Register where a client has people sent after signing out, and where it is told that they did.

    Raises `Invalid` (`invalid_redirect_uri`, `invalid_client_metadata`), `NotFound`.
    """
    row = db.session.get(models.Client, client_pk)
    if row is None:
        raise NotFound("This client does not exist.")
    allow_loopback = row.environment == Environment.SANDBOX and not config.current().is_production
    for uri in post_logout_redirect_uris:
        check_redirect_uri(uri, is_public=row.is_public, allow_loopback=allow_loopback)
    if backchannel_logout_uri:
        rules.check_backchannel(backchannel_logout_uri, allow_loopback=allow_loopback)
    row.post_logout_redirect_uris = list(dict.fromkeys(post_logout_redirect_uris))
    row.backchannel_logout_uri = backchannel_logout_uri
    db.session.flush()
    audit.record("oauth:client:logout-registered", by=by, object_type="client", object_id=row.id)


def open_login(*, client: Client, session_id: UUID, person_id: UUID, now: datetime) -> str:
    """The `sid` of a sign-in for one client, the same for each id_token of that sign-in."""
    values = {
        "id": uuid7(),
        "session_id": session_id,
        "client_pk": client.pk,
        "person_id": person_id,
        "sid": opaque(128),
        "started_at": now,
    }
    opened = insert(models.Login).values(values)
    key = ["session_id", "client_pk", "person_id"]
    known = opened.on_conflict_do_update(index_elements=key, set_={"started_at": opened.excluded.started_at})
    return str(db.session.scalar(known.returning(models.Login.sid)))


def end_logins(session_id: UUID) -> None:
    """The sign-in is over: tell each client that asks to know, after the commit."""
    query = sa.select(models.Login).where(models.Login.session_id == session_id, models.Login.ended_at.is_(None))
    for login in db.session.scalars(query.with_for_update()):
        login.ended_at = clock.now()
        outbox.enqueue("oauth.tell_logout", login.id)


def prepare_logout(login_id: UUID) -> tuple[str, str] | None:
    """Where to post the logout token of an ended sign-in, and the token; None when the client does not ask for it."""
    login = db.session.get_one(models.Login, login_id)
    try:
        client = queries.get_client(login.client_pk)
    except NotFound:
        return None
    if client.backchannel_logout_uri is None:
        return None
    claims = rules.logout_claims(
        issuer=config.current().base_url,
        client_id=client.client_id,
        subject=identity.subject(client, login.person_id),
        sid=login.sid,
        jti=opaque(128),
        now=int(clock.now().timestamp()),
    )
    algorithm = identity.ALGORITHMS[client.profile]
    token = signing.sign_jwt(identity.SIGNING_USE, algorithm, claims, typ=rules.TYPE)
    return client.backchannel_logout_uri, token


def send_logout(uri: str, token: str) -> None:
    """Post a logout token (Back-Channel Logout §2.5). Raises `Unavailable` when it has to be sent again."""
    with outbound.session() as http:
        response = http.post(uri, data={"logout_token": token})
    if response.status_code not in {200, 202, 204}:
        raise Unavailable(f"The app did not take the logout token: {response.status_code}.")
