"""Structures (establishments, practices) and the software that they hold: the one writer of their state."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from oauth import models, queries
from oauth.rules.clients import AuthMethod, Client, ClientStatus, Environment, Profile
from oauth.rules.tokens import TokenKind
from oauth.service import clients
from oauth.workflow import StructureState, StructureVerb, next_structure_state
from platform_core import audit, clock
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import Conflict, Fault, Invalid, NotFound
from platform_core.health_identity import Finess
from platform_core.ids import opaque


def add_structure(
    *,
    name: str,
    finess: str,
    software: str,
    redirect_uris: Sequence[str],
    jwks: Sequence[Mapping[str, Any]],
    jwks_uri: str | None,
    by: Actor,
) -> Client:
    """Register a structure with the client of its software (`fapi2`, private_key_jwt). Returns the client.

    Raises `Invalid` (`invalid-identifier`, `invalid-structure`, `invalid_redirect_uri`, `invalid_client_metadata`),
    `Conflict` (`structure-known`).
    """
    number = Finess(finess).number
    _check_named(name=name, software=software)
    if queries.find_structure(number):
        raise Conflict("A structure of this FINESS number is registered already.", code="structure-known")
    if not jwks and not jwks_uri:
        raise Invalid(
            "Software proves who it is with a key: give one, or where they are.", code="invalid_client_metadata"
        )
    clients.check_redirects(redirect_uris, is_public=False, environment=Environment.PRODUCTION)
    now = clock.now()
    structure = models.Structure(
        finess=number, name=name.strip(), state=StructureState.ACTIVE, created_at=now, state_changed_at=now
    )
    db.session.add(structure)
    db.session.flush()
    row = models.Client(
        client_id=opaque(128),
        structure_id=structure.id,
        environment=Environment.PRODUCTION,
        profile=Profile.FAPI2,
        is_public=False,
        auth_method=AuthMethod.PRIVATE_KEY_JWT,
        name=software.strip(),
        status=ClientStatus.ACTIVE,
        redirect_uris=list(dict.fromkeys(redirect_uris)),
        created_at=now,
    )
    db.session.add(row)
    db.session.flush()
    clients.replace_keys(client_pk=row.id, jwks=jwks, jwks_uri=jwks_uri)
    audit.record("oauth:structure:added", by=by, object_type="structure", object_id=structure.id, finess=number)
    return queries.get_client(row.id)


def suspend_structure(*, finess: str, by: Actor) -> None:
    """Refuse the software of a structure at each call, until it is reinstated. Raises `NotFound`, `Conflict`."""
    _move(_lock(finess), StructureVerb.SUSPEND, by)


def reinstate_structure(*, finess: str, by: Actor) -> None:
    """Let the software of a structure work again. Raises `NotFound`, `Conflict` (`structure-state`)."""
    _move(_lock(finess), StructureVerb.REINSTATE, by)


def end_structure(*, finess: str, by: Actor) -> None:
    """End a structure for good: its clients are closed, their tokens revoked. Raises `NotFound`."""
    structure = _lock(finess)
    _move(structure, StructureVerb.END, by)
    active = (models.Client.structure_id == structure.id, models.Client.status == ClientStatus.ACTIVE)
    for client_pk in db.session.scalars(sa.select(models.Client.id).where(*active)).all():
        clients.disable_client(client_pk=client_pk, by=by)


def unlink_software(*, professional_id: UUID, client_pk: UUID, by: Actor) -> None:
    """Take back what a professional gave to software: its tokens for them are worth nothing from now on."""
    _revoke(professional_id=professional_id, client_pk=client_pk)
    audit.record("oauth:software:unlinked", by=by, object_type="client", object_id=client_pk)


def end_session(session_id: UUID) -> None:
    """The professional signed out: what the software got during that sign-in ends with it."""
    _revoke(session_id=session_id)


def _revoke(**whose: UUID) -> None:
    """End codes first, then refresh tokens, then what either gave while it was waited for: nothing outlives this."""
    now = clock.now()
    codes = sa.update(models.Code).where(models.Code.professional_id.is_not(None), models.Code.used_at.is_(None))
    db.session.execute(codes.filter_by(**whose).values(used_at=now))
    alive = sa.update(models.Token).where(models.Token.revoked_at.is_(None)).filter_by(**whose)
    for those in (alive.where(models.Token.kind == TokenKind.REFRESH), alive):
        db.session.execute(those.values(revoked_at=now))


def _check_named(**names: str) -> None:
    faults = [Fault(field, "must hold 1 to 120 characters.") for field, name in names.items() if not _is_name(name)]
    if faults:
        raise Invalid("A structure and its software have a name.", code="invalid-structure", faults=faults)


def _is_name(text: str) -> bool:
    return 0 < len(text.strip()) <= 120 and text.isprintable()


def _lock(finess: str) -> models.Structure:
    """The structure, its row held. Raises `NotFound`."""
    table = models.Structure
    query = sa.select(table).where(table.finess == finess, table.state != StructureState.ENDED)
    row = db.session.scalar(query.with_for_update())
    if row is None:
        raise NotFound(f"No structure in service has the FINESS number {finess}.")
    return row


def _move(structure: models.Structure, verb: StructureVerb, by: Actor) -> None:
    """The one writer of the state of a structure."""
    structure.state = next_structure_state(StructureState(structure.state), verb)
    structure.state_changed_at = clock.now()
    db.session.flush()
    audit.record(f"oauth:structure:{structure.state}", by=by, object_type="structure", object_id=structure.id)
