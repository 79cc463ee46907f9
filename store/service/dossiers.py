"""What publishers do: open an application, fill its dossier section by section, submit it."""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from identity_core import queries as identity
from platform_core import audit, clock
from platform_core.access import Access, Actor
from platform_core.database import db
from platform_core.errors import NotFound, VersionMismatch
from platform_core.ids import uuid7
from store.errors import TransitionRefused
from store.models.applications import Application
from store.models.listings import Listing
from store.models.submissions import Submission
from store.rules import catalogue, dossier
from store.service.transitions import lock_present, move, organisation, own_application
from store.workflow import EDITABLE, FINAL, ListingState, SubmissionState, Verb


def create_application(*, name: str, by: Actor) -> UUID:
    """Open an application of the publisher's organisation, with an empty draft dossier."""
    publisher = identity.get_organisation(organisation(by))
    draft = {
        "service": {"name": name},
        "company": {"legal_name": publisher.name, "siren": publisher.siren},
    }
    dossier.check_draft(draft)
    application_id = _insert_application(publisher.id, name)
    _add_draft(application_id, 1, draft)
    audit.record("store:application:create", by=by, object_type="application", object_id=application_id)
    return application_id


def save_section(*, application_id: UUID, section: str, values: Mapping[str, Any], version: str, by: Actor) -> None:
    """Write one section of the present dossier; the data items, edited one by one, are kept.

    `version` is that of the section the publisher read. Raises `VersionMismatch` when a colleague changed it since,
    `TransitionRefused` while the dossier is being examined, `Invalid` when a value is malformed.
    """
    if section not in dossier.SECTIONS:
        raise NotFound("The dossier has no such section.")

    def replace(old: Mapping[str, Any]) -> dict[str, Any]:
        return {**values, "items": old["items"]} if "items" in old else dict(values)

    application = own_application(application_id, by=by)
    _edit(application, section, version, replace, by=by)
    if section == "service" and values.get("name") and _listing_state(application_id) is None:
        application.name = values["name"]


def save_item(*, application_id: UUID, item: dict[str, Any], version: str, by: Actor) -> None:
    """Add the data asked for by one (category, access), or replace it. Raises as `save_section`."""
    application = own_application(application_id, by=by)
    dossier.check_item(item)
    _edit(application, "data", version, lambda old: dossier.with_item(old, item), by=by)


def remove_item(*, application_id: UUID, category: str, access: Access, version: str, by: Actor) -> None:
    """Ask no longer for one (category, access). Raises as `save_section`."""
    application = own_application(application_id, by=by)
    _edit(application, "data", version, lambda old: dossier.without_item(old, category, access), by=by)


def _edit(
    application: Application,
    section: str,
    version: str,
    change: Callable[[Mapping[str, Any]], dict[str, Any]],
    *,
    by: Actor,
) -> None:
    submission = lock_present(application.id)
    if submission.state not in EDITABLE:
        raise TransitionRefused("edit", submission.state)
    if version != dossier.section_version(submission.dossier, section):
        raise VersionMismatch("The section was changed by somebody else.")
    changed = {**submission.dossier, section: change(submission.dossier.get(section, {}))}
    dossier.check_draft(changed)
    submission.dossier, submission.updated_at = changed, clock.now()
    audit.record("store:dossier:edit", by=by, object_type="submission", object_id=submission.id, section=section)


def submit(*, application_id: UUID, by: Actor) -> None:
    """Send the draft to review, or answer a request for complements. Raises `Incomplete` with every fault."""
    own_application(application_id, by=by)
    submission = lock_present(application_id)
    answers = submission.state == SubmissionState.COMPLEMENTS_REQUESTED
    verb = Verb.ANSWER_COMPLEMENTS if answers else Verb.SUBMIT
    dossier.check_complete(submission.dossier)
    move(submission, verb, by=by)
    if not answers:
        submission.submitted_at = clock.now()


def open_submission(*, application_id: UUID, by: Actor) -> None:
    """Start a new dossier from the last one, once it is decided: after a refusal, or to amend a listing.

    The live listing stays as it is until the new dossier is accepted and listed. A withdrawn one stays withdrawn.
    """
    own_application(application_id, by=by, lock=True)
    last = lock_present(application_id)
    if last.state not in FINAL:
        raise TransitionRefused("open_submission", last.state)
    if _listing_state(application_id) == ListingState.WITHDRAWN:
        raise TransitionRefused("open_submission", ListingState.WITHDRAWN)
    _add_draft(application_id, last.number + 1, last.dossier)
    audit.record("store:submission:open", by=by, object_type="application", object_id=application_id)


def _insert_application(organisation_id: UUID, name: str) -> UUID:
    """Insert under the first free slug: `name`, `name-2`, …"""
    base = catalogue.slug(name)
    for number in count(1):
        application_id = uuid7()
        row = postgresql.insert(Application).values(
            id=application_id,
            organisation_id=organisation_id,
            name=name,
            slug=base if number == 1 else f"{base}-{number}",
            created_at=clock.now(),
        )
        if db.session.scalar(row.on_conflict_do_nothing(index_elements=["slug"]).returning(Application.id)):
            break
    return application_id


def _listing_state(application_id: UUID) -> str | None:
    return db.session.scalar(sa.select(Listing.state).where(Listing.application_id == application_id))


def _add_draft(application_id: UUID, number: int, content: Mapping[str, Any]) -> None:
    now = clock.now()
    db.session.add(
        Submission(
            application_id=application_id,
            number=number,
            state=SubmissionState.DRAFT,
            dossier=dict(content),
            grid_version=catalogue.PROCEDURE["grid"],
            created_at=now,
            updated_at=now,
        )
    )
    db.session.flush()
