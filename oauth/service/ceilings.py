"""What bounds the requests of a client, and who it is for the patient."""

from consent.service.requests import AppFacts
from oauth.errors import OAuthRefusal
from oauth.rules import scopes
from oauth.rules.clients import Client
from oauth.rules.details import whole_registry
from platform_core.permission import Ceiling
from store.queries.applications import get_application
from store.queries.listings import find_listing


def get_ceiling(client: Client) -> Ceiling:
    """The ceiling of a client's requests: its application's, within the scope that it registered.

    Raises as `ceiling_of_application`.
    """
    return scopes.bounded(ceiling_of_application(client), client.scope or "")


def ceiling_of_application(client: Client) -> Ceiling:
    """The ceiling of its application: the listing's; in the sandbox the dossier's, or the whole registry.

    Raises `OAuthRefusal` (`unauthorized_client`) when a production application is not listed now: it asks no new
    consent, while the ones it has keep their tokens.
    """
    if client.structure:
        raise OAuthRefusal("unauthorized_client", "The software of a structure works for professionals only.")
    if client.application_id is None:
        return whole_registry()
    if client.is_sandbox:
        return get_application(client.application_id).draft_ceiling or whole_registry()
    listing = find_listing(client.application_id)
    if listing is None or not listing.is_live:
        raise OAuthRefusal("unauthorized_client", "The application is not listed now.")
    return listing.ceiling


def app_facts(client: Client) -> AppFacts:
    """The app that asks, as the consent names it."""
    publisher = get_application(client.application_id).publisher_name if client.application_id else client.name
    return AppFacts(
        app_id=client.app_id,
        client_pk=client.pk,
        environment=client.environment,
        name=client.name,
        publisher_name=publisher,
        application_id=client.application_id,
    )
