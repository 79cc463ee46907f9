"""Authorization details (RFC 9396) of the type `urn:ens:health-data`, read within a ceiling and echoed as granted."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Any

import jsonschema_rs
import orjson

from consent.rules.choices import longest
from oauth.errors import OAuthRefusal
from platform_core.access import Access, DatePeriod
from platform_core.categories import CategoryRegistry, registry
from platform_core.errors import Invalid
from platform_core.permission import (
    CONTINUOUS,
    Ceiling,
    CeilingItem,
    Periodicity,
    PermissionItem,
    Purpose,
    period_from_json,
    period_to_json,
)

TYPE = "urn:ens:health-data"
_LONGEST_TEXT = 32_768


@dataclass(frozen=True, slots=True)
class Asked:
    """What an app asks the patient for: items within its ceiling, one purpose, the last day (Europe/Paris)."""

    items: tuple[PermissionItem, ...]
    purpose: Purpose
    valid_until: date

    def to_json(self) -> dict[str, Any]:
        return {
            "items": [item.to_json() for item in self.items],
            "purpose": self.purpose,
            "valid_until": self.valid_until.isoformat(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Asked":
        items = tuple(PermissionItem.from_json(item) for item in value["items"])
        return cls(items, Purpose(value["purpose"]), date.fromisoformat(value["valid_until"]))


def schema() -> dict[str, Any]:
    """The JSON Schema of `authorization_details`, as published."""
    text = resources.files("oauth").joinpath("data/authorization-details.json").read_bytes()
    found: dict[str, Any] = orjson.loads(text)
    return found


@cache
def _validator() -> Any:
    return jsonschema_rs.Draft202012Validator(schema())


def whole_registry(categories: CategoryRegistry = registry) -> Ceiling:
    """The ceiling of a sandbox client without a dossier: every category and access, as often as it likes."""
    items = (CeilingItem(c.code, access, CONTINUOUS) for c in categories.all() for access in sorted(c.accesses))
    return Ceiling(tuple(items), frozenset(Purpose))


def read_details(text: str, *, ceiling: Ceiling, today: date) -> Asked:
    """Read the `authorization_details` parameter; what a detail leaves out takes the listing's default.

    Raises `OAuthRefusal` (`invalid_authorization_details`, RFC 9396 §5) naming the member that is unknown, wrong, or
    beyond the ceiling.
    """
    details = _parsed(text)
    items: dict[tuple[str, Access], PermissionItem] = {}
    for number, detail in enumerate(details):
        reader = _DetailReader(f"authorization_details[{number}]", detail, ceiling, today)
        for item in reader.items():
            if items.setdefault((item.category, item.access), item) != item:
                raise refused(f"{reader.where}.datatypes", f"asks {item.category} a second time in other terms")
    return Asked(tuple(items.values()), _purpose(details, ceiling), _valid_until(details, ceiling, today))


def refused(where: str, message: str) -> OAuthRefusal:
    return OAuthRefusal("invalid_authorization_details", f"{where}: {message}.")


def _parsed(text: str) -> list[dict[str, Any]]:
    try:
        details = orjson.loads(text) if len(text) <= _LONGEST_TEXT else None
    except orjson.JSONDecodeError:
        raise refused("authorization_details", "is not JSON") from None
    if details is None:
        raise refused("authorization_details", f"is longer than {_LONGEST_TEXT} characters")
    return _checked(details)


def _checked(details: Any) -> list[dict[str, Any]]:
    """The details, which follow the schema. Raises `OAuthRefusal` naming the first member that does not."""
    for error in _validator().iter_errors(details):
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)
        raise refused(f"authorization_details{path}", error.message)
    found: list[dict[str, Any]] = details
    return found


@dataclass(frozen=True, slots=True)
class _DetailReader:
    where: str
    detail: Mapping[str, Any]
    ceiling: Ceiling
    today: date

    def items(self) -> Iterable[PermissionItem]:
        for number, category in enumerate(self.detail["datatypes"]):
            for action in self.detail["actions"]:
                yield self._item(f"{self.where}.datatypes[{number}]", category, Access(action))

    def _item(self, where: str, category: str, access: Access) -> PermissionItem:
        if registry.find(category) is None:
            raise refused(where, f"the category {category} does not exist")
        if not registry.allows(category, access):
            raise refused(where, f"{category} has no {access} access")
        bound = self.ceiling.find(category, access)
        if bound is None:
            raise refused(where, f"{access} on {category} is beyond what the application was referenced for")
        return PermissionItem(category, access, self._period(bound), self._periodicity(bound))

    def _period(self, bound: CeilingItem) -> DatePeriod:
        oldest = oldest_day(bound, self.today)
        period = _given_period(self.where, self.detail)
        if period is None:
            return DatePeriod(oldest)
        if oldest and (period.start is None or period.start < oldest):
            raise refused(f"{self.where}.data_period.from", f"the oldest day allowed is {oldest}")
        return period

    def _periodicity(self, bound: CeilingItem) -> Periodicity:
        periodicity = _given_periodicity(self.where, self.detail) or bound.periodicity
        if not periodicity.within(bound.periodicity):
            raise refused(f"{self.where}.periodicity", "is more often than the application was referenced for")
        return periodicity


def _given_period(where: str, detail: Mapping[str, Any]) -> DatePeriod | None:
    if "data_period" not in detail:
        return None
    try:
        return period_from_json(detail["data_period"])
    except Invalid as error:
        raise refused(f"{where}.data_period", error.message.rstrip(".")) from None


def _given_periodicity(where: str, detail: Mapping[str, Any]) -> Periodicity | None:
    if "periodicity" not in detail:
        return None
    try:
        return Periodicity.from_json(detail["periodicity"])
    except Invalid as error:
        raise refused(f"{where}.periodicity", error.message.rstrip(".")) from None


def narrow(asked: Asked, kept: Sequence[Mapping[str, Any]]) -> Asked:
    """What a patient keeps of a request, in the same form; what a detail leaves out stays as it was asked.

    Raises `OAuthRefusal` (`invalid_authorization_details`) on what was not asked; that nothing became wider is for the
    consent to check.
    """
    offered = {(item.category, item.access): item for item in asked.items}
    whole = {"type": TYPE, "purpose": asked.purpose, "actions": sorted({item.access for item in asked.items})}
    details = _checked([{**whole, **detail} for detail in kept])
    items: dict[tuple[str, Access], PermissionItem] = {}
    for number, detail in enumerate(details):
        where = f"authorization_details[{number}]"
        if detail["purpose"] != asked.purpose:
            raise refused(f"{where}.purpose", f"the purpose that was asked is {asked.purpose}")
        for key in ((category, Access(action)) for category in detail["datatypes"] for action in detail["actions"]):
            if key in offered:
                data = _given_period(where, detail) or offered[key].data
                items[key] = PermissionItem(*key, data, _given_periodicity(where, detail) or offered[key].periodicity)
            elif "actions" in kept[number] or key[0] not in {category for category, _ in offered}:
                raise refused(f"{where}.datatypes", f"{key[1]} on {key[0]} was not asked")
    return Asked(tuple(items.values()), asked.purpose, _given_end(details) or asked.valid_until)


def oldest_day(bound: CeilingItem, today: date) -> date | None:
    """The first day of data that a ceiling lets an app read; None without a bound, and for what is written."""
    if bound.access is Access.WRITE or bound.history_days is None:
        return None
    return today - timedelta(days=bound.history_days)


def _purpose(details: Sequence[Mapping[str, Any]], ceiling: Ceiling) -> Purpose:
    purposes = {Purpose(detail["purpose"]) for detail in details}
    if len(purposes) > 1:
        raise refused("authorization_details[1].purpose", "one request has one purpose")
    (purpose,) = purposes
    if purpose not in ceiling.purposes:
        raise refused("authorization_details[0].purpose", f"{purpose} is not a purpose of the application")
    return purpose


def _valid_until(details: Sequence[Mapping[str, Any]], ceiling: Ceiling, today: date) -> date:
    latest = longest(today, ceiling)
    end = _given_end(details) or latest
    if not today <= end <= latest:
        raise refused("authorization_details[0].valid_until", f"must lie between today and {latest}")
    return end


def _given_end(details: Sequence[Mapping[str, Any]]) -> date | None:
    given = {detail["valid_until"] for detail in details if "valid_until" in detail}
    if len(given) > 1:
        raise refused("authorization_details[1].valid_until", "one request has one end")
    try:
        return date.fromisoformat(given.pop()) if given else None
    except ValueError:
        raise refused("authorization_details[0].valid_until", "is not a day of the calendar") from None


def granted_details(items: Iterable[PermissionItem], *, purpose: str, valid_until: date) -> list[dict[str, Any]]:
    """Items as authorization details: one for each set of categories that share actions, dates and periodicity."""
    actions: dict[tuple[str, DatePeriod, Periodicity], set[Access]] = defaultdict(set)
    for item in items:
        actions[item.category, item.data, item.periodicity].add(item.access)
    groups: dict[tuple[tuple[Access, ...], DatePeriod, Periodicity], list[str]] = defaultdict(list)
    for (category, data, periodicity), accesses in actions.items():
        groups[tuple(sorted(accesses)), data, periodicity].append(category)
    return [
        {
            "type": TYPE,
            "datatypes": categories,
            "actions": [str(access) for access in accesses],
            "purpose": purpose,
            "data_period": period_to_json(data),
            "periodicity": periodicity.to_json(),
            "valid_until": valid_until.isoformat(),
        }
        for (accesses, data, periodicity), categories in groups.items()
    ]


def ceiling_details(ceiling: Ceiling, today: date) -> list[dict[str, Any]]:
    """The most that a ceiling lets an app ask, as authorization details under its first purpose."""
    items = (
        PermissionItem(item.category, item.access, DatePeriod(oldest_day(item, today)), item.periodicity)
        for item in ceiling.items
    )
    return granted_details(items, purpose=default_purpose(ceiling), valid_until=longest(today, ceiling))


def default_purpose(ceiling: Ceiling) -> Purpose:
    """The purpose of a request that names none: the first one of the listing."""
    return next((purpose for purpose in Purpose if purpose in ceiling.purposes), Purpose.FOLLOW_UP)
