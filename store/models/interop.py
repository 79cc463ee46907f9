"""Interoperability tests: what an application was seen doing in the sandbox, and what its submission still owes."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import Base, one_of
from store.models.applications import Application
from store.models.submissions import Submission
from store.rules.interop import Behaviour


class Observation(Base):
    """The last time that the platform saw an application behave in this way in the sandbox."""

    __tablename__ = "store_observation"

    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Application.id), primary_key=True)
    behaviour: Mapped[str] = mapped_column(primary_key=True)
    observed_at: Mapped[datetime]

    __table_args__ = (one_of("behaviour", "behaviour", Behaviour),)


class InteropCheck(Base):
    """A behaviour that a submission must show: seen at `passed_at`, or waived by a reviewer who says why."""

    __tablename__ = "store_interop_check"

    submission_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Submission.id), primary_key=True)
    behaviour: Mapped[str] = mapped_column(primary_key=True)
    passed_at: Mapped[datetime | None]
    waived_by: Mapped[UUID | None]
    waived_by_name: Mapped[str] = mapped_column(default="")
    motive: Mapped[str] = mapped_column(default="")

    __table_args__ = (
        one_of("behaviour", "behaviour", Behaviour),
        sa.CheckConstraint("waived_by IS NULL OR (passed_at IS NOT NULL AND btrim(motive) <> '')", name="waiver"),
    )
