"""Commands of the operator: a ready client for the demo and for tests, rights of clients, signing keys."""

import os
from pathlib import Path
from typing import Any

import click
import orjson

from oauth import queries, service
from oauth.rules.clients import Client, Profile
from oauth.rules.details import ceiling_details
from platform_core import clock, config, signing
from platform_core.access import Actor, ActorKind
from platform_core.database import transaction
from platform_core.errors import NotFound
from store.queries.applications import find_application_id
from store.queries.listings import find_listing

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
def create_client(profile: str, is_public: bool, out: Path, redirect_uri: str | None, application: str | None) -> None:
    """Register a client and write what an app needs to use it, private key included."""
    settings = config.current()
    address = redirect_uri or f"http://127.0.0.1:{settings.demo_partner_port}/callback"
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
