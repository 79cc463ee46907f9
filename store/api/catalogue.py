"""The catalogue for programs."""

from typing import Any

from platform_core.database import transaction
from platform_core.rest import blueprint
from platform_core.web import public
from store import schemas
from store.queries.catalogue import get_entry, search_catalogue
from store.rules.catalogue import Facet

catalogue = blueprint("catalogue_api", __name__, "The catalogue of referenced applications")


@catalogue.get("/catalogue")
@catalogue.arguments(schemas.CatalogueQuery, location="query")
@catalogue.response(200, schemas.Catalogue)
@public("the catalogue is public")
def list_catalogue(query: dict[str, Any]) -> dict[str, Any]:
    """Search the catalogue: the best match first, by name without a text; with the counts of each facet."""
    chosen = {facet: frozenset(query[facet]) for facet in Facet if any(query[facet])}
    with transaction():
        found = search_catalogue(text=query["q"], chosen=chosen, page=query["page"])
    return {
        "applications": [schemas.describe(listing) for listing in found.page.items],
        "page": found.page.number,
        "pages": found.page.count,
        "total": found.page.total,
        "near": found.near,
        "facets": found.counts,
    }


@catalogue.get("/catalogue/<slug>")
@catalogue.response(200, schemas.CatalogueEntry)
@public("the catalogue is public")
def read_entry(slug: str) -> dict[str, Any]:
    """Read the public page of one application: what it does, the data it may ask and why, hosting, recourse."""
    with transaction():
        listing = get_entry(slug)
    return schemas.describe(listing)
