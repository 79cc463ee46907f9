"""Keeping the lines of prescriptions and dispensations that come in with their documents."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from dmp_core.cda.document import ClinicalDocument
from dmp_core.models.prescriptions import MedicineLine
from dmp_core.rules.prescriptions.lines import Line, read_lines
from platform_core.database import db


def keep_lines(*, document: ClinicalDocument, document_id: UUID, patient_id: UUID) -> int:
    """Keep what a document prescribes or hands over; how many lines it holds. The transaction is the patient's."""
    lines = read_lines(document, document_id)
    if lines:
        db.session.execute(sa.insert(MedicineLine), [{"patient_id": patient_id, **_columns(one)} for one in lines])
    return len(lines)


def _columns(line: Line) -> Mapping[str, Any]:
    found = asdict(line)
    del found["unique_id"]
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}
