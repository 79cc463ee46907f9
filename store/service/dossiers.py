"""What publishers do with a dossier: open an application, fill it section by section, submit it, open it again."""

from collections.abc import Callable, Collection, Mapping
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
from store.errors import SectionLocked, TransitionRefused
from store.models.applications import Application
from store.models.listings import Listing
from store.models.submissions import Submission
from store.models.versions import Version
from store.queries.evidence import list_backed
from store.rules import answers, catalogue, dossier, grid, sections
from store.rules.procedure import PROCEDURE, possible_kinds
from store.service import questions
from store.service.evidence import carry_links
from store.service.transitions import lock_present, move, organisation, own_application
from store.workflow import (
    EDITABLE,
    FINAL,
    ListingState,
    SubmissionKind,
    SubmissionState,
    SubmissionVerb,
    editable_sections,
)

Change = Callable[[Mapping[str, Any]], dict[str, Any]]


def create_application(
    *, name: str, orientation: Mapping[str, Any] | None = None, grid_version: str = PROCEDURE["grid"], by: Actor
) -> UUID:
    """Open an application of the publisher's organisation, with a draft dossier bound to a grid of criteria.

    `orientation` holds the answers given so far. Raises `Invalid` (`dossier-invalid`).
    """
    publisher = identity.get_organisation(organisation(by))
    draft = {
        "orientation": dict(orientation or {}),
        "service": {"name": name},
        "company": {"legal_name": publisher.name, "siren": publisher.siren},
    }
    dossier.check_draft(draft, grid.load(grid_version))
    application_id = _insert_application(publisher.id, name)
    _add_draft(application_id, 1, SubmissionKind.FIRST, draft, grid_version)
    audit.record("store:application:create", by=by, object_type="application", object_id=application_id)
    return application_id


def save_section(
    *,
    application_id: UUID,
    section: str,
    values: Mapping[str, Any],
    version: str,
    fields: Collection[str] | None = None,
    by: Actor,
) -> None:
    """Write one section of the present dossier, or some of its fields; the data items, edited one by one, are kept.

    `version` is that of the section, or of those fields, as the publisher read them. Raises `VersionMismatch` when a
    colleague changed them since, `TransitionRefused` while the dossier is being examined, `SectionLocked` when the
    reviewers did not send this part back, `Invalid` when a value is malformed.
    """
    if section not in dossier.SECTIONS:
        raise NotFound("The dossier has no such section.")

    def replace(old: Mapping[str, Any]) -> dict[str, Any]:
        kept = {"items"} if fields is None else old.keys() - set(fields)
        return {**{key: value for key, value in old.items() if key in kept}, **values}

    application = own_application(application_id, by=by)
    submission = _lock_open(application_id, section, fields)
    _check_version(version, dossier.section_version(submission.dossier, section, fields))
    _write(submission, {section: replace(submission.dossier.get(section, {}))}, by=by)
    _follow_name(application, submission.dossier)


def fill_dossier(*, application_id: UUID, content: Mapping[str, Mapping[str, Any]], by: Actor) -> None:
    """Write several sections at once, whole, over what they hold. Raises as `save_section`, versions aside."""
    application = own_application(application_id, by=by)
    for section in content:
        if section not in dossier.SECTIONS:
            raise NotFound("The dossier has no such section.")
        submission = _lock_open(application_id, section, None)
    if content:
        _write(submission, content, by=by)
        _follow_name(application, submission.dossier)


def save_item(*, application_id: UUID, item: dict[str, Any], version: str, by: Actor) -> None:
    """Add the data asked for by one (category, access), or replace it.

    `version` is that of the item read (`dossier.item_version`). Raises as `save_section`.
    """
    own_application(application_id, by=by)
    dossier.check_item(item)
    _edit_item(application_id, item["category"], item["access"], version, lambda old: dossier.with_item(old, item), by)


def remove_item(*, application_id: UUID, category: str, access: Access, version: str, by: Actor) -> None:
    """Ask no longer for one (category, access). Raises as `save_item`."""
    own_application(application_id, by=by)
    _edit_item(application_id, category, access, version, lambda old: dossier.without_item(old, category, access), by)


def _edit_item(application_id: UUID, category: str, access: str, version: str, change: Change, by: Actor) -> None:
    submission = _lock_open(application_id, "data", None)
    _check_version(version, dossier.item_version(submission.dossier, category, access))
    _write(submission, {"data": change(submission.dossier.get("data", {}))}, by=by)


