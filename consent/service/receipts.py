"""Giving a receipt: what an act did, signed by the platform, kept for as long as the consent."""

from typing import Any
from uuid import UUID

import orjson

from consent.models import Consent, ConsentReceipt, ConsentVersion
from consent.rules import receipts
from platform_core import clock, config, signing
from platform_core.crypto import pairwise_id
from platform_core.database import db


def issue_receipt(consent: Consent, event: dict[str, Any]) -> None:
    """Sign what `event`, the columns of the row just chained, did to the consent.

    Acts that change nothing of it have no receipt, nor has a consent whose decision nobody wrote.
    """
    key: tuple[UUID, UUID, int] = (consent.patient_id, consent.id, consent.version)
    version = db.session.get(ConsentVersion, key) if event["kind"] in receipts.STATES else None
    if version is None:
        return
    told = receipts.content(
        issuer=config.current().base_url,
        principal=pairwise_id(consent.app_id, consent.patient_id),
        app_id=str(consent.app_id),
        version={column.name: getattr(version, column.name) for column in ConsentVersion.__table__.columns},
        event=event,
    )
    db.session.add(
        ConsentReceipt(
            patient_id=consent.patient_id,
            consent_id=consent.id,
            number=event["sequence"],
            version=consent.version,
            kind=event["kind"],
            issued_at=clock.now(),
            jws=signing.sign_bytes("receipt", "ES256", orjson.dumps(told), typ=receipts.TYP),
        )
    )
    db.session.flush()
