"""How many listings hold each value of each facet: counted anew with every act on a listing, so that pages only read.

The acts are rare and the pages are not. What passed its last day without an act since is taken off by the reader.
"""

import sqlalchemy as sa

from store.models.listings import FacetCount, Listing
from store.workflow import ListingState

# One at a time: a second act counts once the first is committed, and sees it.
_LOCK = sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(FacetCount.__tablename__)))


def recount(connection: sa.Connection) -> None:
    """Count the facets of the listings in force, in the transaction of the act that changed one."""
    value = sa.func.unnest(sa.func.array_append(Listing.facets, FacetCount.ALL)).label("value")
    held = sa.select(value).where(Listing.state == ListingState.LISTED).subquery()
    counted = sa.select(held.c.value, sa.func.count()).group_by(held.c.value)
    connection.execute(_LOCK)
    connection.execute(sa.delete(FacetCount))
    connection.execute(sa.insert(FacetCount).from_select(["value", "listings"], counted))
