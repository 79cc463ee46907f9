"""Wiring of the consent: pages, what it hears, its periodic tasks, its place in the patient's space."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Flask

from consent import api, queries, subscribers, tasks  # noqa: F401 - registers the tasks
from consent.events import ConsentEnded, ConsentRevoked
from consent.pages import (
    announcements,
    cascades,
    catalogue,
    contested,
    contests,
    erasures,
    journal,
    journal_words,
    question,
    receipts,
    words,
)
from consent.pages.permissions import (
    dashboard,
    detail,
    modification,  # noqa: F401 - more views of the dashboard
    withdrawal,  # noqa: F401 - more views of the dashboard
)
from consent.queries import accesses
from consent.rules import reports
from identity_core.events import RepresentationMoved, SpaceClosed, SpaceDestroyed
from notification_core.categories import Topic, declare
from platform_core import clock, events, rest, schedule
from platform_core.access import Actor
from platform_core.fhir.registry import registry as fhir
from platform_core.navigation import Area, Link, Panel, add_link, add_panel
from store.events import (
    ApplicationExpired,
    ApplicationReinstated,
    ApplicationSuspended,
    ApplicationWithdrawn,
    IncidentMadeKnown,
)

_AFTER = "Après le référencement"


def init_app(app: Flask) -> None:
    """Register what the consent adds to the application."""
    for pages in (
        question,
        catalogue,
        dashboard,
        receipts,
        journal,
        contests,
        contested,
        cascades,
        announcements,
        erasures,
    ):
        app.register_blueprint(pages.blueprint)
    app.register_blueprint(api.definitions)
    rest.api.register_blueprint(api.blueprint)
    fhir.register(api.CONSENT)
    app.jinja_env.filters.update(
        category_label=words.category, iso_date=date.fromisoformat, instant=datetime.fromisoformat
    )
    events.subscribe(ApplicationSuspended, subscribers.follow_suspension)
    events.subscribe(ApplicationReinstated, subscribers.follow_reinstatement)
    events.subscribe(ApplicationWithdrawn, subscribers.follow_withdrawal)
    events.subscribe(ApplicationExpired, subscribers.follow_expiry)
    events.subscribe(IncidentMadeKnown, subscribers.announce_incident)
    events.subscribe(SpaceClosed, subscribers.revoke_all)
    events.subscribe(SpaceDestroyed, subscribers.tell_of_destruction)
    events.subscribe(RepresentationMoved, subscribers.end_with_representation)
    events.subscribe(ConsentRevoked, subscribers.close_questions)
    events.subscribe(ConsentEnded, subscribers.close_questions)
    subscribers.init_app_events()
    _declare_notices()
    schedule.every(60, "consent.record_expiries")
    schedule.every(300, "consent.watch_volumes")
    schedule.every(3600, "consent.remind_erasures")
    schedule.every(86_400, "consent.forget_accesses")
    schedule.every(86_400, "consent.forget_requests")
    schedule.every(86_400, "consent.forget_app_events")
    schedule.every(60, "consent.tell_first_accesses")
    for reminder in ("remind_of_ends", "send_digests", "propose_pauses"):
        schedule.every(3600, f"consent.{reminder}")
    add_link(Link(Area.PUBLIC, "Vérifier un reçu", "receipts.ask_receipt", order=90))
    add_link(Link(Area.PATIENT, "Mes applications", "permissions.list_applications", order=50))
    add_link(Link(Area.PATIENT, "Journal des accès", "access_journal.show_journal", order=60))
    add_link(Link(Area.REVIEWER, "Accès contestés", "contested.list_reports", order=43, group=_AFTER))
    add_link(Link(Area.REVIEWER, "Effets des décisions", "cascades.show_cascades", order=44, group=_AFTER))
    add_panel(Panel(Area.REVIEWER, "dossier", "consent/cascade_panel.html", cascades.load_panel, order=50))
    for area, page in ((Area.REVIEWER, "dossier"), (Area.PUBLISHER, "application")):
        add_panel(Panel(area, page, "consent/contests/panel.html", contested.load_panel, order=60))
    add_panel(Panel(Area.PATIENT, "home", "consent/unusual_panel.html", _list_unusual, order=5))
    add_panel(Panel(Area.PATIENT, "home", "consent/panel.html", _count_accesses, order=30))
    add_panel(Panel(Area.PATIENT, "resource", "consent/resource_panel.html", detail.load_resource_panel, order=50))
    add_panel(Panel(Area.PUBLISHER, "application", "consent/erasures_panel.html", erasures.load_panel, order=70))


def _declare_notices() -> None:
    """What the notices of the consent are about: a person may decline the e-mails on each, but for security."""
    acts = ("granted", "amended", "paused", "resumed", "revoked", "expired", "ended", "reinstated")
    declare(Topic.PERMISSIONS, *(f"consent.{act}" for act in acts))
    declare(Topic.SECURITY, "consent.suspended", "consent.unusual_use", "consent.incident")
    declare(Topic.SECURITY, *(f"consent.report-{state}" for state in reports.State))
    declare(Topic.FIRST_ACCESS, "consent.first-access")
    declare(Topic.DEADLINES, "consent.ending-30", "consent.ending-7")
    declare(Topic.DIGEST, "consent.digest")
    declare(Topic.UNUSED, "consent.unused")


def _count_accesses(*, by: Actor | None, patient_id: UUID) -> Mapping[str, Any]:
    """How many apps have access to this record now, are paused, or are frozen by their listing."""
    statuses = [state.status for state in queries.list_states(patient_id)]
    return {name: statuses.count(name) for name in ("active", "paused", "frozen")}


def _list_unusual(*, by: Actor | None, patient_id: UUID) -> Mapping[str, Any] | None:
    """What apps did out of their habit in the last week; nothing to show when they kept to it."""
    found = accesses.list_unusual(patient_id, since=clock.today() - timedelta(days=7))
    return {"unusual": found, "says": journal_words} if found else None
