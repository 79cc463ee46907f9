"""Asking a publisher to erase its copies (RGPD art. 17), and what it answers. `_move` is the only writer of the state.

Every step is an act in the history of the consent, which the patient follows; the publisher knows the patient by the id
of its app alone.
"""

from dataclasses import replace
from uuid import UUID

import sqlalchemy as sa

from consent import workflow
from consent.models import Consent, Erasure
from consent.queries import get_state
from consent.queries.erasures import OVERDUE
from consent.rules import erasures
from consent.service.history import record_act
from consent.service.lifecycle import lock_consent
from consent.workflow import ErasureState, ErasureVerb
from notification_core import service as notifications
from platform_core import clock
from platform_core.access import SYSTEM, Actor
from platform_core.crypto import pairwise_id
from platform_core.database import db
from platform_core.errors import Conflict, Fault, Invalid, NotFound
from store.queries.applications import get_application

MOST = 2000
_KINDS = {
    ErasureVerb.ACKNOWLEDGE: "erasure_acknowledged",
    ErasureVerb.COMPLETE: "erasure_done",
    ErasureVerb.REFUSE: "erasure_refused",
}
_TO_PUBLISHER = {
    "asked": (
        "{app} : une personne demande l’effacement de ses données",
        "Répondez avant la date indiquée sur la page des effacements : un mois au plus (RGPD, article 12.3).",
    ),
    "remind": (
        "{app} : un effacement attend votre réponse",
        "Il reste une semaine au plus pour répondre à une demande d’effacement (RGPD, article 12.3).",
    ),
    "overdue": (
        "{app} : le délai d’un effacement est dépassé",
        "La personne est informée que le délai d’un mois est passé et qu’elle peut saisir la CNIL. Répondez-lui.",
    ),
}


def ask_erasure(*, patient_id: UUID, grant_id: UUID, by: Actor) -> None:
    """Ask the publisher to erase what its app copied under a consent that has ended; once for each consent.

    Raises `NotFound`, `Conflict` (`not-ended`, `already-asked`).
    """
    consent = lock_consent(patient_id, grant_id)
    if get_state(patient_id, grant_id).is_live:
        raise Conflict("Revoke the consent first: the app still copies data.", code="not-ended")
    if db.session.get(Erasure, (patient_id, grant_id)):
        raise Conflict("The erasure was asked already.", code="already-asked")
    now = clock.now()
    db.session.add(
        Erasure(
            patient_id=patient_id,
            consent_id=grant_id,
            application_id=consent.app_id,
            patient_reference=pairwise_id(consent.app_id, patient_id),
            state=ErasureState.ASKED,
            asked_at=now,
            due_at=erasures.due_at(now),
        )
    )
    db.session.flush()
    record_act(consent, "erasure_asked", by=by)
    _tell_publisher(consent, "asked")


def answer_erasure(*, patient_id: UUID, grant_id: UUID, verb: ErasureVerb, motive: str = "", by: Actor) -> None:
    """What the publisher answers: received, done, or refused with its `motive`, which the patient reads.

    The history names the publisher, with the id of its agent. The transaction is bound to the patient. Raises
    `NotFound`, `Conflict` (`transition-refused`), `Invalid` (`motive-required`, `motive-too-long`).
    """
    refusal = motive.strip() if verb is ErasureVerb.REFUSE else ""
    if verb is ErasureVerb.REFUSE and not refusal:
        raise Invalid("A refusal says why.", code="motive-required", faults=[Fault("motive", "is missing")])
    if len(refusal) > MOST:
        raise Invalid("The motive is too long.", code="motive-too-long", faults=[Fault("motive", f"over {MOST}")])
    consent = lock_consent(patient_id, grant_id)
    erasure = _lock(patient_id, grant_id)
    _move(erasure, verb, refusal)
    record_act(consent, _KINDS[verb], by=replace(by, name=consent.publisher_name))


def remind(*, patient_id: UUID, grant_id: UUID, reason: str) -> None:
    """Remind the publisher of an erasure (`remind`), or tell both that its month has passed (`overdue`); each once."""
    consent = lock_consent(patient_id, grant_id)
    erasure = _lock(patient_id, grant_id)
    if erasure.closed_at or (erasure.overdue_at if reason == OVERDUE else erasure.reminded_at):
        return
    if reason == OVERDUE:
        erasure.overdue_at = clock.now()
        record_act(consent, "erasure_overdue", by=SYSTEM)
    else:
        erasure.reminded_at = clock.now()
    _tell_publisher(consent, reason)


def _lock(patient_id: UUID, grant_id: UUID) -> Erasure:
    query = sa.select(Erasure).where(Erasure.patient_id == patient_id, Erasure.consent_id == grant_id)
    erasure = db.session.scalars(query.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if erasure is None:
        raise NotFound("No erasure was asked after this consent.")
    return erasure


def _move(erasure: Erasure, verb: ErasureVerb, motive: str) -> None:
    """The one path of every change of state. The row is locked. Raises `Conflict` (`transition-refused`)."""
    erasure.state = workflow.answer_erasure(ErasureState(erasure.state), verb)
    erasure.motive = motive
    if verb is ErasureVerb.ACKNOWLEDGE:
        erasure.acknowledged_at = clock.now()
    else:
        erasure.closed_at = clock.now()
    db.session.flush()


def _tell_publisher(consent: Consent, notice: str) -> None:
    """A message to the publishers of a referenced app, which names nobody; a sandbox client has none."""
    if consent.environment != "production":
        return
    title, body = _TO_PUBLISHER[notice]
    notifications.notify_members(
        organisation_id=get_application(consent.app_id).organisation_id,
        roles=["publisher"],
        kind=f"consent.erasure-{notice}",
        title=title.format(app=consent.app_name),
        body=body,
        link=f"/editeur/applications/{consent.app_id}/effacements",
        by=SYSTEM,
    )
