"""Commands of the operator: a ready client for the demo and for tests, structures, rights of clients, signing keys."""

import os
from pathlib import Path
from typing import IO, Any

import click
import orjson

from oauth import queries, service
from oauth.rules import user_scopes
from oauth.rules.clients import Client, Profile
from oauth.rules.details import ceiling_details
from platform_core import clock, config, signing
from platform_core.access import Actor, ActorKind
from platform_core.database import transaction
from platform_core.errors import ConfigurationError, Invalid, NotFound
from store.queries.applications import find_application_id
from store.queries.listings import find_listing

_DEMO_FINESS = "990000010"
OPERATOR = Actor(ActorKind.OPERATOR, None, "ens")


@click.group()
def demo() -> None:
    """Commands of `ens demo` that concern clients."""


@demo.command("client")
@click.option("--profile", type=click.Choice([str(p) for p in Profile]), default=str(Profile.FAPI2), show_default=True)
@click.option("--public", "is_public", is_flag=True, help="A public client, without a key (profile smart).")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="File to write, as JSON.")
@click.option("--redirect-uri", help="Address of return; by default the demo partner's.")
@click.option("--application", help="Slug of a listed application: a production client instead of a sandbox one.")
@click.option("--structure", is_flag=True, help="The software of the demo hospital, which works for professionals.")
def create_client(
    profile: str, is_public: bool, out: Path, redirect_uri: str | None, application: str | None, structure: bool
) -> None:
    """Register a client and write what an app needs to use it, private key included."""
    settings = config.current()
    address = redirect_uri or f"http://127.0.0.1:{settings.demo_partner_port}/callback"
    if structure:
        _create_software(out, address)
        return
    with transaction():
        client, key = (
            _production_client(application, address)
            if application
            else _sandbox_client(Profile(profile), is_public, address)
        )
        ceiling = ceiling_details(service.get_ceiling(client), clock.today())
    _write(
        out,
        {
            "issuer": settings.base_url,
            "client_id": client.client_id,
            "profile": client.profile,
            "redirect_uri": address,
            "private_key": key,
            "authorization_details_ceiling": ceiling,
        },
    )
    click.echo(f"{client.environment} client {client.client_id} written to {out}.")


def _create_software(out: Path, address: str) -> None:
    """The demo hospital with its software, new each time: the one before ends."""
    settings = config.current()
    if settings.is_production:
        raise ConfigurationError("ENS_ENV is production: the demo hospital has no place here.")
    key = service.generate_key(Profile.FAPI2)
    with transaction():
        if queries.find_structure(_DEMO_FINESS):
            service.end_structure(finess=_DEMO_FINESS, by=OPERATOR)
        client = service.add_structure(
            name="CHU de démonstration",
            finess=_DEMO_FINESS,
            software="Dossier CHU",
            redirect_uris=[address],
            jwks=[service.public_half(key)],
            jwks_uri=None,
            by=OPERATOR,
        )
    described = {"issuer": settings.base_url, "client_id": client.client_id, "profile": client.profile}
    _write(out, {**described, "redirect_uri": address, "private_key": key, "scopes": user_scopes.offered()})
    click.echo(f"The software {client.name}, client {client.client_id}, is written to {out}.")


def _sandbox_client(profile: Profile, is_public: bool, address: str) -> tuple[Client, dict[str, Any] | None]:
    key = None if is_public else service.generate_key(profile)
    client = service.issue_sandbox_client(
        name="Application de démonstration",
        profile=profile,
        redirect_uris=[address],
        jwk=service.public_half(key) if key else None,
        by=OPERATOR,
    )
    service.register_logout(
        client_pk=client.pk, post_logout_redirect_uris=[address], backchannel_logout_uri=None, by=OPERATOR
    )
    return client, key


def _production_client(slug: str, address: str) -> tuple[Client, dict[str, Any]]:
    application_id = find_application_id(slug)
    if application_id is None:
        raise NotFound(f"No application has the slug {slug}.")
    listing = find_listing(application_id)
    key = service.generate_key(Profile(listing.profile) if listing else Profile.FAPI2)
    client = service.issue_client(
        application_id=application_id, redirect_uris=[address], jwk=service.public_half(key), by=OPERATOR
    )
    return client, key


