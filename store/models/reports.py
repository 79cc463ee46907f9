"""Reports on applications, made by the public."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from platform_core.database import Base, one_of, uuid_key
from store.models.applications import Application
from store.models.audits import Audit
from store.rules.reports import Kind, Origin, People, State, Verb


class Report(Base):
    """A problem that somebody tells about an application. Nothing links it to a patient.

    What people wrote is sealed, since it may tell of their health: `text` and `email` by the reporter, `forwarded` by
    the reviewer for the publisher, `answer` by the publisher. `conclusion` is for the reporter, who finds the report by
    the number of which `number_hash` is the SHA-256.
    """

    __tablename__ = "store_report"

    id: Mapped[UUID] = uuid_key()
    application_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Application.id), index=True)
    origin: Mapped[str] = mapped_column(default=Origin.PUBLIC)
    kind: Mapped[str]
    state: Mapped[str]
    number_hash: Mapped[bytes] = mapped_column(unique=True)
    text_sealed: Mapped[bytes | None] = mapped_column(info={"sealed": "store:report:text:{id}"})
    email_sealed: Mapped[bytes | None] = mapped_column(info={"sealed": "store:report:email:{id}"})
    forwarded_sealed: Mapped[bytes | None] = mapped_column(info={"sealed": "store:report:forwarded:{id}"})
    answer_sealed: Mapped[bytes | None] = mapped_column(info={"sealed": "store:report:answer:{id}"})
    conclusion: Mapped[str] = mapped_column(default="")
    audit_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey(Audit.id))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()

    __table_args__ = (
        one_of("origin", "origin", Origin),
        one_of("kind", "kind", Kind),
        one_of("state", "state", State),
        sa.Index(None, "state", "created_at"),
        sa.Index(None, "origin", "created_at"),
    )
    __mapper_args__ = {"version_id_col": version}


class Incident(Base):
    """What a publisher declares of an incident beside the text of its report: when it was noticed, how many people it
    concerns, what was done. `notice` is what the authority told the people who use the application, at `told_at`.
    """

    __tablename__ = "store_incident"

    report_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Report.id), primary_key=True)
    noticed_on: Mapped[date]
    people: Mapped[str]
    measures_sealed: Mapped[bytes | None] = mapped_column(info={"sealed": "store:incident:measures:{report_id}"})
    notice: Mapped[str | None]
    told_at: Mapped[datetime | None]
    told_by_name: Mapped[str | None]

    __table_args__ = (
        one_of("people", "people", People),
        sa.CheckConstraint("(notice IS NULL) = (told_at IS NULL)", name="told"),
    )


class ReportEvent(Base):
    """One transition of a report. Append-only."""

    __tablename__ = "store_report_event"

    id: Mapped[UUID] = uuid_key()
    report_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Report.id), index=True)
    verb: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    actor_kind: Mapped[str]
    actor_id: Mapped[UUID | None]
    actor_name: Mapped[str]
    occurred_at: Mapped[datetime]

    __table_args__ = (one_of("verb", "verb", Verb),)
