"""Asking for a whole record, and handing it over once it is made."""

from uuid import UUID

from notification_core.service.messages import notify
from platform_core import audit, downloads
from platform_core.access import SYSTEM, Actor
from platform_core.blobs.service import BlobRef
from platform_core.downloads import Download
from platform_core.outbox import enqueue

KIND = "dmp.record"
MAKE = "dmp.make_export"


def ask_export(*, patient_id: UUID, by: Actor) -> Download:
    """Have the whole record made ready to download by who asks; one in the making is not begun again."""
    download, is_new = downloads.ask(patient_id=patient_id, kind=KIND, by=by)
    if is_new:
        enqueue(MAKE, patient_id, download.id)
        audit.record("dmp:export:asked", by=by, object_type="download", object_id=download.id)
    return download


def hand_over(*, patient_id: UUID, download_id: UUID, blob: BlobRef) -> None:
    """Put the archive at the disposal of who asked, and tell the space; nothing the second time."""
    if not downloads.deliver(patient_id=patient_id, download_id=download_id, blob=blob):
        return
    notify(
        patient_id=patient_id,
        kind="dmp.export-ready",
        title="Une copie du dossier est prête",
        body="La copie complète du dossier peut être téléchargée pendant 24 heures par la personne qui l’a demandée, "
        "puis elle est effacée. Si personne n’aurait dû la demander, regardez qui peut agir dans cet espace.",
        link="/espace/dossier/copie",
        by=SYSTEM,
        key=f"dmp.export:{download_id}",
    )


def open_export(*, patient_id: UUID, download_id: UUID, by: Actor) -> BlobRef:
    """The archive, for who asked. Raises `NotFound`."""
    blob = downloads.get_ready(patient_id=patient_id, download_id=download_id, by=by)
    audit.record("dmp:export:downloaded", by=by, object_type="download", object_id=download_id)
    return blob
