"""When somebody else acted first: what they did, what was typed here, and what may be done with it."""

from uuid import UUID

from flask import render_template

from identity_core.sessions import current_actor
from platform_core.database import transaction
from store.pages.reviewer.desk import open_file
from store.queries.history import list_history
from store.workflow import FINAL


def show_conflict(submission_id: UUID, *, act: str, text: str = "", chosen: str = "") -> tuple[str, int]:
    """The page that a person gets whose act came second, 409.

    `act` is the verb that they tried, `text` and `chosen` (an opinion) what they had typed: they may keep the text as
    an internal note. The last acts of others tell what happened.
    """
    by = current_actor()
    with transaction():
        file = open_file(submission_id)
        history = [
            one for one in list_history(file.application_id, internal=True) if one.submission_id == submission_id
        ]
    page = render_template(
        "store/reviewer/conflict.html",
        file=file,
        act=act,
        text=text,
        chosen=chosen,
        happened=history[:3],
        may_note=file.state not in FINAL or bool(by.roles & {"reviewer", "decider", "commission"}),
    )
    return page, 409
