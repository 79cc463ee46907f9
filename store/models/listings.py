"""The listing: what the catalogue shows and what bounds an application's requests."""

from datetime import date
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import Base, one_of, uuid_key
from store.models.applications import Application
from store.models.submissions import Submission
from store.workflow import ListingState

LISTING_NUMBER = sa.Sequence("store_listing_number_seq", metadata=Base.metadata)


class Listing(Base):
    """The referencing itself: what the catalogue shows and what bounds the application's requests.

    `entry` is the public page as it was approved; `search_text` its words, for the catalogue's search.
    `state`, `expires_on` and `application_id` are read at every data call.
    """

    __tablename__ = "store_listing"

    id: Mapped[UUID] = uuid_key()
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Application.id), unique=True)
    submission_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Submission.id))
    state: Mapped[str]
    number: Mapped[str] = mapped_column(unique=True)
    listed_on: Mapped[date]
    expires_on: Mapped[date]
    ceiling: Mapped[dict[str, Any]] = mapped_column(JSONB)
    profile: Mapped[str]
    entry: Mapped[dict[str, Any]] = mapped_column(JSONB)
    search_text: Mapped[str]
    version: Mapped[int] = mapped_column()

    __table_args__ = (
        one_of("state", "state", ListingState),
        sa.CheckConstraint("profile IN ('fapi2', 'smart')", name="profile"),
        sa.CheckConstraint("expires_on > listed_on", name="dates"),
        sa.Index("ix_store_listing_state", "state", "expires_on"),
    )
    __mapper_args__ = {"version_id_col": version}
