"""What people are told without having acted: an end that comes near, an access that lasts, begins, or serves no more.

Each notice has a key: a task that is killed and runs again tells nobody twice. The transaction is bound to the patient.
"""

import json
from datetime import date
from pathlib import Path
from uuid import UUID

from consent import queries
from consent.queries import ConsentState
from consent.rules import reminders as rules
from consent.rules import texts
from consent.rules.calendar import paris_day
from consent.workflow import Status
from notification_core import queries as notices
from notification_core import service as notifications
from platform_core.access import SYSTEM
from platform_core.french import day_in_words
from platform_core.journal import queries as journal
from platform_core.permission import PeriodicityKind

_WORDS = json.loads((Path(__file__).parent.parent / "data" / "reminders-fr.json").read_text("utf-8"))
_LASTING = frozenset({PeriodicityKind.CONTINUOUS, PeriodicityKind.RECURRING})


def remind_of_end(*, patient_id: UUID, grant_id: UUID, since: date, today: date) -> None:
    """Say that a consent ends in thirty days, or in seven; a new end is announced anew."""
    state = queries.get_state(patient_id, grant_id)
    decided_on = paris_day(queries.get_version(patient_id, grant_id, state.version).decided_at)
    days = rules.find_deadline(state.valid_until, decided_on, today)
    if state.is_live and days:
        key = f"consent.ending-{days}:{grant_id}:{state.valid_until}"
        _tell(state, f"ending-{days}", key, until=day_in_words(state.valid_until))


def propose_pause(*, patient_id: UUID, grant_id: UUID, since: date, today: date) -> None:
    """Ask whether an access that nobody used for ninety days is still of use; once for each such stretch.

    Whatever happened to the consent meanwhile, such as a pause or a suspension, begins the ninety days anew.
    """
    state = queries.get_state(patient_id, grant_id)
    if state.status != Status.ACTIVE:
        return
    last = journal.last_served(patient_id, [grant_id]).get(grant_id)
    acts = [event.occurred_at for event in queries.list_events(patient_id, grant_id)]
    quiet = max([since, *map(paris_day, acts), *([paris_day(last.occurred_at)] if last else [])])
    if rules.is_unused(quiet, today):
        words = {"since": day_in_words(quiet), "until": day_in_words(state.valid_until)}
        _tell(state, "unused", f"consent.unused:{grant_id}:{quiet}", **words)


def send_digest(*, patient_id: UUID, grant_id: UUID, since: date, today: date) -> None:
    """List the apps that go on having access without asking anew: who, for what, how often, until when.

    The days are counted since the oldest of these consents, `grant_id`.
    """
    days = notices.digest_days(patient_id)
    due_on = rules.find_digest(since, days, today)
    lasting = [state for state in queries.list_states(patient_id) if _lasts(state)]
    if due_on is None or not lasting:
        return
    notifications.notify(
        patient_id=patient_id,
        kind="consent.digest",
        title=_WORDS["digest"]["title"],
        body=_WORDS["digest"]["body"].format(lines="\n\n".join(map(_line, lasting)), days=days),
        link="/espace/applications",
        by=SYSTEM,
        key=f"consent.digest:{due_on}",
    )


def tell_first_access(*, patient_id: UUID, grant_id: UUID, day: date) -> None:
    """Say that an app has used its authorization for the first time."""
    state = queries.get_state(patient_id, grant_id)
    if state.environment == "production":
        _tell(state, "first-access", first_access_key(grant_id), day=day_in_words(day))


def tell_incident(*, patient_id: UUID, grant_id: UUID, announcement_id: UUID, text: str) -> bool:
    """Say what the authority announced about an app; once to each person. Returns whether it was new to them."""
    return _tell(queries.get_state(patient_id, grant_id), "incident", f"consent.incident:{announcement_id}", text=text)


def first_access_key(grant_id: UUID) -> str:
    """The key of the notice of a first access: one in the life of a consent."""
    return f"consent.first-access:{grant_id}"


def _tell(state: ConsentState, kind: str, key: str, **words: str) -> bool:
    told = notifications.notify(
        patient_id=state.patient_id,
        kind=f"consent.{kind}",
        title=_WORDS[kind]["title"].format(app=state.app_name),
        body=_WORDS[kind]["body"].format(app=state.app_name, **words),
        link=f"/espace/applications/{state.grant_id}",
        by=SYSTEM,
        key=key,
    )
    return told is not None


def _lasts(state: ConsentState) -> bool:
    lasting = any(item.periodicity.kind in _LASTING for item in state.items)
    return state.environment == "production" and state.status == Status.ACTIVE and lasting


def _line(state: ConsentState) -> str:
    shown = texts.load()
    line: str = _WORDS["line"]
    return line.format(
        app=state.app_name,
        publisher=state.publisher_name,
        until=day_in_words(state.valid_until),
        frequency=", ".join(dict.fromkeys(shown.frequency(item.periodicity) for item in state.items)),
        purpose=shown.purpose(state.purpose),
    )
