"""Wiring of identity: sessions, pages, personal access tokens, periodic tasks."""

from flask import Flask

from identity_core import tasks  # noqa: F401 - registers the tasks
from identity_core.pages import account, closing, mandates, members, residence, tokens
from identity_core.server import DatabaseSessions
from identity_core.sessions import verify_publisher
from platform_core import publisher_api, schedule
from platform_core.navigation import Area, Link, Panel, add_link, add_panel


def init_app(app: Flask) -> None:
    """Register what identity serves; sessions move to the database."""
    app.session_interface = DatabaseSessions()
    for module in (account, closing, mandates, members, residence, tokens):
        app.register_blueprint(module.blueprint)
    add_link(Link(Area.PATIENT, "Paramètres", "identity.show_settings", order=900))
    add_link(Link(Area.PUBLISHER, "Membres", "members.list_members", order=700, group="Organisation"))
    add_link(Link(Area.PUBLISHER, "Jetons", "tokens.list_tokens", order=710, group="Organisation"))
    add_panel(Panel(Area.PATIENT, "helper", "identity/mandate_panel.html", mandates.load_panel))
    publisher_api.plug_verifier("personal access token", verify_publisher)
    schedule.every(3600, "identity.open_spaces")
    schedule.every(3600, "identity.destroy_spaces")
    schedule.every(600, "identity.record_lapses")
    schedule.every(600, "identity.sweep_sessions")
