"""What the SDK hands out and what an app stores: frozen values, secrets hidden from their repr."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from . import _json
from ._times import parse_instant

Json = dict[str, Any]
Number = Decimal | int | float | str


@dataclass(frozen=True)
class Login:
    """An authorization under way: send the browser to `url`, keep the rest in the user's server-side session
    until the callback. Holds secrets (the PKCE verifier, the key of the grant to come)."""

    url: str
    state: str
    issuer: str
    request_uri: str
    redirect_uri: str
    code_verifier: str = field(repr=False)
    dpop_key: Json | None = field(default=None, repr=False)

    def to_json(self) -> str:
        return _json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Login:
        return cls(**_json.loads(text))


@dataclass(frozen=True)
class Grant:
    """A consent in force seen from the app: store it encrypted, one per patient.

    `patient` is the patient's FHIR id for this app alone; `authorization_details` is what was granted, which
    may be less than what was asked; `expires_at` is the end of the access token, not of the consent.
    """

    grant_id: str
    patient: str
    access_token: str = field(repr=False)
    expires_at: datetime
    refresh_token: str | None = field(default=None, repr=False)
    scope: str = ""
    authorization_details: tuple[Json, ...] = ()
    dpop_key: Json | None = field(default=None, repr=False)

    def to_json(self) -> str:
        return _json.dumps({**asdict(self), "expires_at": self.expires_at.isoformat()})

    @classmethod
    def from_json(cls, text: str | bytes) -> Grant:
        stored = _json.loads(text)
        stored["expires_at"] = parse_instant(stored["expires_at"])
        stored["authorization_details"] = tuple(stored["authorization_details"])
        return cls(**stored)

    def covers(self, category: str, access: str) -> bool:
        """Whether this access ("read" or "write") to this category was granted."""
        return any(
            category in detail.get("datatypes", ()) and access in detail.get("actions", ())
            for detail in self.authorization_details
        )


@dataclass(frozen=True)
class ConsentItem:
    """One line of the consent: a category and an access, its periodicity, and what is left of it in this period.

    `remaining` and `next_window_at` are None when nothing is counted or nothing more will open.
    """

    category: str
    access: str
    data_from: date | None
    data_to: date | None
    periodicity: Json
    used: int
    remaining: int | None
    next_window_at: datetime | None

    @classmethod
    def from_api(cls, item: Json) -> ConsentItem:
        period = item.get("data_period") or {}
        return cls(
            category=item["category"],
            access=item["access"],
            data_from=_date(period.get("from")),
            data_to=_date(period.get("to")),
            periodicity=item["periodicity"],
            used=item.get("used") or 0,
            remaining=item.get("remaining"),
            next_window_at=_instant(item.get("next_window_at")),
        )


@dataclass(frozen=True)
class Consent:
    """The consent as it stands. `status` is active, paused, frozen, revoked, expired or ended; `valid_until`
    its last day, Europe/Paris."""

    grant_id: str
    status: str
    purpose: str
    valid_until: date | None
    items: tuple[ConsentItem, ...]

    @classmethod
    def from_api(cls, body: Json) -> Consent:
        return cls(
            grant_id=body["grant_id"],
            status=body["status"],
            purpose=body["purpose"],
            valid_until=_date(body.get("valid_until")),
            items=tuple(ConsentItem.from_api(item) for item in body["items"]),
        )


DEVICE_KINDS = {
    "generic": "528457",
    "pulse-oximeter": "528388",
    "blood-pressure-monitor": "528391",
    "thermometer": "528392",
    "respiration-monitor": "528397",
    "weight-scale": "528399",
    "glucose-monitor": "528401",
    "body-composition-analyser": "528404",
    "continuous-glucose-monitor": "528409",
    "cardiovascular-device": "528425",
    "activity-hub": "528455",
}


@dataclass(frozen=True, kw_only=True)
class Device:
    """The device that measured. `system` and `identifier` name it for good (`urn:oid:…` of the maker or of the
    app, then the serial number); `kind` is one of DEVICE_KINDS."""

    system: str
    identifier: str
    kind: str = "generic"
    manufacturer: str | None = None
    model: str | None = None
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A measure to write. A blood pressure has `systolic` and `diastolic`, all others `value`; `unit` is the
    UCUM code of the kind and may be left out. Numbers may be int, float, Decimal or text, and keep the
    decimals they were given with.

    `moment` (blood-glucose only, required): fasting, before-meal, after-meal, after-exercise, malaise or other.
    `number_of_days` (interstitial-glucose and gmi only, required): 7, 14, 30, 90 or "other".
    """

    kind: str
    at: datetime
    value: Number | None = None
    unit: str | None = None
    systolic: Number | None = None
    diastolic: Number | None = None
    moment: str | None = None
    number_of_days: int | str | None = None
    reason: str | None = None
    device: Device | None = None


@dataclass(frozen=True, kw_only=True)
class StoredMeasure:
    """A measure read back. Numbers are Decimal, in the unit of the kind; `date_only` says that the record holds
    no time (`at` is then midnight UTC); `resource` is the FHIR Observation as it came."""

    id: str
    kind: str
    at: datetime
    date_only: bool
    unit: str
    value: Decimal | None = None
    systolic: Decimal | None = None
    diastolic: Decimal | None = None
    moment: str | None = None
    number_of_days: int | str | None = None
    reason: str | None = None
    device_reference: str | None = None
    recorded_at: datetime | None = None
    resource: Json = field(repr=False, compare=False)


@dataclass(frozen=True)
class Accepted:
    """A measure written: its place in what was given (from 0) and the id the platform gave it."""

    index: int
    id: str


@dataclass(frozen=True)
class Failed:
    """A measure refused: its place in what was given (from 0), and why."""

    index: int
    code: str
    message: str


@dataclass(frozen=True)
class BatchReport:
    """What became of a series of measures.

    `sent` counts the measures dealt with, accepted or failed, from the first. When `interrupted` holds an
    error, the series stopped there: those from index `sent` on were not acknowledged and may be given again.
    """

    accepted: tuple[Accepted, ...]
    failed: tuple[Failed, ...]
    sent: int
    interrupted: Exception | None = None


@dataclass(frozen=True)
class SandboxPatient:
    """A synthetic patient. `id` names it to the sandbox only; the grant has another one."""

    id: str
    name: str
    birth_date: date
    summary: str


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text[:10]) if text else None


def _instant(text: str | None) -> datetime | None:
    return parse_instant(text) if text else None
