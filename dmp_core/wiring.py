"""Wiring of the record: its categories, its FHIR resource types, its pages."""

from dataclasses import replace

from flask import Flask

from dmp_core import (
    models,  # noqa: F401 - loads the tables
    subscribers,
    tasks,  # noqa: F401 - declares the tasks
)
from dmp_core.api import documents as documents_api
from dmp_core.api.devices import DEVICE
from dmp_core.api.entries import RESOURCE_TYPES
from dmp_core.api.observation_kinds import OBSERVATION
from dmp_core.api.observations import perform_transaction
from dmp_core.api.patients import PATIENT
from dmp_core.categories import DOCUMENTS, DOCUMENTS_FAMILY, FAMILY, MEASURES
from dmp_core.events import DocumentFiled
from dmp_core.pages import (
    biology,
    devices,
    documents,
    export,
    goals,
    measures,
    prescriptions,
    profile,
    reader,
    reimbursements,
    search,
    timeline,
    vaccinations,
)
from dmp_core.pages.professionals import entering, records, searching, settings, synthesis
from dmp_core.pages.professionals import goals as professional_goals
from dmp_core.pages.professionals import prescriptions as professional_prescriptions
from dmp_core.queries import documents as documents_queries
from dmp_core.queries.entries import describe_entries
from dmp_core.queries.points import describe_measures
from dmp_core.rules.entries.kinds import RECORD
from dmp_core.service.documents.contents import COLLECTION
from identity_core.events import SpaceClosed
from notification_core.categories import Topic, declare
from platform_core import schedule
from platform_core.blobs import service as blobs
from platform_core.categories import registry as categories
from platform_core.events import ContributionsWithdrawn, DataChanged, subscribe
from platform_core.fhir.registry import registry as fhir
from platform_core.navigation import Area, Link, Panel, add_link, add_panel


def init_app(app: Flask) -> None:
    """Declare what the record keeps and serves."""
    categories.register(FAMILY, [replace(category, describe=describe_measures) for category in MEASURES])
    categories.register(DOCUMENTS_FAMILY, [replace(one, describe=documents_queries.describe) for one in DOCUMENTS])
    for family, found in RECORD.items():
        categories.register(family, [replace(one, describe=describe_entries) for one in found])
    fhir.register(OBSERVATION)
    fhir.register(DEVICE)
    fhir.register(PATIENT)
    fhir.register_transaction(frozenset({OBSERVATION.name, DEVICE.name}), perform_transaction)
    for resource_type in (*RESOURCE_TYPES, documents_api.DOCUMENT, documents_api.BINARY, documents_api.LIST):
        fhir.register(resource_type)
    fhir.register_transaction(documents_api.IN_SUBMISSIONS, documents_api.perform_transaction)
    blobs.declare(COLLECTION, documents_queries.list_referenced_blobs, documents_queries.list_blobs_of)
    for pages in (measures.blueprint, goals.blueprint, devices.blueprint):
        app.register_blueprint(pages)
    app.register_blueprint(documents.blueprint)
    app.register_blueprint(search.blueprint)
    app.register_blueprint(timeline.blueprint)
    app.register_blueprint(reader.blueprint)
    app.register_blueprint(prescriptions.blueprint)
    app.register_blueprint(biology.blueprint)
    app.register_blueprint(vaccinations.blueprint)
    app.register_blueprint(reimbursements.blueprint)
    app.register_blueprint(profile.blueprint)
    app.register_blueprint(export.blueprint)
    declare(Topic.SECURITY, "dmp.export-ready")
    for pages in (
        settings.blueprint,
        records.blueprint,
        searching.blueprint,
        entering.blueprint,
        synthesis.blueprint,
        professional_prescriptions.blueprint,
        professional_goals.blueprint,
    ):
        app.register_blueprint(pages)
    declare(Topic.SECURITY, "dmp.agreement", "dmp.emergency", "dmp.first-reading")
    subscribe(ContributionsWithdrawn, subscribers.withdraw_contributions)
    subscribe(DocumentFiled, subscribers.extract_entries)
    subscribe(DocumentFiled, subscribers.index_document)
    subscribe(DataChanged, subscribers.index_entry)
    subscribe(SpaceClosed, subscribers.end_agreements)
    add_link(Link(Area.PATIENT, "Mon dossier", "dmp.show_record", order=20))
    add_link(Link(Area.PATIENT, "Recherche", "search.show_search", order=25))
    add_panel(Panel(Area.PATIENT, "home", "dmp_core/panel_documents.html", documents.load_panel, order=15))
    add_panel(Panel(Area.PATIENT, "home", "dmp_core/panel.html", measures.load_panel, order=20))
    add_panel(Panel(Area.PATIENT, "record", "dmp_core/panel_vaccinations.html", vaccinations.load_panel, order=10))
    add_panel(Panel(Area.PATIENT, "record", "dmp_core/panel_prescriptions.html", prescriptions.load_panel, order=5))
    add_panel(Panel(Area.PATIENT, "record", "dmp_core/panel_results.html", biology.load_panel, order=6))
    add_panel(Panel(Area.PATIENT, "record", "dmp_core/panel_reimbursements.html", reimbursements.load_panel, order=20))
    add_panel(Panel(Area.PATIENT, "record", "dmp_core/panel_profile.html", profile.load_panel, order=30))
    add_panel(Panel(Area.PATIENT, "record", "dmp_core/panel_synthesis.html", synthesis.load_panel, order=4))
    add_panel(Panel(Area.PATIENT, "settings", "dmp_core/pro/settings_panel.html", settings.load_panel))
    add_panel(Panel(Area.PATIENT, "closing", "dmp_core/closing_panel.html", export.load_panel))
    add_panel(Panel(Area.PROFESSIONAL, "home", "dmp_core/pro/panel.html", entering.load_panel, order=10))
    schedule.every(86400, "dmp.drop_lapsed_summaries")
