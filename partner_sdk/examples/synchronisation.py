"""What the service asks, what it sends, and how it tells what became of it. Pure: no network, no page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import words
from accounts import Account
from vendors import Ignored, Reading

from partner_sdk import BatchReport


def what_to_ask(ceiling: list[dict[str, Any]]) -> dict[str, Any]:
    """The request of an authorization: the measures of the service, within what its listing allows.

    How often, how far back and until when are left out: the listing says so for each kind of measure.
    """
    allowed, actions = _union(ceiling, "datatypes"), _union(ceiling, "actions")
    wanted = [f"measures.{kind}" for kind in words.KINDS]
    first = ceiling[0] if ceiling else {}
    return {
        "datatypes": [code for code in wanted if not ceiling or code in allowed],
        "actions": [action for action in ("read", "write") if not ceiling or action in actions],
        "purpose": first.get("purpose", "prevention"),
    }


def to_send(found: list[Reading | Ignored], account: Account) -> list[Reading]:
    """The readings not sent yet, of the kinds that the patient lets the service write."""
    grant = account.grant
    return [
        each
        for each in found
        if isinstance(each, Reading)
        and each.vendor_id not in account.sent
        and grant is not None
        and grant.covers(f"measures.{each.measure.kind}", "write")
    ]


def tell(report: BatchReport, readings: list[Reading], found: list[Reading | Ignored]) -> Iterator[tuple[str, str]]:
    """The sentences of an import, each with its tone: success, info or warning."""
    if readings:
        yield "success", f"Mesures transmises à votre espace santé : {len(report.accepted)}."
    else:
        yield "info", "Aucune nouvelle mesure à transmettre."
    left_aside = sum(isinstance(each, Reading) for each in found) - len(readings)
    if left_aside:
        yield "info", f"Mesures déjà transmises ou non autorisées, laissées de côté : {left_aside}."
    for reason, number in Counter(each.reason for each in found if isinstance(each, Ignored)).items():
        yield "info", f"Lignes ignorées ({reason}) : {number}."
    for failure in report.failed:
        kind = words.category(f"measures.{readings[failure.index].measure.kind}")
        yield "warning", f"{kind} : mesure refusée ({failure.message or failure.code})."
    if report.interrupted is not None:
        yield "warning", words.explain(report.interrupted)


def _union(ceiling: list[dict[str, Any]], member: str) -> set[str]:
    return {each for detail in ceiling for each in detail.get(member, ())}