def _lock_open(application_id: UUID, section: str, fields: Collection[str] | None) -> Submission:
    """The present dossier, locked, when this part of it may be written now."""
    submission = lock_present(application_id)
    state = SubmissionState(submission.state)
    if state not in EDITABLE:
        raise TransitionRefused("edit", submission.state)
    parts = editable_sections(state, flagged=submission.flagged, sections=dossier.SECTIONS)
    criteria = section == "criteria" and fields and parts.issuperset(fields)
    if section not in parts and not criteria:
        raise SectionLocked("The reviewers did not ask for a change of this part of the dossier.")
    return submission


def _check_version(read: str, present: str) -> None:
    if read != present:
        raise VersionMismatch("This was changed by somebody else.")


def _write(submission: Submission, sections: Mapping[str, Mapping[str, Any]], *, by: Actor) -> None:
    changed = {**submission.dossier, **{section: dict(values) for section, values in sections.items()}}
    dossier.check_draft(changed, grid.load(submission.grid_version))
    submission.dossier, submission.updated_at = changed, clock.now()
    for section in sections:
        audit.record("store:dossier:edit", by=by, object_type="submission", object_id=submission.id, section=section)


def _follow_name(application: Application, content: Mapping[str, Any]) -> None:
    """The application is called as its dossier says, until it is listed."""
    name = content["service"].get("name")
    if name and name != application.name and _find_listing(application.id) is None:
        application.name = name


def submit(*, application_id: UUID, by: Actor) -> int:
    """Send the draft to review, or answer a request for complements; the number of the frozen version.

    What the orientation sets aside is dropped. Raises `Incomplete` with every fault, `Conflict` (`questions-open`).
    """
    own_application(application_id, by=by)
    submission = lock_present(application_id)
    state, used = SubmissionState(submission.state), grid.load(submission.grid_version)
    answering = state is SubmissionState.COMPLEMENTS_REQUESTED
    shown = sections.list_shown(list_backed(submission.id), used, state=state, flagged=submission.flagged)
    dossier.check_complete(submission.dossier, used, shown)
    questions.check_answered(submission.id)
    submission.dossier = dossier.pruned(submission.dossier, used)
    move(submission, SubmissionVerb.ANSWER_COMPLEMENTS if answering else SubmissionVerb.SUBMIT, by=by)
    if not answering:
        submission.submitted_at = clock.now()
    return _freeze(submission, by=by)


def _freeze(submission: Submission, *, by: Actor) -> int:
    """Keep an immutable copy of what is sent."""
    sent = sa.select(sa.func.count()).where(Version.submission_id == submission.id)
    number = (db.session.scalar(sent) or 0) + 1
    version = Version(
        submission_id=submission.id,
        number=number,
        dossier=submission.dossier,
        grid_version=submission.grid_version,
        submitted_at=clock.now(),
        submitted_by=by.id,
        submitted_by_name=by.name,
    )
    db.session.add(version)
    return number


def open_submission(*, application_id: UUID, kind: SubmissionKind | None = None, by: Actor) -> None:
    """Start a new dossier from the last one, once it is closed: after a refusal, to amend a listing or to renew it.

    It is bound to the grid in force: the answers to criteria that did not change are carried over. The live listing
    stays as it is until the new dossier is listed; a withdrawn one stays withdrawn (`TransitionRefused`).
    """
    own_application(application_id, by=by, lock=True)
    last = lock_present(application_id)
    if last.state not in FINAL:
        raise TransitionRefused("open_submission", last.state)
    listing = _find_listing(application_id)
    state = ListingState(listing.state) if listing else None
    is_pilot = listing is not None and listing.pilot_id is not None
    possible = possible_kinds(state, listing.expires_on if listing else None, clock.today(), is_pilot=is_pilot)
    if not possible or (kind and kind not in possible):
        raise TransitionRefused("open_submission", state)
    answered, used = grid.load(last.grid_version), grid.load(PROCEDURE["grid"])
    claims = answers.carry_over(last.dossier.get("criteria", {}), answered, used)
    content = {**last.dossier, "criteria": claims}
    opened = _add_draft(application_id, last.number + 1, kind or possible[0], content, used.version)
    carry_links(from_submission=last.id, to_submission=opened, by=by)
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


def _find_listing(application_id: UUID) -> Listing | None:
    return db.session.scalar(sa.select(Listing).where(Listing.application_id == application_id))


def _add_draft(
    application_id: UUID, number: int, kind: SubmissionKind, content: Mapping[str, Any], grid_version: str
) -> UUID:
    now = clock.now()
    draft = Submission(
        application_id=application_id,
        number=number,
        kind=kind,
        state=SubmissionState.DRAFT,
        dossier=dict(content),
        grid_version=grid_version,
        created_at=now,
        updated_at=now,
    )
    db.session.add(draft)
    db.session.flush()
    return draft.id
