"""What the pages of one authorization say: its data by family, its history, what became of what the app wrote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from flask_babel import gettext

from consent.models import ConsentEvent
from consent.pages import words
from consent.queries import ConsentState, ItemState, ReceiptView, VersionView
from consent.queries.erasures import ErasureView
from consent.rules import texts
from consent.service.withdrawal import Reason
from consent.workflow import ErasureState
from platform_core.categories import registry
from platform_core.events import ContributionsChoice

_CONTRIBUTIONS = "contributions_"


@dataclass(frozen=True, slots=True)
class Cluster:
    """The items of one category: what may be done with it in a few words, what it includes in a sentence."""

    summary: str
    description: str
    items: list[ItemState]


@dataclass(frozen=True, slots=True)
class Step:
    """One act in the history: what it changed or why it was done, the number of its receipt."""

    at: datetime
    title: str
    by: str
    changes: list[str]
    receipt: int | None


def clusters(state: ConsentState) -> list[Cluster]:
    """What is granted, category by category."""
    grouped = groupby(state.items, key=lambda item: item.category)
    return [_cluster(code, list(items)) for code, items in grouped]


def _cluster(code: str, items: list[ItemState]) -> Cluster:
    found, shown = registry.find(code), texts.load()
    accesses = ", ".join(shown.access(item.access).lower() for item in items)
    summary = gettext("%(category)s : %(accesses)s", category=words.category(code), accesses=accesses)
    return Cluster(summary, found.long_fr if found else "", items)


def history(
    events: Sequence[ConsentEvent], versions: Sequence[VersionView], receipts: Sequence[ReceiptView]
) -> list[Step]:
    """Every act, the newest first; those that made a version say what it changed, a revocation why if it was said."""
    snapshots: Mapping[int, dict[str, Any]] = {version.number: version.snapshot for version in versions}
    numbers = {receipt.number for receipt in receipts}
    return [
        Step(
            event.occurred_at,
            words.event(event.kind),
            event.actor_name,
            _changes(event, snapshots),
            event.sequence if event.sequence in numbers else None,
        )
        for event in reversed(events)
    ]


def _changes(event: ConsentEvent, snapshots: Mapping[int, dict[str, Any]]) -> list[str]:
    if event.kind == "revoked":
        said = event.details.get("reasons", ())
        return [reason["label"] for reason in reasons() if reason["value"] in said]
    if event.kind not in {"granted", "amended"} or event.version not in snapshots:
        return []
    return words.changes(snapshots.get(event.version - 1), snapshots[event.version])


def contributions(events: Sequence[ConsentEvent]) -> ContributionsChoice:
    """What the patient last decided on what the app wrote; kept unless they said otherwise."""
    decided = [event.kind for event in events if event.kind.startswith(_CONTRIBUTIONS)]
    return ContributionsChoice(decided[-1].removeprefix(_CONTRIBUTIONS)) if decided else ContributionsChoice.KEEP


def choice(value: ContributionsChoice) -> str:
    """What a choice on what the app wrote does."""
    return {
        ContributionsChoice.KEEP: gettext("ce que l’application a ajouté reste dans votre dossier"),
        ContributionsChoice.MASK: gettext(
            "ce que l’application a ajouté est masqué aux applications et aux professionnels"
        ),
        ContributionsChoice.DELETE: gettext("ce que l’application a ajouté est supprimé de votre dossier"),
    }[value]


def choices() -> list[dict[str, str]]:
    """The choices on what the app wrote, as radio buttons."""
    return [
        {"value": ContributionsChoice.KEEP, "label": gettext("Garder"), "hint": gettext("Rien ne change.")},
        {
            "value": ContributionsChoice.MASK,
            "label": gettext("Masquer"),
            "hint": gettext("Cela ne se voit plus que dans votre espace ; vous pourrez le montrer de nouveau."),
        },
        {
            "value": ContributionsChoice.DELETE,
            "label": gettext("Supprimer"),
            "hint": gettext("Plus personne ne le voit, vous non plus, et c’est définitif."),
        },
    ]


def reasons() -> list[dict[str, str]]:
    """Why one leaves an app, as boxes to tick."""
    return [
        {"value": Reason.UNUSED, "label": gettext("Je n’utilise plus l’application")},
        {"value": Reason.HEALTH, "label": gettext("Je n’en ai plus besoin")},
        {"value": Reason.TOO_MUCH, "label": gettext("Elle demande trop de données ou accède trop souvent")},
        {"value": Reason.TRUST, "label": gettext("Je ne lui fais plus confiance")},
        {"value": Reason.OTHER, "label": gettext("Une autre raison")},
    ]


def erasure_tag(erasure: ErasureView) -> tuple[str, str]:
    """Where an erasure stands, and the colour of its tag."""
    if erasure.is_overdue:
        return gettext("Délai dépassé"), "danger"
    return {
        ErasureState.ASKED: (gettext("Demandé"), "info"),
        ErasureState.ACKNOWLEDGED: (gettext("Reçu par l’éditeur"), "info"),
        ErasureState.DONE: (gettext("Effacé, selon l’éditeur"), "success"),
        ErasureState.REFUSED: (gettext("Refusé par l’éditeur"), "warning"),
    }[erasure.state]
