"""The catalogue for programs."""

from typing import Any

from platform_core.database import transaction
from platform_core.rest import blueprint
from platform_core.web import public
from store import schemas
from store.queries import catalogue as entries
from store.queries.listings import ListingView

catalogue = blueprint("catalogue_api", __name__, "The catalogue of referenced applications")


@catalogue.get("/catalogue")
@catalogue.arguments(schemas.CatalogueQuery, location="query")
@catalogue.response(200, schemas.Catalogue)
@public("the catalogue is public")
def list_catalogue(query: dict[str, Any]) -> dict[str, Any]:
    """List the applications of the catalogue, by name."""
    with transaction():
        found = entries.list_listed(
            text=query["q"],
            family=query["family"],
            data=query["data"],
            audience=query["audience"],
            page=query["page"],
        )
    lines = [_line(listing) for listing in found.items]
    return {"applications": lines, "page": found.number, "pages": found.count, "total": found.total}


@catalogue.get("/catalogue/<slug>")
@catalogue.response(200, schemas.CatalogueEntry)
@public("the catalogue is public")
def get_entry(slug: str) -> dict[str, Any]:
    """Read the public page of one application: what it does, the data it may ask and why, hosting, recourse."""
    with transaction():
        listing = entries.get_entry(slug)
    ceiling = listing.ceiling.to_json()
    return {
        **_line(listing),
        "description": listing.entry["service"]["description"],
        "site": listing.entry["service"]["site"],
        "profile": listing.profile,
        "purposes": ceiling["purposes"],
        "longest_days": ceiling["duration_days"],
        "items": ceiling["items"],
        "hosting": listing.hosting,
        "recipients": listing.recipients,
        "dpo_contact": listing.dpo_contact,
        "risks": listing.risks,
        "recourse": listing.recourse,
    }


def _line(listing: ListingView) -> dict[str, Any]:
    return {
        "slug": listing.slug,
        "name": listing.name,
        "tagline": listing.tagline,
        "publisher_name": listing.publisher_name,
        "family": listing.entry["catalogue"]["family"],
        "audience": listing.entry["service"]["audience"],
        "state": listing.state,
        "number": listing.number,
        "listed_on": listing.listed_on,
        "expires_on": listing.expires_on,
    }
