"""The files of evidence that a publisher joins to an answer."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from flask import request

from identity_core.sessions import current_actor
from store.queries.evidence import EvidenceView, list_evidence


def list_files() -> Mapping[UUID, EvidenceView]:
    """The files of the organisation by id, the newest first, superseded ones too. Inside a transaction."""
    organisation_id = current_actor().organisation_id
    found: Sequence[EvidenceView] = list_evidence(organisation_id=organisation_id) if organisation_id else ()
    return {one.id: one for one in found}


def chosen() -> list[UUID]:
    """The ids ticked in the posted form."""
    return request.form.getlist("evidence", type=UUID)
