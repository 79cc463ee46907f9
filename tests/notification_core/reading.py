"""What these tests tell people, and the e-mails that come of it."""

from uuid import UUID

from notification_core import queries, service
from platform_core.access import SYSTEM
from platform_core.database import transaction

SECRET = "Glycémie 2,35 g/L transmise par DiabèteConnect"
SECURITY = "notification.address-changed"


def tell(patient_id: UUID, link: str = "", kind: str = "test.told") -> UUID:
    with transaction(patient_id=patient_id):
        told = service.notify(patient_id=patient_id, kind=kind, title=SECRET, body=SECRET, link=link, by=SYSTEM)
    assert told is not None
    return told


def emails() -> list[queries.EmailView]:
    """The newest first."""
    with transaction():
        return list(queries.list_emails())


def recipients() -> list[str]:
    return sorted(email.recipient for email in emails())


def link_in(email: queries.EmailView, path: str) -> str:
    """The path of the link in an e-mail that begins so."""
    (found,) = [word for word in email.body.split() if path in word]
    return path + found.partition(path)[2]
