"""The convention that the publisher and the authority sign."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import Base
from store.models.applications import Application
from store.models.submissions import Submission


class Convention(Base):
    """The signatures on one version of the convention's text; `text_hash` is the SHA-256 of what was signed.

    `quality` is that in which the publisher's person signed, such as « présidente ».
    """

    __tablename__ = "store_convention"

    submission_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Submission.id), primary_key=True)
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Application.id), index=True)
    version: Mapped[str]
    text_hash: Mapped[str]
    quality: Mapped[str]
    signed_by: Mapped[UUID]
    signed_by_name: Mapped[str]
    signed_at: Mapped[datetime]
    countersigned_by: Mapped[UUID | None]
    countersigned_by_name: Mapped[str] = mapped_column(default="")
    countersigned_at: Mapped[datetime | None]
