"""The listing: what the catalogue shows and what bounds an application's requests."""

from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from platform_core import clock
from platform_core.database import Base, one_of, uuid_key
from store.models.applications import Application
from store.models.calls import Pilot
from store.models.submissions import Submission
from store.workflow import ListingState

LISTING_NUMBER = sa.Sequence("store_listing_number_seq", metadata=Base.metadata)
# Stems, and whole words beside them: the beginning of a word is not always that of its stem.
_SEARCH = " || ".join(
    f"setweight(to_tsvector('{dictionary}'::regconfig, split_part(search_text, chr(10), {line})), '{weight}'::\"char\")"
    for line, weight, dictionary in (
        (1, "A", "french"),
        (1, "A", "simple"),
        (2, "B", "french"),
        (2, "B", "simple"),
        (3, "D", "french"),
    )
)


class Listing(Base):
    """The referencing itself: what the catalogue shows and what bounds the application's requests.

    `entry` is the public page as it was approved; `search_text` its words on three lines, the weightiest first, from
    which PostgreSQL makes `search`; `facets` what the catalogue is narrowed by. `changed_at` dates the open data.
    `state`, `expires_on` and `application_id` are read at every data call. `pilot_id` names the limits of an
    experiment.
    """

    __tablename__ = "store_listing"

    id: Mapped[UUID] = uuid_key()
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Application.id), unique=True)
    submission_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Submission.id))
    pilot_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey(Pilot.id), unique=True)
    state: Mapped[str]
    number: Mapped[str] = mapped_column(unique=True)
    listed_on: Mapped[date]
    expires_on: Mapped[date]
    ceiling: Mapped[dict[str, Any]] = mapped_column(JSONB)
    profile: Mapped[str]
    entry: Mapped[dict[str, Any]] = mapped_column(JSONB)
    search_text: Mapped[str]
    search: Mapped[str] = mapped_column(TSVECTOR, sa.Computed(_SEARCH, persisted=True), deferred=True)
    facets: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    changed_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)
    version: Mapped[int] = mapped_column()

    __table_args__ = (
        one_of("state", "state", ListingState),
        sa.CheckConstraint("profile IN ('fapi2', 'smart')", name="profile"),
        sa.CheckConstraint("expires_on > listed_on", name="dates"),
        sa.Index("ix_store_listing_state", "state", "expires_on"),
        sa.Index(None, "search", postgresql_using="gin"),
        sa.Index(None, "facets", postgresql_using="gin"),
        sa.Index(
            "ix_store_listing_typos",
            "search_text",
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
        ),
    )
    __mapper_args__ = {"version_id_col": version}


class FacetCount(Base):
    """How many listings, suspended ones left out, hold a value of a facet; under `ALL`, how many there are."""

    __tablename__ = "store_facet_count"
    ALL: ClassVar[str] = ""

    value: Mapped[str] = mapped_column(primary_key=True)
    listings: Mapped[int]
