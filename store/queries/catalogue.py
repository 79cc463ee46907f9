"""The public catalogue."""

import sqlalchemy as sa

from platform_core import clock
from platform_core.database import db
from platform_core.errors import NotFound
from platform_core.pagination import Page
from store.models.applications import Application
from store.models.listings import Listing
from store.queries.listings import ListingView, listing_view, select_listings
from store.rules import catalogue
from store.workflow import ListingState

PAGE_SIZE = 25
_SEARCH = sa.func.to_tsvector(sa.text("'french'"), Listing.search_text)


def get_entry(slug: str) -> ListingView:
    """The catalogue page of an application that is listed or suspended. Raises `NotFound`."""
    row = db.session.execute(select_listings().where(Application.slug == slug, _published())).one_or_none()
    if row is None:
        raise NotFound("No application of this name is in the catalogue.")
    return listing_view(row)


def list_listed(
    *, text: str = "", family: str = "", data: str = "", audience: str = "", page: int = 1, size: int = PAGE_SIZE
) -> Page[ListingView]:
    """The catalogue, by name: live listings that match a text, a rubric, a data category and an audience."""
    wanted = [Listing.state == ListingState.LISTED, Listing.expires_on >= clock.today()]
    if query := catalogue.search_query(text):
        wanted.append(_SEARCH.bool_op("@@")(sa.func.to_tsquery(sa.text("'french'"), query)))
    if family:
        wanted.append(Listing.entry.contains({"catalogue": {"family": family}}))
    if data:
        wanted.append(Listing.ceiling.contains({"items": [{"category": data}]}))
    if audience:
        wanted.append(Listing.entry.contains({"service": {"audience": [audience]}}))
    total = db.session.scalar(sa.select(sa.func.count()).select_from(Listing).where(*wanted)) or 0
    rows = select_listings().where(*wanted).order_by(sa.func.lower(Application.name), Application.id)
    found = db.session.execute(rows.limit(size).offset((page - 1) * size))
    return Page([listing_view(row) for row in found], page, size, total)


def _published() -> sa.ColumnElement[bool]:
    live = sa.and_(Listing.state == ListingState.LISTED, Listing.expires_on >= clock.today())
    return sa.or_(live, Listing.state == ListingState.SUSPENDED)
