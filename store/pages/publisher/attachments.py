"""The files of evidence that a publisher joins to an answer: ticked among those filed, or sent with the answer."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from uuid import UUID

from flask import Blueprint, request
from werkzeug.exceptions import RequestEntityTooLarge

from identity_core.sessions import current_actor
from platform_core import config
from platform_core.access import Actor
from platform_core.uploads import Upload
from store.pages.evidence.files import check_dates, limit_body, read_typed, refuse_large_body
from store.queries.evidence import EvidenceView, list_evidence
from store.rules.evidence import KINDS
from store.service import evidence

REFUSALS = frozenset({409, 413, 415, 422})
"""The statuses of what an answer and its file may be refused for, and that its page tells."""


def accept(blueprint: Blueprint) -> None:
    """Let the forms of a blueprint bring a file, within the limits of evidence and no more."""
    blueprint.url_value_preprocessor(limit_body)
    blueprint.register_error_handler(RequestEntityTooLarge, refuse_large_body)


def list_files() -> Mapping[UUID, EvidenceView]:
    """The files of the organisation by id, the newest first, superseded ones too. Inside a transaction."""
    organisation_id = current_actor().organisation_id
    found: Sequence[EvidenceView] = list_evidence(organisation_id=organisation_id) if organisation_id else ()
    return {one.id: one for one in found}


def chosen() -> list[UUID]:
    """The ids ticked in the posted form."""
    return request.form.getlist("evidence", type=UUID)


def received() -> AbstractContextManager[Upload | None]:
    """The file posted with the form, looked into before the transaction opens; None without one."""
    posted = request.files.get("file")
    if posted is None or not posted.filename:
        return nullcontext()
    return evidence.receive_file(posted.stream, posted.filename)


def join(upload: Upload | None, *, by: Actor) -> list[UUID]:
    """The ids ticked, and that of the file received, which is filed as evidence under its own name unless titled.

    Raises `Invalid` (`evidence-invalid`).
    """
    if upload is None:
        return chosen()
    typed = read_typed()
    check_dates(typed)
    added = evidence.add_evidence(
        upload=upload,
        kind=typed.kind,
        title=typed.title or upload.name,
        valid_from=typed.valid_from,
        valid_until=typed.valid_until,
        by=by,
    )
    return [*chosen(), added]


def describe(kind: str = "") -> Mapping[str, Any]:
    """What the block that asks for a file shows: the choices, the limits, what was typed; `kind` is proposed first."""
    typed = read_typed()
    return {
        "kinds": KINDS.values(),
        "kind": typed.kind or kind,
        "typed": typed,
        "most": config.current().evidence_most_bytes // 2**20,
        "accept": ",".join(f".{extension}" for extension in evidence.ACCEPTED),
    }
