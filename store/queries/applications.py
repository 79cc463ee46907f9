"""An application as other rooms see it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from identity_core import queries as identity
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import NotFound
from platform_core.permission import Ceiling
from store.models.applications import Application
from store.models.submissions import Submission
from store.queries.listings import ListingView, find_listing
from store.rules import dossier


@dataclass(frozen=True, slots=True)
class ApplicationView:
    """An application as other rooms see it. `draft_ceiling` is what its present dossier asks, approved or not."""

    id: UUID
    name: str
    slug: str
    organisation_id: UUID
    publisher_name: str
    description: str
    listing: ListingView | None
    draft_ceiling: Ceiling | None


def get_application(application_id: UUID) -> ApplicationView:
    """An application with its listing and the ceiling of its present dossier. Raises `NotFound`."""
    application = db.session.get(Application, application_id)
    if application is None:
        raise NotFound("This application does not exist.")
    listing = find_listing(application_id)
    present = _latest(application_id)
    service = (listing.entry if listing else present).get("service", {})
    publisher = listing.publisher_name if listing else identity.get_organisation(application.organisation_id).name
    return ApplicationView(
        application.id,
        application.name,
        application.slug,
        application.organisation_id,
        publisher,
        service.get("description", ""),
        listing,
        dossier.find_ceiling(present),
    )


def get_own_application(application_id: UUID, *, by: Actor) -> ApplicationView:
    """An application of the actor's own organisation. Raises `NotFound`: another's is not told from an unknown one."""
    application = get_application(application_id)
    if application.organisation_id != by.organisation_id:
        raise NotFound("This application does not exist.")
    return application


def _latest(application_id: UUID) -> Mapping[str, Any]:
    found = sa.select(Submission).where(Submission.application_id == application_id)
    return db.session.scalars(found.order_by(Submission.number.desc()).limit(1)).one().dossier


def list_application_ids(organisation_id: UUID) -> Sequence[UUID]:
    """The applications of an organisation, the oldest first."""
    found = sa.select(Application.id).where(Application.organisation_id == organisation_id)
    return db.session.scalars(found.order_by(Application.id)).all()


def find_application_id(slug: str) -> UUID | None:
    return db.session.scalar(sa.select(Application.id).where(Application.slug == slug))
