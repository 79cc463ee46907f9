"""What a person chose: which topics of which space are announced to them by e-mail, and how often a digest comes."""

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from notification_core import queries
from notification_core.categories import OPTIONAL, Topic
from notification_core.models import Digest, Preference
from notification_core.rules.limits import DIGESTS
from platform_core import config, crypto
from platform_core.database import bind_patient, db
from platform_core.errors import Forbidden, Invalid, NotFound

_USE = b"notification:unsubscription"


@dataclass(frozen=True, slots=True)
class Subscription:
    """What the token of an e-mail lets its reader stop, and nothing else."""

    patient_id: UUID
    person_id: UUID
    topic: Topic


def choose(*, patient_id: UUID, person_id: UUID, by_email: Collection[Topic], digest_days: int) -> None:
    """Choose which topics of a space are announced by e-mail to a person, and the days between two digests.

    Every other topic that may be declined is. Raises `Invalid` (`unknown-frequency`), `Forbidden` (`not-a-reader`) for
    somebody who is not written to about this space.
    """
    if not queries.is_reader(patient_id=patient_id, person_id=person_id):
        raise Forbidden("You are not written to about this space.", code="not-a-reader")
    if digest_days not in DIGESTS:
        raise Invalid("A digest comes every 30, 90 or 180 days.", code="unknown-frequency")
    _prefer(patient_id, person_id, {topic: topic in by_email for topic in OPTIONAL})
    chosen = insert(Digest).values(patient_id=patient_id, every_days=digest_days)
    db.session.execute(chosen.on_conflict_do_update(index_elements=["patient_id"], set_={"every_days": digest_days}))


def unsubscribe(*, token: str, everything: bool = False) -> None:
    """Stop the e-mails on the topic of a token, or on every topic that may be declined. Raises `NotFound`."""
    found = read_unsubscription(token)
    bind_patient(found.patient_id)
    topics = OPTIONAL if everything else (found.topic,)
    _prefer(found.patient_id, found.person_id, dict.fromkeys(topics, False))


def unsubscription(*, patient_id: UUID, person_id: UUID, topic: Topic) -> str:
    """The token by which the reader of an e-mail stops those like it, without signing in: unguessable, for that only.

    Nothing of it is stored. Its key does not change with the master key: the link of an old e-mail goes on working.
    """
    return crypto.base64url(crypto.encrypt(_key(), patient_id.bytes + person_id.bytes + topic.encode(), _USE))


def read_unsubscription(token: str) -> Subscription:
    """What a token lets its bearer stop. Raises `NotFound` (`unsubscription-unknown`) when it is not one of ours."""
    try:
        plain = crypto.decrypt(_key(), urlsafe_b64decode(token + "=" * (-len(token) % 4)), _USE)
    except (ValueError, binascii.Error):
        raise NotFound("This link is not one of ours, or was cut.", code="unsubscription-unknown") from None
    return Subscription(UUID(bytes=plain[:16]), UUID(bytes=plain[16:32]), Topic(plain[32:].decode()))


def _prefer(patient_id: UUID, person_id: UUID, by_email: dict[Topic, bool]) -> None:
    rows = [
        {"patient_id": patient_id, "person_id": person_id, "topic": topic, "by_email": wanted}
        for topic, wanted in by_email.items()
    ]
    new = insert(Preference)
    key = ["patient_id", "person_id", "topic"]
    db.session.execute(new.on_conflict_do_update(index_elements=key, set_={"by_email": new.excluded.by_email}), rows)


def _key() -> bytes:
    return crypto.derive_key(config.current().pseudonym_key, "unsubscription")
