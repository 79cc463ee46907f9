"""Reimbursements as people read them: what each was, and how they add up by kind and by month."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from dmp_core.rules.entries.kinds import at
from platform_core.fhir import wire

_KINDS = ("medication", "vaccine", "device", "hospital", "care", "imaging", "biology")
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Reimbursed:
    """A care that was reimbursed on a day. `amount` is in euros, None when the insurer does not state it."""

    on: date
    label: str
    kind: str
    amount: Decimal | None
    provider: str


@dataclass(frozen=True, slots=True)
class Sum:
    """How many cares, and the euros of those whose amount is known (None when none is)."""

    count: int
    amount: Decimal | None


def read_reimbursed(on: date, label: str, explanation: Mapping[str, Any]) -> Reimbursed:
    """What an ExplanationOfBenefit says. The amount is the `net` of its items, else its first total in euros."""
    said = next((str(text) for text in at(explanation, "item.category.text")), "")
    amounts = [wire.exact(one["value"]) for one in at(explanation, "item.net") if _in_euros(one)]
    totals = [wire.exact(one["value"]) for one in at(explanation, "total.amount") if _in_euros(one)]
    amount = sum(amounts, Decimal()) if amounts else next(iter(totals), None)
    provider = next((str(name) for name in at(explanation, "provider.display")), "")
    return Reimbursed(on, label, said if said in _KINDS else OTHER, amount, provider)


def sum_by_kind(found: Iterable[Reimbursed]) -> list[tuple[str, Sum]]:
    """The kinds with what they add up to, the most frequent first."""
    lines = list(found)
    counts = Counter(line.kind for line in lines)
    return [(kind, total([line for line in lines if line.kind == kind])) for kind, _ in counts.most_common()]


def total(lines: Sequence[Reimbursed]) -> Sum:
    amounts = [line.amount for line in lines if line.amount is not None]
    return Sum(len(lines), sum(amounts, Decimal()) if amounts else None)


def count_by_month(found: Sequence[Reimbursed], *, until: date) -> list[tuple[date, int]]:
    """How many cares each month had, from that of the first to that of `until`; the first day names the month."""
    counts = Counter(line.on.replace(day=1) for line in found)
    month, months = min(counts, default=until).replace(day=1), []
    while month <= until:
        months.append((month, counts[month]))
        month = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return months


def _in_euros(amount: Mapping[str, Any]) -> bool:
    return amount.get("currency", "EUR") == "EUR" and "value" in amount
