"""Wiring of identity: sessions, pages, periodic tasks."""

from flask import Flask

from identity_core import tasks  # noqa: F401 - registers the tasks
from identity_core.pages import blueprint
from identity_core.server import DatabaseSessions
from platform_core import schedule
from platform_core.navigation import Area, Link, add_link


def init_app(app: Flask) -> None:
    """Register what identity serves; sessions move to the database."""
    app.session_interface = DatabaseSessions()
    app.register_blueprint(blueprint)
    add_link(Link(Area.PATIENT, "Paramètres", "identity.show_settings", order=900))
    schedule.every(3600, "identity.open_spaces")
    schedule.every(600, "identity.sweep_sessions")
