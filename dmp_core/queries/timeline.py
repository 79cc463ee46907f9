"""The documents of a record through time, as its viewer sees them: the years that have some, and those of one year."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from dmp_core.rules.documents.visibility import SEEN, Viewer
from dmp_core.rules.episodes import Item
from platform_core.database import run

MOST = 1000
_PRESENT = "d.patient_id = %(patient)s AND d.state = 'current' AND NOT d.archived AND {seen}"
_YEARS = f"""
SELECT extract(year FROM d.effective_at AT TIME ZONE 'Europe/Paris')::int AS year, count(*)
  FROM dmp_document d WHERE {_PRESENT} GROUP BY year ORDER BY year DESC"""  # noqa: S608 - constants only
_OF_YEAR = f"""
SELECT d.id, d.title, d.effective_at, d.author_person, d.author_specialty, d.author_institution
  FROM dmp_document d
 WHERE {_PRESENT} AND d.effective_at >= make_timestamptz(%(year)s, 1, 1, 0, 0, 0, 'Europe/Paris')
   AND d.effective_at < make_timestamptz(%(year)s + 1, 1, 1, 0, 0, 0, 'Europe/Paris')
 ORDER BY d.effective_at DESC, d.id LIMIT %(most)s"""  # noqa: S608 - constants only


class Year(NamedTuple):
    """A year of Paris, and how many documents it has."""

    year: int
    number: int


def list_years(*, patient_id: UUID, viewer: Viewer) -> Sequence[Year]:
    """The years that have documents, the latest first. The transaction is bound to the patient."""
    statement = _YEARS.format(seen=SEEN[viewer.kind])
    return [Year(*row) for row in run(statement, {"patient": patient_id, **viewer.parameters})]


def list_items(*, patient_id: UUID, viewer: Viewer, year: int) -> Sequence[Item]:
    """The documents of a year, the latest first; `MOST` at the most."""
    statement = _OF_YEAR.format(seen=SEEN[viewer.kind])
    asked = {"patient": patient_id, "year": year, "most": MOST, **viewer.parameters}
    return [Item(*row) for row in run(statement, asked)]
