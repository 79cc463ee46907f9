"""Taking away every row that a patient leaves in the database, batch after batch.

Which tables have rows of a patient is read from the catalogue of the database: one that comes later is emptied too,
unless it is spared here with a reason.
"""

from uuid import UUID

from platform_core.database import run

SPARED = {
    "core_journal": "who reached the record is kept three years: by then it names apps and professionals, and an id",
    "identity_person": "others name the id; its subject and address are blanked when the person is forgotten",
}
"""The tables whose rows stay, and why. `core_audit` and `identity_patient` have no owner column: names are blanked."""

MOST = 5_000


def destroy_batch(patient_id: UUID) -> int:
    """Delete some rows of a patient, or blank some names in the audit, as the batch role; 0 once there are none.

    PostgreSQL refuses it unless the space is being destroyed.
    """
    values = {"patient": patient_id, "spared": sorted(SPARED), "most": MOST}
    return int(run("SELECT ens_destroy_rows(%(patient)s, %(spared)s::text[], %(most)s)", values)[0][0])
