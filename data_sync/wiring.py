"""Wiring of data_sync: the sandbox, the consent of a grant, usage pages and the tasks that count."""

from flask import Flask

from data_sync import tasks  # noqa: F401 - registers the tasks
from data_sync.api import blueprint
from data_sync.pages import usage
from platform_core import schedule
from platform_core.navigation import Area, Panel, add_panel
from platform_core.rest import api


def init_app(app: Flask) -> None:
    """Register what data_sync serves; the callers of its API show tokens, not forms."""
    app.extensions["csrf"].exempt(blueprint)
    api.register_blueprint(blueprint)
    app.register_blueprint(usage.blueprint)
    add_panel(Panel(Area.PUBLISHER, "application", "data_sync/panel.html", usage.load_panel, order=300))
    add_panel(Panel(Area.PUBLIC, "pilot", "data_sync/pilot.html", usage.load_pilot))
    schedule.every(120, "data_sync.count_calls")
    schedule.every(3600, "data_sync.count_consents")
    schedule.every(120, "data_sync.observe_sandbox")
