"""Wiring of the referencing: pages, API, menus, home panels, periodic tasks."""

from collections.abc import Mapping
from typing import Any

from flask import Flask

from platform_core import rest, schedule
from platform_core.access import Actor
from platform_core.blobs import service as blobs
from platform_core.navigation import Area, Link, Panel, add_link, add_panel
from store import (
    tasks,  # noqa: F401 - registers the tasks
)
from store.api.catalogue import catalogue as catalogue_api
from store.api.publisher import publisher as publisher_api
from store.pages import catalogue, open_data, referencing, reports
from store.pages.calls import authority as calls_of_authority
from store.pages.calls import public as public_calls
from store.pages.calls import publisher as candidacies
from store.pages.evidence import backing
from store.pages.evidence import files as evidence_files
from store.pages.publisher import acts as own_acts
from store.pages.publisher import agreements as own_agreements
from store.pages.publisher import applications, follow_up, incidents, items, sections, sending, versions
from store.pages.publisher import audits as own_audits
from store.pages.publisher import questions as own_questions
from store.pages.reviewer import (
    acts,
    agreements,
    audits,
    commission,
    complements,
    criteria,
    opinions,
    questions,
    queue,
    surveillance,
)
from store.pages.reviewer import dossiers as examined
from store.pages.reviewer import incidents as declared_incidents
from store.queries.evidence import list_referenced_blobs
from store.queries.queue import count_queue, list_applications


def init_app(app: Flask) -> None:
    """Register what the referencing serves."""
    public, publisher = (catalogue, open_data, referencing, reports), (applications, items, sections, sending, versions)
    follow_ups = (follow_up, own_questions, own_agreements, own_acts, own_audits, incidents)
    reviewer = (queue, examined, criteria, questions, complements, agreements, acts)
    authority = (commission, opinions, audits, surveillance, declared_incidents)
    calls = (public_calls, candidacies, calls_of_authority)
    for module in (*public, *publisher, *follow_ups, evidence_files, backing, *reviewer, *authority, *calls):
        app.register_blueprint(module.blueprint)
    app.extensions["csrf"].exempt(publisher_api)
    rest.api.register_blueprint(catalogue_api)
    rest.api.register_blueprint(publisher_api)
    add_link(Link(Area.PUBLIC, "Catalogue", "catalogue.show_catalogue", order=10))
    add_link(Link(Area.PUBLIC, "Référencement", "referencing.explain", order=20))
    add_link(Link(Area.PUBLIC, "Appels à candidatures", "calls.list_calls", order=15))
    add_link(Link(Area.PATIENT, "Catalogue", "catalogue.show_catalogue", order=80))
    add_link(Link(Area.PUBLISHER, "Mes applications", "dossiers.list_applications", order=10))
    add_link(Link(Area.PUBLISHER, "Preuves", "evidence.list_evidence", order=20))
    add_link(Link(Area.PUBLISHER, "Signalements", "reports.list_own_reports", order=40))
    add_link(Link(Area.PUBLISHER, "Référencement", "referencing.explain", order=50, group="Le référencement"))
    add_link(Link(Area.REVIEWER, "Dossiers", "queue.show_queue", order=10))
    add_link(Link(Area.REVIEWER, "Commission", "commission.show_sessions", order=20))
    add_link(Link(Area.REVIEWER, "Surveillance", "surveillance.show", order=40, group="Après le référencement"))
    add_link(Link(Area.PUBLISHER, "Appels à candidatures", "calls.list_calls", order=51, group="Le référencement"))
    add_link(Link(Area.REVIEWER, "Appels à candidatures", "authority_calls.list_calls", order=35))
    add_link(Link(Area.REVIEWER, "Signalements", "reports.list_reports", order=42, group="Après le référencement"))
    add_link(
        Link(Area.REVIEWER, "Incidents", "declared_incidents.list_incidents", order=43, group="Après le référencement")
    )
    add_panel(Panel(Area.PUBLISHER, "home", "store/publisher/panel.html", _applications, order=10))
    add_panel(Panel(Area.REVIEWER, "home", "store/reviewer/panel.html", _queue, order=10))
    schedule.every(3600, "store.warn_expiring_evidence")
    blobs.declare("evidence", list_referenced_blobs)
    schedule.every(3600, "store.expire_listings")
    schedule.every(3600, "store.send_reminders")
    schedule.every(3600, "store.close_calls")
    schedule.every(86400, "store.archive_drafts")
    schedule.every(86400, "store.erase_old_reports")


def _applications(*, by: Actor) -> Mapping[str, Any] | None:
    rows = list_applications(by=by)
    return {"rows": rows} if rows else None


def _queue(*, by: Actor) -> Mapping[str, Any] | None:
    counts = count_queue(by=by)
    return {"counts": counts} if counts.by_state else None
