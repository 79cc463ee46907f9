"""Writing a decision: a new consent, or a new version of the live one of that patient and app."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from consent.models import Consent, ConsentItem, ConsentUsage, ConsentVersion
from consent.queries import consent_time, get_state, get_version
from consent.rules import choices, texts
from consent.rules.calendar import end_of, paris_day
from consent.service import deciders, lifecycle, places
from consent.service.history import record_act
from consent.workflow import LIVE, Status
from platform_core import clock
from platform_core.access import Access, Actor
from platform_core.categories import registry
from platform_core.database import db
from platform_core.errors import Conflict, Invalid
from platform_core.permission import ONCE, PermissionItem, Purpose, period_to_json

Key = tuple[str, Access]


@dataclass(frozen=True, slots=True)
class Terms:
    """What was decided. `reasons` are the approved sentences that say why the app asks each item; `referencing` is what
    the screen told of the app besides, from its approved dossier."""

    app_id: UUID
    client_pk: UUID
    environment: str
    app_name: str
    publisher_name: str
    purpose: Purpose
    items: Sequence[PermissionItem]
    valid_until: date
    reasons: Mapping[Key, str]
    referencing: Mapping[str, Any] = field(default_factory=dict)


def grant(
    *, patient_id: UUID, terms: Terms, by: Actor, amended: UUID | None = None, kept: Collection[PermissionItem] = ()
) -> Consent:
    """Give the app what the terms say: amend the live consent of this patient and app, or make one.

    `amended` is the consent that the app asked to amend, if it named one; `kept` are those of the items that stay as
    they were, undecided. Granting again an item that is `once` and used up gives it a fresh window; no other counter
    starts again. What somebody decides for the patient ends with their right to. The transaction is bound to the
    patient.

    Raises `Conflict` (`not-live`) when the named consent is not the live one, `Invalid` (`already-over`), `PilotClosed`
    when the app is a pilot that this patient may not enter.
    """
    now = consent_time(client_pk=terms.client_pk, patient_id=patient_id)
    deciders.check_decider(terms.items, by=by)
    terms = replace(terms, valid_until=deciders.longest_for(terms.valid_until, by=by))
    if end_of(terms.valid_until) <= now:
        raise Invalid("The end that was chosen has passed.", code="already-over")
    live = lock_present(patient_id, terms.app_id, now)
    if amended and (live is None or live.id != amended):
        raise Conflict("The consent to amend has ended.", code="not-live")
    if live is None:
        return _create(patient_id, terms, by, now)
    live.client_pk = terms.client_pk
    live.app_name, live.publisher_name = terms.app_name, terms.publisher_name
    decided = choices.without(terms.items, list(kept))
    _amend(live, terms, by, rearmed={_key(item) for item in decided if item.periodicity == ONCE}, now=now)
    return live


def amend_consent(
    *, patient_id: UUID, grant_id: UUID, items: Sequence[PermissionItem], valid_until: date, by: Actor
) -> Consent:
    """The patient narrows a live consent: drops items, shortens history or duration, lowers a frequency.

    Raises `NotFound`, `Conflict` (`transition-refused`), `Invalid` (`nothing-chosen`, `wider-than-asked`,
    `already-over`).
    """
    consent = lifecycle.lock_live(patient_id, grant_id)
    state = get_state(patient_id, grant_id)
    now = consent_time(client_pk=consent.client_pk, patient_id=patient_id)
    choices.check_narrowed(items, state.permissions)
    if valid_until > state.valid_until:
        raise Invalid("A consent is lengthened by a fresh decision only.", code="wider-than-asked")
    if valid_until < paris_day(now):
        raise Invalid("The end that was chosen has passed.", code="already-over")
    before = {_key(item): item.periodicity for item in state.permissions}
    terms = _present_terms(consent, items, valid_until)
    newly_once = {_key(item) for item in items if item.periodicity == ONCE and before[_key(item)] != ONCE}
    _amend(consent, terms, by, rearmed=newly_once, now=now)
    return consent


def lock_present(patient_id: UUID, app_id: UUID, now: datetime) -> Consent | None:
    """The live consent, locked. Decisions of one patient about one app wait for one another."""
    lock = sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"consent:{patient_id}:{app_id}", 0))
    db.session.execute(sa.select(lock))
    query = sa.select(Consent).where(
        Consent.patient_id == patient_id, Consent.app_id == app_id, Consent.status.in_(LIVE)
    )
    live = db.session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    present = get_state(patient_id, live.id, now).stored if live else None
    if live and present is Status.EXPIRED:
        lifecycle.expire(live, reason="date" if live.valid_until <= now else "exhausted")
        return None
    return live


def _create(patient_id: UUID, terms: Terms, by: Actor, now: datetime) -> Consent:
    if terms.environment == "production":
        places.take_place(app_id=terms.app_id, patient_id=patient_id)
    consent = Consent(
        patient_id=patient_id,
        app_id=terms.app_id,
        client_pk=terms.client_pk,
        environment=terms.environment,
        app_name=terms.app_name,
        publisher_name=terms.publisher_name,
        status=Status.ACTIVE,
        version=1,
        purpose=terms.purpose,
        valid_from=now,
        valid_until=end_of(terms.valid_until),
    )
    db.session.add(consent)
    db.session.flush()
    _write_items(consent, terms.items)
    _write_version(consent, terms, by)
    record_act(consent, "granted", by=by)
    return consent


def _amend(consent: Consent, terms: Terms, by: Actor, *, rearmed: set[Key], now: datetime) -> None:
    consent.version += 1
    consent.purpose = terms.purpose
    consent.valid_until = end_of(terms.valid_until)
    _write_items(consent, terms.items)
    _rearm(consent, rearmed, now)
    _write_version(consent, terms, by)
    lifecycle.amend(consent, by=by)


def _write_items(consent: Consent, items: Sequence[PermissionItem]) -> None:
    """Replace the items; their usage stays, keyed by category and access."""
    own = ConsentItem.patient_id == consent.patient_id, ConsentItem.consent_id == consent.id
    db.session.execute(sa.delete(ConsentItem).where(*own))
    rows = [
        {
            "patient_id": consent.patient_id,
            "consent_id": consent.id,
            "category": item.category,
            "access": str(item.access),
            "data_from": item.data.start,
            "data_to": item.data.end,
            "periodicity_kind": str(item.periodicity.kind),
            "periodicity_max": item.periodicity.most,
            "periodicity_unit": item.periodicity.unit and str(item.periodicity.unit),
        }
        for item in items
    ]
    db.session.execute(sa.insert(ConsentItem), rows)


def _rearm(consent: Consent, keys: set[Key], now: datetime) -> None:
    """Give a fresh single window to those of these items whose own has ended."""
    used_up = sa.update(ConsentUsage).where(
        ConsentUsage.patient_id == consent.patient_id,
        ConsentUsage.consent_id == consent.id,
        sa.tuple_(ConsentUsage.category, ConsentUsage.access).in_([(c, str(a)) for c, a in keys]),
        ConsentUsage.once_until <= now,
    )
    db.session.execute(used_up.values(once_until=None))


def _write_version(consent: Consent, terms: Terms, by: Actor) -> None:
    shown_texts = texts.load()
    snapshot = {
        "app": terms.app_name,
        "publisher": terms.publisher_name,
        "purpose": str(terms.purpose),
        "valid_until": terms.valid_until.isoformat(),
        "items": [describe_item(item, terms.reasons.get(_key(item), "")) for item in terms.items],
        **({"referencing": dict(terms.referencing)} if terms.referencing else {}),
    }
    db.session.add(
        ConsentVersion(
            patient_id=consent.patient_id,
            consent_id=consent.id,
            version=consent.version,
            decided_at=clock.now(),
            decided_by=by.id,
            decider_kind=str(by.kind),
            decider_name=by.name,
            assurance=by.assurance,
            locale=shown_texts.locale,
            text_version=shown_texts.version,
            text_hash=texts.hash_shown(shown_texts, snapshot),
            snapshot=snapshot,
        )
    )
    db.session.flush()


def describe_item(item: PermissionItem, why: str) -> dict[str, Any]:
    """An item and the words for it that the patient reads, as versions and receipts keep them."""
    category, shown_texts = registry.get(item.category), texts.load()
    return {
        **item.to_json(),
        "label": category.short_fr,
        "description": category.long_fr,
        "action": shown_texts.access(item.access),
        "frequency": shown_texts.frequency(item.periodicity),
        "why": why,
        "data_period": period_to_json(item.data),
    }


def _present_terms(consent: Consent, items: Sequence[PermissionItem], valid_until: date) -> Terms:
    """The terms of the present version with other items: nothing else may change without a fresh decision."""
    snapshot = get_version(consent.patient_id, consent.id, consent.version).snapshot
    return Terms(
        consent.app_id,
        consent.client_pk,
        consent.environment,
        consent.app_name,
        consent.publisher_name,
        Purpose(consent.purpose),
        items,
        valid_until,
        {(item["category"], Access(item["access"])): item["why"] for item in snapshot["items"]},
        snapshot.get("referencing", {}),
    )


def _key(item: PermissionItem) -> Key:
    return item.category, item.access
