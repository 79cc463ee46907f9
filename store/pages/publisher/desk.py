"""A dossier open before its publisher, and the addresses of its pages."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import abort, url_for

from identity_core.sessions import current_actor
from platform_core.database import transaction
from store.pages import forms
from store.queries import evidence, versions
from store.queries.submissions import SubmissionView, get_own_submission
from store.rules import dossier, grid, sections
from store.rules.grid import Grid
from store.rules.sections import Review
from store.workflow import editable_sections


@dataclass(frozen=True, slots=True)
class Desk:
    """A dossier, its grid, what was last sent of it, the grid answered before, and the evidence by target.

    `backed` holds the targets of evidence that is still valid.
    """

    file: SubmissionView
    grid: Grid
    sent: Mapping[str, Any]
    answered: Grid | None
    evidence: Mapping[str, list[str]]
    backed: frozenset[str]

    @property
    def review(self) -> Review:
        return Review(self.file.state, self.file.flagged, self.sent)

    @property
    def shown(self) -> frozenset[str]:
        """The criteria of which no file is owed now."""
        return sections.list_shown(self.backed, self.grid, state=self.file.state, flagged=self.file.flagged)

    @property
    def applies(self) -> Mapping[str, bool]:
        """Which sections concern the service."""
        given = self.file.dossier.get("orientation", {})
        return {section: dossier.section_applies(given, section) for section in dossier.SECTIONS}

    def writable(self, section: str, fields: Collection[str]) -> tuple[str, ...]:
        """Those of the fields of a section that may be written now."""
        parts = editable_sections(self.file.state, flagged=self.file.flagged, sections=dossier.SECTIONS)
        if section in parts:
            return tuple(fields)
        return tuple(one for one in fields if section == "criteria" and one in parts)


def open_desk(application_id: UUID) -> Desk:
    """The present dossier of an application of the publisher's. Raises `NotFound`."""
    with transaction():
        file = get_own_submission(application_id, by=current_actor())
        sent = versions.find_last_version(file.id)
        answered = versions.find_answered_grid(application_id, before=file.number)
        links, backed = evidence.list_links(file.id), evidence.list_backed(file.id)
    titles: dict[str, list[str]] = {}
    for link in links:
        titles.setdefault(link.target, []).append(link.evidence.title)
    read = sent.dossier if sent else {}
    return Desk(file, grid.load(file.grid_version), read, grid.load(answered) if answered else None, titles, backed)


def find_section(slug: str) -> str:
    """The section that an address names, or 404."""
    section = forms.section_by_slug().get(slug)
    if section is None:
        abort(404)
    return section


def hub_url(application_id: UUID) -> str:
    return url_for("dossiers.show_application", application_id=application_id)


def section_url(application_id: UUID, section: str, step: str = "") -> str:
    slug = dossier.SECTIONS[section]["x-slug"]
    return url_for("sections.show_section", application_id=application_id, slug=slug, step=step or None)
