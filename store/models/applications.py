"""The application that an organisation wants referenced."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import Base, uuid_key


class Application(Base):
    """A service that an organisation wants referenced. Its name follows the dossier until it is listed."""

    __tablename__ = "store_application"

    id: Mapped[UUID] = uuid_key()
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey("identity_organisation.id"), index=True)
    name: Mapped[str]
    slug: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]

    __table_args__ = (sa.Index("ix_store_application_by_name", sa.text("lower(name)"), "id"),)
