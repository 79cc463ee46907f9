"""A call for applications taken to its pilot by the real use cases."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from typing import Any
from uuid import UUID

from platform_core import clock
from platform_core.access import Actor
from platform_core.database import transaction
from store.rules.calls import Criterion, Document, Indicator, Terms
from store.service import calls, candidacies, pilots

TERMS = Terms(
    title="Suivre son poids à la maison",
    need="Des personnes suivies pour leur poids manquent d’un suivi entre deux consultations.",
    themes=("Prévention",),
    categories=("storetest.weight",),
    regions=("52", "53"),
    places=100,
    pilot_days=180,
    closes_on=date(2026, 1, 1),
    criteria=(Criterion("c1", "Utilité pour les personnes", 3), Criterion("c2", "Simplicité", 1)),
    indicators=(Indicator("i1", "Personnes qui se pèsent chaque semaine", "%"),),
    documents=(Document("Cahier des charges", "https://autorite.exemple.fr/poids.pdf"),),
)
ANSWERS = {"c1": "Un suivi chaque semaine.", "c2": "Rien à saisir."}
MOTIVE = "La meilleure réponse au besoin."


def terms(**changes: Any) -> Terms:
    return replace(TERMS, **{"closes_on": clock.today() + timedelta(days=30), **changes})


def publish(reviewer: Actor, decider: Actor, **changes: Any) -> UUID:
    """A published call."""
    with transaction():
        call_id = calls.prepare(terms=terms(**changes), by=reviewer)
        calls.publish(call_id=call_id, by=decider)
    return call_id


def file(call_id: UUID, application_id: UUID, by: Actor) -> UUID:
    with transaction():
        return candidacies.file(
            call_id=call_id, application_id=application_id, answers=ANSWERS, team="Deux infirmières.", by=by
        )


def score(candidacy_id: UUID, by: Actor, *values: int) -> None:
    given = dict(zip(("c1", "c2"), values or (4, 2), strict=True))
    with transaction():
        candidacies.score(
            candidacy_id=candidacy_id, scores={code: (value, "Clair.") for code, value in given.items()}, by=by
        )


def choose_all(call_id: UUID, candidacy_ids: Iterable[UUID], readers: Iterable[Actor], decider: Actor) -> None:
    """Close the call, have its candidacies scored, choose them all and conclude."""
    with transaction():
        calls.close(call_id=call_id, by=decider)
    for candidacy_id, reader in product(candidacy_ids, readers):
        score(candidacy_id, reader)
    with transaction():
        for candidacy_id in candidacy_ids:
            candidacies.select(candidacy_id=candidacy_id, motive=MOTIVE, by=decider)
        calls.conclude(call_id=call_id, by=decider)


def select(call_id: UUID, candidacy_id: UUID, readers: Iterable[Actor], decider: Actor) -> None:
    """The same with one candidacy."""
    choose_all(call_id, (candidacy_id,), readers, decider)


def open_pilot(candidacy_id: UUID, decider: Actor, **changes: Any) -> str:
    limits: dict[str, Any] = {"regions": ["52"], "places": 10, "ends_on": clock.today() + timedelta(days=90)}
    with transaction():
        return pilots.open_pilot(candidacy_id=candidacy_id, by=decider, **{"motive": MOTIVE, **limits, **changes})
