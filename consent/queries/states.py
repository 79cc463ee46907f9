"""Reads: a consent as it stands at a given instant, and everything that a patient has granted."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from consent.models import Consent, ConsentClock, ConsentItem, ConsentUsage
from consent.rules import windows
from consent.rules.calendar import last_day
from consent.rules.cascade import ends_consents
from consent.rules.facts import ConsentFacts, ItemFacts, read_items
from consent.workflow import FINAL, LIVE, Status
from platform_core import clock
from platform_core.access import Access, DatePeriod
from platform_core.database import db
from platform_core.errors import NotFound
from platform_core.permission import Periodicity, PermissionItem, Purpose
from store.queries.listings import ListingView, find_listing, find_listings

FROZEN = "frozen"


@dataclass(frozen=True, slots=True)
class ItemState:
    """One item and its windows at a given instant.

    `used` and `remaining` count the present calendar unit; `remaining` is None where nothing is counted.
    `open_until` ends the window that is open now; `next_window_at` is when a new one may open, None when none will.
    """

    category: str
    access: Access
    data: DatePeriod
    periodicity: Periodicity
    used: int
    remaining: int | None
    next_window_at: datetime | None
    reset_at: datetime | None
    open_until: datetime | None
    exhausted: bool

    @property
    def permission(self) -> PermissionItem:
        return PermissionItem(self.category, self.access, self.data, self.periodicity)


@dataclass(frozen=True, slots=True)
class ConsentState:
    """A consent at a given instant.

    `status` is one of `consent.workflow.Status`, or `frozen` while the app is suspended; `valid_until` is its last day
    (Europe/Paris). `stored` is the status without the suspension; a consent whose app was withdrawn is `ended` at once.
    """

    grant_id: UUID
    patient_id: UUID
    app_id: UUID
    client_pk: UUID
    environment: str
    app_name: str
    publisher_name: str
    status: str
    stored: Status
    version: int
    purpose: Purpose
    valid_from: datetime
    valid_until: date
    presence_until: datetime | None
    closed_at: datetime | None
    items: tuple[ItemState, ...]

    @property
    def is_live(self) -> bool:
        return self.stored in LIVE

    @property
    def permissions(self) -> tuple[PermissionItem, ...]:
        return tuple(item.permission for item in self.items)


def consent_time(*, client_pk: UUID, patient_id: UUID) -> datetime:
    """The instant in which the consents of this client and patient live: real time, but in the sandbox."""
    offset = db.session.scalar(
        sa.select(ConsentClock.offset_seconds).where(
            ConsentClock.client_pk == client_pk, ConsentClock.patient_id == patient_id
        )
    )
    return clock.now() + timedelta(seconds=offset or 0)


def find_patient_of_grant(*, grant_id: UUID, app_id: UUID) -> UUID | None:
    """Whose consent an app means when it names its own grant; None when the grant is not one of this app."""
    return db.session.scalar(sa.select(sa.func.consent_patient_of(grant_id, app_id)))


def get_state(patient_id: UUID, grant_id: UUID, now: datetime | None = None) -> ConsentState:
    """A consent of the patient bound to the transaction, at `now` (default: its own time). Raises `NotFound`."""
    consent = db.session.get(Consent, (patient_id, grant_id))
    if consent is None:
        raise NotFound("This consent does not exist.")
    return _states(patient_id, [consent], now)[0]


def list_states(patient_id: UUID) -> list[ConsentState]:
    """Every consent of the patient bound to the transaction, the newest first."""
    query = sa.select(Consent).where(Consent.patient_id == patient_id).order_by(Consent.valid_from.desc(), Consent.id)
    return _states(patient_id, db.session.scalars(query).all())


def find_live(patient_id: UUID, app_id: UUID) -> ConsentState | None:
    """The live consent of the patient for an app, when there is one."""
    live = sa.select(Consent).where(
        Consent.patient_id == patient_id, Consent.app_id == app_id, Consent.status.in_(LIVE)
    )
    consent = db.session.scalars(live).one_or_none()
    state = _states(patient_id, [consent])[0] if consent else None
    return state if state and state.is_live else None


def _states(patient_id: UUID, consents: Sequence[Consent], now: datetime | None = None) -> list[ConsentState]:
    items = _items(patient_id, [consent.id for consent in consents])
    standings = _standings(_production_apps(consents))
    return [_state(c, items[c.id], now or time_of(c), standings.get(c.app_id)) for c in consents]


def _standings(application_ids: Collection[UUID]) -> dict[UUID, str | None]:
    """What the referencing of each app makes of its live consents: `frozen`, `ended`, or nothing."""
    listings = find_listings(application_ids)
    return {application_id: _standing(listings.get(application_id)) for application_id in application_ids}


def _standing(listing: ListingView | None) -> str | None:
    if listing is not None and listing.is_live:
        return None
    return Status.ENDED if listing is not None and ends_consents(listing.state) else FROZEN


def time_of(consent: Consent | ConsentState) -> datetime:
    """The present instant of a consent: the clock of a sandbox may be ahead of real time."""
    if consent.environment == "production":
        return clock.now()
    return consent_time(client_pk=consent.client_pk, patient_id=consent.patient_id)


def _production_apps(consents: Iterable[Consent]) -> set[UUID]:
    return {c.app_id for c in consents if c.environment == "production" and c.status not in FINAL}


def is_listed(application_id: UUID) -> bool:
    """Whether an app of the store may exchange data today."""
    return _standing(find_listing(application_id)) is None


def _items(patient_id: UUID, grant_ids: Sequence[UUID]) -> dict[UUID, Mapping[tuple[str, Access], ItemFacts]]:
    item, usage = ConsentItem.__table__, ConsentUsage.__table__
    keys = ("patient_id", "consent_id", "category", "access")
    rows = db.session.execute(
        sa.select(*item.c, *(column for column in usage.c if column.name not in keys))
        .join_from(item, usage, sa.and_(*(item.c[key] == usage.c[key] for key in keys)), isouter=True)
        .where(item.c.patient_id == patient_id, item.c.consent_id.in_(grant_ids))
        .order_by(item.c.category, item.c.access)
    ).mappings()
    grouped: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[row["consent_id"]].append(row)
    return defaultdict(dict, {grant_id: read_items(found) for grant_id, found in grouped.items()})


def _state(
    consent: Consent, items: Mapping[tuple[str, Access], ItemFacts], now: datetime, standing: str | None
) -> ConsentState:
    facts = ConsentFacts(
        consent.id, consent.patient_id, Status(consent.status), consent.valid_until, consent.presence_until, items
    )
    stored = windows.present_status(facts, now)
    if stored in LIVE and standing == Status.ENDED:
        stored = Status.ENDED
    presence = consent.presence_until
    return ConsentState(
        consent.id,
        consent.patient_id,
        consent.app_id,
        consent.client_pk,
        consent.environment,
        consent.app_name,
        consent.publisher_name,
        FROZEN if standing == FROZEN and stored in LIVE else str(stored),
        stored,
        consent.version,
        Purpose(consent.purpose),
        consent.valid_from,
        last_day(consent.valid_until),
        presence if presence and presence > now else None,
        consent.closed_at,
        tuple(_item_state(item, facts, now) for item in items.values()),
    )


def _item_state(item: ItemFacts, facts: ConsentFacts, now: datetime) -> ItemState:
    return ItemState(
        item.category,
        item.access,
        item.data,
        item.periodicity,
        windows.used(item, now),
        windows.remaining(item, now),
        windows.next_window_at(item, now, facts.valid_until),
        windows.reset_at(item, now),
        windows.open_until(item, now),
        windows.is_exhausted(item, now),
    )
