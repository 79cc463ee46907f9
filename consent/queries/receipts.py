"""Reads: the signed receipts of a consent, and the verification of one that somebody shows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from joserfc import jws
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import ECKey

from consent.models import ConsentReceipt
from consent.rules import receipts
from consent.rules.receipts import Verdict
from platform_core import signing
from platform_core.database import db
from platform_core.errors import NotFound


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """A receipt that was given: `told` is what it says, `jws` proves it."""

    number: int
    version: int
    kind: str
    issued_at: datetime
    jws: str

    @property
    def told(self) -> dict[str, Any]:
        told: dict[str, Any] = orjson.loads(jws.extract_compact(self.jws.encode()).payload)
        return told

    @property
    def evidence(self) -> dict[str, Any]:
        """The file that a patient keeps."""
        return receipts.evidence(self.jws, self.told)


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verification found; `told` is what an authentic receipt says."""

    verdict: Verdict
    told: Mapping[str, Any] | None = None
    newest: int | None = None


def list_receipts(patient_id: UUID, grant_id: UUID) -> list[ReceiptView]:
    """The receipts of a consent, the newest first."""
    query = sa.select(ConsentReceipt).where(
        ConsentReceipt.patient_id == patient_id, ConsentReceipt.consent_id == grant_id
    )
    return [_view(row) for row in db.session.scalars(query.order_by(ConsentReceipt.number.desc()))]


def get_receipt(patient_id: UUID, grant_id: UUID, number: int) -> ReceiptView:
    """One receipt of a consent. Raises `NotFound`."""
    row = db.session.get(ConsentReceipt, (patient_id, grant_id, number))
    if row is None:
        raise NotFound("This receipt does not exist.")
    return _view(row)


def get_receipt_of_version(patient_id: UUID, grant_id: UUID, version: int) -> ReceiptView:
    """The receipt of the decision that made a version. Raises `NotFound`."""
    for receipt in list_receipts(patient_id, grant_id):
        if receipt.version == version and receipt.kind in {"granted", "amended"}:
            return receipt
    raise NotFound("This version of the consent has no receipt.")


def public_keys() -> dict[str, ECKey]:
    """Every key that ever signed a receipt, by its id: receipts outlive the keys that made them."""
    return {jwk["kid"]: ECKey.import_key(jwk) for jwk in signing.public_jwks("receipt", every=True)["keys"]}


def check_signed(signed: str, keys: Mapping[str, ECKey]) -> Verification:
    """Whether the platform signed these very bytes as a receipt."""
    try:
        header = jws.extract_compact(signed.encode()).headers()
        key = keys.get(str(header.get("kid")))
        if key is None:
            return Verification(Verdict.UNKNOWN_KEY)
        told = orjson.loads(jws.deserialize_compact(signed, key, algorithms=["ES256"]).payload)
    except BadSignatureError:
        return Verification(Verdict.ALTERED)
    except (JoseError, ValueError, TypeError):
        return Verification(Verdict.UNREADABLE)
    if header.get("typ") != receipts.TYP:
        return Verification(Verdict.UNREADABLE)
    return Verification(Verdict.VALID, told)


def verify_receipt(shown: str) -> Verification:
    """Judge what somebody shows: a compact JWS, or the file that holds a receipt and its signed form.

    Nothing of it is kept. Only of an authentic receipt is it told whether the consent has a newer one.
    """
    try:
        signed, beside = receipts.read_evidence(shown)
    except (ValueError, RecursionError):
        return Verification(Verdict.UNREADABLE)
    found = check_signed(signed, public_keys())
    if found.told is None:
        return found
    if beside is not None and json.dumps(beside, sort_keys=True) != json.dumps(found.told, sort_keys=True):
        return Verification(Verdict.ALTERED)
    newest = db.session.scalar(sa.select(sa.func.consent_last_receipt(UUID(found.told["record_id"]))))
    older = newest is not None and newest > found.told["receipt_number"]
    return Verification(Verdict.OLDER if older else Verdict.VALID, found.told, newest)


def _view(row: ConsentReceipt) -> ReceiptView:
    return ReceiptView(row.number, row.version, row.kind, row.issued_at, row.jws)
