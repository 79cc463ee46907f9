"""The device grant (RFC 8628): a device asks, a person types its code elsewhere and decides, the device polls."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from consent.service import requests as consent
from consent.workflow import Origin, RequestStatus
from oauth import queries
from oauth.errors import OAuthRefusal
from oauth.models import Device, DeviceGuess
from oauth.rules.clients import Client
from oauth.rules.details import Asked
from oauth.rules.devices import ALPHABET, LENGTH, read_code, write_code
from oauth.rules.requests import read_device_request
from oauth.service import ceilings, tokens
from oauth.service.codes import RedeemedCode
from platform_core import clock, config
from platform_core.access import Actor
from platform_core.crypto import hash_token, lookup_hash
from platform_core.database import db
from platform_core.errors import Conflict, TooManyRequests
from platform_core.ids import opaque, uuid7

LIFETIME = timedelta(seconds=600)
INTERVAL = timedelta(seconds=5)
PAGE = "/appareil"
DONE = f"{PAGE}/fini"
GUESSES, GUESSES_OF_ALL, GUESSED_WITHIN = 5, 1000, timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class WaitingDevice:
    """A device whose code somebody typed. `is_near`: it asked from the internet connection of who typed the code.

    `consent_request_id` is the question that the code led to already, for that person alone.
    """

    id: UUID
    client: Client
    publisher_name: str
    asked: Asked
    is_near: bool
    consent_request_id: UUID | None


def start_device(
    *, client: Client, parameters: Mapping[str, str], jkt: str | None, address: str, now: datetime
) -> dict[str, Any]:
    """The answer to a device that asks for access (§3.2). `jkt` is the key of its proof, if it sent one; `address` is
    where it called from, kept as a hash only. Raises `OAuthRefusal`."""
    scope, asked = read_device_request(
        parameters,
        ceiling=ceilings.get_ceiling(client),
        audience=config.current().base_url + "/fhir",
        today=clock.today(),
    )
    device_code = opaque()
    code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    db.session.add(
        Device(
            client_pk=client.pk,
            device_code_hash=hash_token(device_code),
            user_code_hash=lookup_hash(code),
            scope=scope,
            jkt=jkt,
            asked=asked.to_json(),
            origin_hash=lookup_hash(address),
            created_at=now,
            expires_at=now + LIFETIME,
            seconds_between=int(INTERVAL.total_seconds()),
        )
    )
    db.session.flush()
    page = config.current().base_url + PAGE
    return {
        "device_code": device_code,
        "user_code": write_code(code),
        "verification_uri": page,
        "verification_uri_complete": f"{page}?user_code={write_code(code)}",
        "expires_in": int(LIFETIME.total_seconds()),
        "interval": int(INTERVAL.total_seconds()),
    }


def find_device(*, typed: str, person_id: UUID, address: str, now: datetime) -> WaitingDevice | None:
    """The device of a code that a person typed, wrong guesses counted (§5.1); None for a wrong or dead code.

    Once a code led to a question it is known to that person only. Raises `TooManyRequests` after five wrong codes of
    one person, or a thousand of everybody, within ten minutes.
    """
    _check_guesses(person_id, now)
    row = _of_code(typed, now)
    if row is None or row.person_id not in {None, person_id}:
        db.session.add(DeviceGuess(person_id=person_id, guessed_at=now))
        return None
    client = queries.get_client(row.client_pk)
    return _waiting(row, client, is_near=row.origin_hash == lookup_hash(address))


def find_own_device(*, client: Client, typed: str, now: datetime) -> WaitingDevice:
    """A device that the app itself answers for, in the sandbox. Raises `OAuthRefusal` (`invalid_grant`)."""
    row = _of_code(typed, now)
    if row is None or row.client_pk != client.pk or row.consent_request_id:
        raise OAuthRefusal("invalid_grant", "The user code is unknown, expired or used.")
    return _waiting(row, client, is_near=True)


def hand_over_device(*, device_id: UUID, person_id: UUID, browser_key: str, by: Actor, now: datetime) -> UUID:
    """Put the question of a device before the person who typed its code, once. Returns the id of the consent request.

    Raises `Conflict` (`already-answered`) when somebody was asked meanwhile, `OAuthRefusal` (`unauthorized_client`).
    """
    row = db.session.scalars(sa.select(Device).where(Device.id == device_id).with_for_update()).one()
    if row.consent_request_id is not None or row.expires_at <= now:
        raise Conflict("This code was used already.", code="already-answered")
    client = queries.get_client(row.client_pk)
    asked = Asked.from_json(row.asked)
    row.person_id = person_id
    row.consent_request_id = consent.open_request(
        app=ceilings.app_facts(client),
        items=asked.items,
        ceiling=ceilings.get_ceiling(client),
        purpose=asked.purpose,
        valid_until=asked.valid_until,
        origin=Origin.DEVICE,
        resume_path=DONE,
        expires_at=row.expires_at,
        browser_key=browser_key,
        by=by,
    )
    return row.consent_request_id


def poll(*, client: Client, device_code: str, jkt: str | None, now: datetime) -> dict[str, Any]:
    """The token response of a device whose person granted, once. The first poll binds the code to its key.

    Raises `OAuthRefusal` (§3.5): `authorization_pending`, `slow_down`, `access_denied`, `expired_token`, and
    `invalid_grant` for a code that is unknown, used, another client's, or bound to another key.
    """
    query = sa.select(Device).where(Device.device_code_hash == hash_token(device_code)).with_for_update()
    row = db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if row is None or row.client_pk != client.pk or row.finished_at is not None:
        raise OAuthRefusal("invalid_grant", "The device code is unknown, used or another client's.")
    tokens.check_key(row.jkt, jkt, "the device code")
    row.jkt = jkt
    _keep_pace(row, now)
    outcome = _outcome(row, now)
    row.finished_at = now
    if outcome.outcome is not RequestStatus.GRANTED:
        raise OAuthRefusal("access_denied", "The request was not granted.")
    granted = RedeemedCode(
        id=uuid7(),
        redirect_uri="",
        code_challenge="",
        jkt=jkt,
        scope=row.scope,
        nonce=None,
        patient_id=outcome.patient_id,
        person_id=outcome.person_id,
        grant_id=outcome.grant_id,
        assurance=outcome.assurance,
        signed_in_at=outcome.decided_at or now,
    )
    return tokens.issue_for_grant(client=client, granted=granted, jkt=jkt, now=now)


def forget_devices(before: datetime) -> None:
    """Delete the devices that ended before this instant, and wrong codes as old."""
    db.session.execute(sa.delete(Device).where(Device.expires_at < before))
    db.session.execute(sa.delete(DeviceGuess).where(DeviceGuess.guessed_at < before))


def _of_code(typed: str, now: datetime) -> Device | None:
    code = read_code(typed)
    if code is None:
        return None
    query = sa.select(Device).where(Device.user_code_hash == lookup_hash(code), Device.expires_at > now)
    return db.session.scalars(query).one_or_none()


def _waiting(row: Device, client: Client, *, is_near: bool) -> WaitingDevice:
    publisher_name = ceilings.app_facts(client).publisher_name
    asked = Asked.from_json(row.asked)
    return WaitingDevice(row.id, client, publisher_name, asked, is_near, row.consent_request_id)


def _check_guesses(person_id: UUID, now: datetime) -> None:
    """Guesses of one person wait for one another: parallel ones are counted too."""
    lock = sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"oauth:device:{person_id}", 0))
    db.session.execute(sa.select(lock))
    recent = sa.select(
        sa.func.count().filter(DeviceGuess.person_id == person_id), sa.func.count(), sa.func.min(DeviceGuess.guessed_at)
    ).where(DeviceGuess.guessed_at > now - GUESSED_WITHIN)
    own, every, oldest = db.session.execute(recent).one()
    if own >= GUESSES or every >= GUESSES_OF_ALL:
        raise TooManyRequests("Too many wrong codes were typed.", retry_at=oldest + GUESSED_WITHIN)


def _keep_pace(row: Device, now: datetime) -> None:
    """Two polls at once, or nearer than agreed, lengthen the interval by five seconds (§3.5)."""
    seen, row.polled_at = row.polled_at, now
    if seen is not None and now < seen + timedelta(seconds=row.seconds_between):
        row.seconds_between += int(INTERVAL.total_seconds())
        raise OAuthRefusal("slow_down", f"Poll every {row.seconds_between} seconds.")


def _outcome(row: Device, now: datetime) -> consent.RequestOutcome:
    """What the person decided. A question dies with its device code: unanswered, it is no refusal."""
    if row.consent_request_id is not None:
        try:
            outcome = consent.take_decision(request_id=row.consent_request_id, browser_key=None)
        except Conflict:
            pass
        else:
            if outcome.outcome not in {RequestStatus.EXPIRED, RequestStatus.ABANDONED}:
                return outcome
    if row.expires_at <= now:
        raise OAuthRefusal("expired_token", "The device code has expired: start again.")
    raise OAuthRefusal("authorization_pending", "The person has not answered yet.")
