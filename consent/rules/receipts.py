"""What a receipt says, and how one that is shown is read back. A profile of the consent receipt of ISO/IEC TS 27560.

Its JSON Schema is published at `/api/v1/schemas/consent-receipt`.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from consent.rules import texts
from consent.workflow import Status

PROFILE = "ens-consent-receipt-1"
TYP = "ens-consent-receipt+jws"
"""The `typ` of the JWS (RFC 7515 §4.1.9): no other thing that the platform signs passes for a receipt."""

STATES: Mapping[str, tuple[str, Status | None]] = {
    "granted": ("given", Status.ACTIVE),
    "amended": ("given", None),
    "paused": ("suspended", Status.PAUSED),
    "resumed": ("given", Status.ACTIVE),
    "revoked": ("withdrawn", Status.REVOKED),
    "expired": ("expired", Status.EXPIRED),
    "ended": ("terminated", Status.ENDED),
}
"""The acts that give a receipt: the state of the consent in the words of the profile, and the status they leave."""

SCHEMA: Mapping[str, Any] = json.loads(
    (Path(__file__).parent.parent / "data" / "consent-receipt.schema.json").read_text("utf-8")
)
_EVIDENCE = ("receipt", "jws")


class Verdict(StrEnum):
    """What a verification finds. `OLDER`: authentic, but the same consent has a newer receipt."""

    VALID = "valid"
    OLDER = "older"
    ALTERED = "altered"
    UNKNOWN_KEY = "unknown-key"
    UNREADABLE = "unreadable"


def content(
    *, issuer: str, principal: str, app_id: str, version: Mapping[str, Any], event: Mapping[str, Any]
) -> dict[str, Any]:
    """The receipt of one act. `principal` is the patient as the app alone knows them; no matricule is in it.

    `version` and `event` are the columns of the rows that the act stands in; both parts are compared with the rows
    again when consents are verified.
    """
    snapshot = version["snapshot"]
    return {
        "schema": f"{issuer}/api/v1/schemas/consent-receipt",
        "profile": PROFILE,
        "issuer": issuer,
        "record_id": str(version["consent_id"]),
        "receipt_number": event["sequence"],
        "pii_principal_id": principal,
        "party_identification": [
            {"role": "pii_controller", "name": "Espace numérique de santé", "id": issuer},
            {"role": "recipient", "name": snapshot["app"], "id": f"urn:uuid:{app_id}", "owner": snapshot["publisher"]},
        ],
        "pii_processing": processing(version),
        "event": event_part(event),
    }


def processing(version: Mapping[str, Any]) -> dict[str, Any]:
    """What one version of a consent allows, and the decision behind it."""
    snapshot = version["snapshot"]
    return {
        "version": version["version"],
        "lawful_basis": ["GDPR-6-1-a", "GDPR-9-2-a"],
        "jurisdiction": "FR",
        "purpose": snapshot["purpose"],
        "valid_until": snapshot["valid_until"],
        "items": snapshot["items"],
        **({"referencing": snapshot["referencing"]} if "referencing" in snapshot else {}),
        "privacy_notice": {
            "id": version["text_version"],
            "language": version["locale"],
            "sha256": texts.load(version["text_version"]).digest,
            "shown_sha256": version["text_hash"].hex(),
        },
        "withdrawal_method": f"/espace/applications/{version['consent_id']}/revocation",
        "decision": {
            "time": version["decided_at"].isoformat(),
            "role": version["decider_kind"],
            "name": version["decider_name"],
            "acr": version["assurance"],
        },
    }


def event_part(event: Mapping[str, Any]) -> dict[str, Any]:
    """The act itself; `chain_sha256` ties the receipt to the chain of the consent's events."""
    return {
        "type": event["kind"],
        "state": STATES[event["kind"]][0],
        "time": event["occurred_at"].isoformat(),
        "role": event["actor_kind"],
        "name": event["actor_name"],
        "details": event["details"],
        "chain_sha256": event["hash"].hex(),
    }


def evidence(jws: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """The file that a patient keeps: the receipt to read, and the signed form that proves it."""
    return dict(zip(_EVIDENCE, (told, jws), strict=True))


def read_evidence(text: str) -> tuple[str, Any]:
    """The signed form in what somebody shows, and the receipt that stands beside it, if any.

    A bare compact JWS is read too. Raises `ValueError` when it is neither.
    """
    stripped = text.strip()
    if not stripped.startswith("{"):
        return stripped, None
    found = json.loads(stripped)
    if not isinstance(found.get("jws"), str):
        raise ValueError("There is no signed receipt in this file.")
    return found["jws"], found.get("receipt")
