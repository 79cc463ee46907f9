"""Tables of data_sync: how much applications call, day by day, without a patient in them."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import Base


class CallCount(Base):
    """The data calls of one app on one day (Europe/Paris) with one outcome; `code` is empty for those served.

    `app_id` is an application in production, a client in the sandbox. A synchronisation is a served call that follows
    at least fifteen minutes without any on the same grant and access.
    """

    __tablename__ = "data_sync_call_count"

    app_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True)
    calls: Mapped[int] = mapped_column(sa.BigInteger)
    synchronisations: Mapped[int] = mapped_column(sa.BigInteger)


class ConsentCount(Base):
    """The consents of one app in force at the end of one day (now, for today), and what became of them that day.

    `paused` are those among them that were paused when they were last counted.
    """

    __tablename__ = "data_sync_consent_count"

    app_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    live: Mapped[int] = mapped_column(sa.BigInteger)
    paused: Mapped[int] = mapped_column(sa.BigInteger)
    granted: Mapped[int] = mapped_column(sa.BigInteger)
    revoked: Mapped[int] = mapped_column(sa.BigInteger)
    ended: Mapped[int] = mapped_column(sa.BigInteger)


class Cursor(Base):
    """How far a reader of the sealed journal has come: the number of the last batch counted."""

    __tablename__ = "data_sync_cursor"

    name: Mapped[str] = mapped_column(primary_key=True)
    batch: Mapped[int] = mapped_column(sa.BigInteger)
    moved_at: Mapped[datetime]
