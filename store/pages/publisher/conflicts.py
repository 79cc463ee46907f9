"""When the publisher's act came second: what was done meanwhile, what they had written, and how to go on."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from flask import render_template, request

from identity_core.sessions import current_actor
from platform_core.database import transaction
from store.pages.publisher import attachments
from store.pages.publisher.questions import say_subject
from store.pages.publisher.versions import say_change
from store.queries.history import HistoryEntry, list_history
from store.queries.questions import list_questions
from store.queries.submissions import SubmissionView, get_own_submission
from store.queries.versions import find_last_version
from store.rules.changes import list_changes
from store.workflow import QuestionState

Row = tuple[str, str, str]


def show_late_writing(application_id: UUID, *, title: str, rows: Iterable[Row]) -> tuple[str, int]:
    """The page that a person gets who writes in a part of the dossier that was closed meanwhile, 409.

    `rows` are the fields that differ: what each is called, what the dossier holds, what was typed. The form posts
    again what was posted, should the part be open once more.
    """
    with transaction():
        file = get_own_submission(application_id, by=current_actor())
        happened = _list_happened(file)
    posted = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    page = render_template(
        "store/publisher/late_writing.html", file=file, title=title, rows=list(rows), posted=posted, happened=happened
    )
    return page, 409


def show_late_sending(application_id: UUID) -> tuple[str, int]:
    """The page that a person gets whose dossier could not be sent because of somebody else's act, 409.

    The questions that were asked meanwhile, or what was recorded; and what they were about to send.
    """
    with transaction():
        file = get_own_submission(application_id, by=current_actor())
        asked = [one for one in list_questions(file.id) if one.state is QuestionState.OPEN]
        sent, files = find_last_version(file.id), attachments.list_files()
        happened = _list_happened(file)
    changes = list_changes(sent.dossier, file.dossier) if sent else []
    page = render_template(
        "store/publisher/late_sending.html",
        file=file,
        tab="questions",
        asked=asked,
        subjects={one.id: say_subject(file, one) for one in asked},
        files=files,
        happened=happened,
        changes=[say_change(change, file.grid_version) for change in changes],
    )
    return page, 409


def _list_happened(file: SubmissionView) -> Sequence[HistoryEntry]:
    """The last acts on this submission, the newest first."""
    return [one for one in list_history(file.application_id) if one.submission_id == file.id][:3]
