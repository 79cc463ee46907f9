"""Which behaviours an application must show in the sandbox before it is listed. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files

from platform_core.access import Access
from platform_core.permission import Ceiling


class Behaviour(StrEnum):
    PKCE = "pkce"
    PROOF_OF_POSSESSION = "proof_of_possession"
    VALID_WRITE = "valid_write"
    HONOURS_RETRY_AFTER = "honours_retry_after"
    STOPS_AFTER_REVOCATION = "stops_after_revocation"
    RECEIVES_WEBHOOK = "receives_webhook"


class Condition(StrEnum):
    """When a behaviour is asked for: what the dossier says of the application."""

    ALWAYS = "always"
    WRITES = "writes"
    BOUND_TOKENS = "bound_tokens"
    WEBHOOKS = "webhooks"


@dataclass(frozen=True, slots=True)
class BehaviourText:
    """What is expected, in French, and when; how to show it, and with which lines of the SDK (none without)."""

    behaviour: Behaviour
    when: Condition
    title: str
    text: str
    how: str
    example: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """What matters of an application's exchanges: its ceiling, its OAuth profile, whether it hears webhooks."""

    ceiling: Ceiling
    profile: str
    webhooks: bool


def _load() -> Mapping[Behaviour, BehaviourText]:
    entries = json.loads(files("store").joinpath("data/interop.json").read_text())["behaviours"]
    return {
        Behaviour(entry["code"]): BehaviourText(
            Behaviour(entry["code"]),
            Condition(entry["when"]),
            entry["title"],
            entry["text"],
            entry["how"],
            "\n".join(entry["example"]),
        )
        for entry in entries
    }


BEHAVIOURS = _load()


def list_required(asked: Exchange, listed: Exchange | None) -> Sequence[Behaviour]:
    """The behaviours to show, in the order of the data file.

    None for a service that exchanges no data, nor for an amendment or a renewal that asks nothing new: no category or
    access beyond the live listing's ceiling, the same profile, no webhooks where there were none.
    """
    if not asked.ceiling.items:
        return []
    if listed and not _is_new(asked, listed):
        return []
    holds = {
        Condition.ALWAYS: True,
        Condition.WRITES: any(item.access is Access.WRITE for item in asked.ceiling.items),
        Condition.BOUND_TOKENS: asked.profile == "fapi2",
        Condition.WEBHOOKS: asked.webhooks,
    }
    return [behaviour for behaviour, text in BEHAVIOURS.items() if holds[text.when]]


def _is_new(asked: Exchange, listed: Exchange) -> bool:
    known = {(item.category, item.access) for item in listed.ceiling.items}
    wanted = {(item.category, item.access) for item in asked.ceiling.items}
    return bool(wanted - known) or asked.profile != listed.profile or (asked.webhooks and not listed.webhooks)
