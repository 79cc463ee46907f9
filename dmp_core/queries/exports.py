"""Everything that the patient, or who acts for them, may see of a record, by pages in the order of the ids."""

from collections.abc import Sequence
from uuid import UUID

from dmp_core.categories import DOCUMENT_KINDS
from dmp_core.models.documents import DocumentRow
from dmp_core.models.entries import EntryRow
from dmp_core.models.measures import MeasureRow
from dmp_core.queries import entries
from dmp_core.queries.documents import Condition, Sought, count_documents, search_documents
from dmp_core.queries.statements import COLUMNS, VALID, rows
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.workflow import ALIVE
from platform_core.database import run
from platform_core.fhir.search import ANY_TIME

FIRST = UUID(int=0)
_MEASURES = f"""
SELECT {COLUMNS} FROM dmp_measure m
 WHERE m.patient_id = %(patient)s AND m.id > %(after)s AND {VALID} ORDER BY m.id LIMIT %(limit)s"""  # noqa: S608


def list_measures_after(*, patient_id: UUID, after: UUID, limit: int) -> Sequence[MeasureRow]:
    """The measures whose id follows one, those hidden from others included."""
    return rows(_MEASURES, {"patient": patient_id, "after": after, "limit": limit})


def list_entries_after(*, patient_id: UUID, viewer: Viewer, after: UUID, limit: int) -> Sequence[EntryRow]:
    """The entries of every kind whose id follows one."""
    statement = (
        f"SELECT {entries.COLUMNS} FROM dmp_entry e WHERE e.patient_id = %(patient)s"  # noqa: S608 - constants only
        f" AND e.id > %(after)s AND {entries.seen(viewer)} ORDER BY e.id LIMIT %(limit)s"
    )
    parameters = {"patient": patient_id, "after": after, "limit": limit, **viewer.parameters}
    return [EntryRow(*row) for row in run(statement, parameters)]


def list_documents_page(*, patient_id: UUID, viewer: Viewer, skip: int, limit: int) -> Sequence[DocumentRow]:
    """Documents, former versions and archives included, oldest first."""
    return search_documents(_all(patient_id, viewer), sort="date", limit=limit, skip=skip)


def count_all_documents(*, patient_id: UUID, viewer: Viewer) -> int:
    """How many there are."""
    return count_documents(_all(patient_id, viewer))


def _all(patient_id: UUID, viewer: Viewer) -> Sought:
    alive = Condition("states", {"codes": sorted(ALIVE)})
    return Sought(patient_id, viewer, dict.fromkeys(DOCUMENT_KINDS, ANY_TIME), (alive,))