def _write(path: Path, content: dict[str, Any]) -> None:
    """The file holds a private key: nobody else may read it."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2))


@click.group()
def oauth() -> None:
    """Commands of `ens oauth`."""


@oauth.group()
def structure() -> None:
    """Establishments and practices whose software works for professionals."""


@structure.command("add")
@click.option("--name", required=True, help="Name of the establishment or practice.")
@click.option("--finess", required=True, help="FINESS number: 9 characters.")
@click.option("--software", help="Name of its software, as professionals know it; by default that of the structure.")
@click.option(
    "--redirect-uri", "redirect_uris", multiple=True, required=True, help="Address of return; may be repeated."
)
@click.option("--jwks", type=click.File("rb"), help="File of its public keys (JWK Set).")
@click.option("--jwks-uri", help="Address where it publishes its keys, instead.")
def add_structure(
    name: str,
    finess: str,
    software: str | None,
    redirect_uris: tuple[str, ...],
    jwks: IO[bytes] | None,
    jwks_uri: str | None,
) -> None:
    """Register a structure with the client of its software; prints the client_id."""
    with transaction():
        client = service.add_structure(
            name=name,
            finess=finess,
            software=software or name,
            redirect_uris=redirect_uris,
            jwks=_read_keys(jwks) if jwks else [],
            jwks_uri=jwks_uri,
            by=OPERATOR,
        )
    click.echo(client.client_id)


@structure.command("list")
def list_structures() -> None:
    """FINESS number, state, name, then the client_id and the name of its software."""
    with transaction():
        found = queries.list_structures()
    for one, software in found:
        click.echo(f"{one.finess}  {one.state:<9}  {one.name}")
        for client in software:
            click.echo(f"{'':11}{client.client_id}  {client.name}")


@structure.command("suspend")
@click.argument("finess")
def suspend_structure(finess: str) -> None:
    """Refuse the software of a structure at each call, until it is reinstated."""
    with transaction():
        service.suspend_structure(finess=finess, by=OPERATOR)


@structure.command("reinstate")
@click.argument("finess")
def reinstate_structure(finess: str) -> None:
    """Let the software of a structure work again."""
    with transaction():
        service.reinstate_structure(finess=finess, by=OPERATOR)


@structure.command("end")
@click.argument("finess")
def end_structure(finess: str) -> None:
    """End a structure for good: its clients are closed, their tokens are worth nothing."""
    with transaction():
        service.end_structure(finess=finess, by=OPERATOR)


def _read_keys(file: IO[bytes]) -> list[dict[str, Any]]:
    """The keys of a JWK Set (RFC 7517 §5). Raises `Invalid` (`invalid_client_metadata`)."""
    try:
        found = orjson.loads(file.read())["keys"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise Invalid('The file is no JWK Set: {"keys": [...]}.', code="invalid_client_metadata") from None
    return list(found)


@click.group()
def clients() -> None:
    """Registered clients."""


@clients.command("introspection")
@click.argument("client_id")
@click.option("--allow/--refuse", required=True, help="Give the right, or take it back.")
def set_introspection(client_id: str, allow: bool) -> None:
    """Let a resource server ask of any access token what it is worth (scope ens:introspect), or no longer."""
    with transaction():
        client = queries.find_client(client_id)
        if client is None:
            raise NotFound(f"No client in service has the identifier {client_id}.")
        service.set_introspection(client_pk=client.pk, allowed=allow, by=OPERATOR)
    click.echo(f"{client.name} {'may' if allow else 'may not'} introspect tokens.")


@click.group()
def keys() -> None:
    """The platform's signing keys."""


@keys.command()
def rotate() -> None:
    """Retire the keys that sign id_tokens and make their successors; the retired ones stay published a month."""
    with transaction():
        for algorithm in sorted(set(service.ALGORITHMS.values())):
            signing.key(service.SIGNING_USE, algorithm)
        made = signing.rotate(service.SIGNING_USE)
    click.echo(f"New signing keys: {', '.join(made)}")
