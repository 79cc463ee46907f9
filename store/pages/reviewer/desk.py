"""A dossier open before those who examine it, and the addresses of its pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from flask import url_for
from flask_babel import gettext

from identity_core.sessions import current_actor
from platform_core.database import transaction
from store.pages.publisher.versions import say_changes
from store.queries.evidence import EvidenceView, list_submitted_links
from store.queries.listings import ListingView, find_listing
from store.queries.questions import NoteView, QuestionView, list_notes, list_questions
from store.queries.submissions import SubmissionView, get_submission
from store.queries.verdicts import VerdictView, list_verdicts
from store.queries.versions import VersionView, list_versions
from store.rules import dossier, grid
from store.rules.grid import Criterion, Grid, Verdict
from store.service.transitions import check_other_organisation
from store.workflow import QuestionState, SubmissionState


@dataclass(frozen=True)
class Desk:
    """A dossier as it was last sent (never the publisher's present typing), and what was said and found on it.

    `before` is the version sent before, of this submission or of the one it follows.
    """

    file: SubmissionView
    listing: ListingView | None
    sent: VersionView
    before: VersionView | None
    verdicts: Mapping[str, VerdictView]
    questions: Sequence[QuestionView]
    notes: Sequence[NoteView]
    evidence: Mapping[str, Sequence[EvidenceView]]

    @cached_property
    def grid(self) -> Grid:
        return grid.load(self.sent.grid_version)

    @property
    def answers(self) -> Mapping[str, Any]:
        """What the service is, by the orientation."""
        return self.sent.dossier.get("orientation", {})

    @cached_property
    def criteria(self) -> Sequence[Criterion]:
        """Those that concern the service."""
        return self.grid.applicable(self.answers)

    @property
    def found(self) -> Mapping[str, Verdict]:
        return {criterion: view.verdict for criterion, view in self.verdicts.items()}

    @cached_property
    def unmet(self) -> Sequence[Criterion]:
        return grid.list_unmet(self.grid, self.found, self.answers)

    @property
    def examined(self) -> int:
        """How many of the criteria that concern the service have a verdict."""
        return sum(one.id in self.verdicts for one in self.criteria)

    @cached_property
    def changes(self) -> Sequence[Mapping[str, str]]:
        """What changed since the version before, in words."""
        return say_changes(self.before, self.sent) if self.before else []

    @property
    def waiting_questions(self) -> Sequence[QuestionView]:
        return [one for one in self.questions if one.state is QuestionState.OPEN]

    def changes_of(self, part: str) -> Sequence[Mapping[str, str]]:
        """What changed in a section, or in the answer to a criterion."""
        if part in dossier.SECTIONS:
            return [one for one in self.changes if one["section"] == gettext(dossier.SECTIONS[part]["title"])]
        return [one for one in self.changes if one["label"].partition(",")[0] == part]

    def to_examine(self) -> Sequence[Criterion]:
        return [one for one in self.criteria if one.id not in self.verdicts]

    @property
    def may_record(self) -> bool:
        return self.file.state is SubmissionState.IN_EVALUATION and "reviewer" in current_actor().roles


def open_file(submission_id: UUID) -> SubmissionView:
    """A submitted dossier, inside the caller's transaction. Raises `NotFound`, `OwnOrganisation`."""
    file = get_submission(submission_id)
    check_other_organisation(file.organisation_id, current_actor())
    return file


def open_desk(submission_id: UUID) -> Desk:
    """A submitted dossier with all that reviewers know of it. Raises `NotFound`, `OwnOrganisation`."""
    with transaction():
        file = open_file(submission_id)
        sent = list_versions(file.application_id)
        at = next(index for index, one in enumerate(sent) if one.submission_id == submission_id)
        links = list_submitted_links(submission_id)
        evidence: dict[str, list[EvidenceView]] = {}
        for link in links:
            evidence.setdefault(link.target, []).append(link.evidence)
        return Desk(
            file,
            find_listing(file.application_id),
            sent[at],
            sent[at + 1] if at + 1 < len(sent) else None,
            list_verdicts(submission_id),
            list_questions(submission_id),
            list_notes(submission_id),
            evidence,
        )


def dossier_url(submission_id: UUID) -> str:
    return url_for("reviews.show_dossier", submission_id=submission_id)
