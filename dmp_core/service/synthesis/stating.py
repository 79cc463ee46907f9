"""What the CDA documents of a record state, beyond what is kept apart as entries: acts, lines of prescriptions."""

from collections.abc import Iterator
from dataclasses import replace

from dmp_core.cda.reading import read
from dmp_core.cda.statements import Procedure, Statement
from dmp_core.models.documents import DocumentRow
from dmp_core.queries import documents
from dmp_core.queries.documents import Sought
from dmp_core.rules.documents.asked import Condition
from dmp_core.service.indexing.texts import XML
from platform_core import crypto
from platform_core.blobs import service as blobs
from platform_core.errors import Invalid, TooLarge

MOST = 12
_MOST_BYTES = 2 * 1024 * 1024
_WITH_PROCEDURES = ("synthesis", "hospital-reports")

Stated = tuple[DocumentRow, Statement]


def list_stated(sought: Sought) -> Iterator[Stated]:
    """The statements of the latest CDA documents among those sought, each with its document.

    A dozen documents are opened at the most, none that is too large to be read in a page.
    """
    media = Condition("media", {"types": sorted(XML)})
    found = replace(sought, conditions=(*sought.conditions, media))
    key = crypto.patient_key(sought.patient_id)
    for row in documents.search_documents(found, sort="care", limit=MOST):
        if row.size <= _MOST_BYTES:
            yield from ((row, statement) for statement in _statements(row, key))


def list_procedures(sought: Sought) -> list[tuple[DocumentRow, Procedure]]:
    """The acts performed that summaries and reports state, the latest document first; none that is only planned."""
    kinds = Condition("kinds", {"kinds": list(_WITH_PROCEDURES)})
    found = list_stated(replace(sought, conditions=(*sought.conditions, kinds)))
    return [(row, one) for row, one in found if isinstance(one, Procedure) and not one.planned]


def _statements(row: DocumentRow, key: bytes) -> list[Statement]:
    try:
        return list(read(b"".join(blobs.read(row.blob, key=key))).statements)
    except (Invalid, TooLarge):
        return []
