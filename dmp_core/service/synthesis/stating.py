"""The acts that the CDA documents of a record state: no entry of the record keeps them apart."""

from collections.abc import Iterator
from dataclasses import replace

from dmp_core.cda.reading import read
from dmp_core.cda.statements import Procedure
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


def list_procedures(sought: Sought) -> list[tuple[DocumentRow, Procedure]]:
    """The acts performed that summaries and reports state, the latest document first; none that is only planned.

    A dozen of the documents sought are opened at the most, none that is too large to be read in a page.
    """
    kinds = Condition("kinds", {"kinds": list(_WITH_PROCEDURES)})
    media = Condition("media", {"types": sorted(XML)})
    found = replace(sought, conditions=(*sought.conditions, kinds, media))
    key = crypto.patient_key(sought.patient_id)
    rows = [row for row in documents.search_documents(found, sort="care", limit=MOST) if row.size <= _MOST_BYTES]
    return [(row, act) for row in rows for act in _procedures(row, key) if not act.planned]


def _procedures(row: DocumentRow, key: bytes) -> Iterator[Procedure]:
    try:
        stated = read(b"".join(blobs.read(row.blob, key=key))).statements
    except (Invalid, TooLarge):
        return
    yield from (one for one in stated if isinstance(one, Procedure))
