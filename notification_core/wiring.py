"""Wiring of notification: inboxes, what they hear, the development mailbox."""

from flask import Flask

from notification_core import pages, tasks  # noqa: F401 - registers the tasks
from notification_core.subscribers import init_subscribers
from platform_core import config
from platform_core.navigation import Area, Link, Panel, add_link, add_panel


def init_app(app: Flask) -> None:
    """Register the inboxes and the subscribers; the mailbox outside production only."""
    app.register_blueprint(pages.blueprint)
    if not config.current().is_production:
        app.register_blueprint(pages.mailbox)
    init_subscribers()
    add_link(Link(Area.PATIENT, "Notifications", "notification.show_inbox", order=800))
    add_link(Link(Area.PUBLISHER, "Notifications", "notification.show_inbox_publisher", order=800))
    add_link(Link(Area.REVIEWER, "Notifications", "notification.show_inbox_reviewer", order=800))
    add_panel(Panel(Area.PATIENT, "home", "notification/panel.html", pages.load_inbox_panel, order=10))
    add_panel(Panel(Area.PATIENT, "settings", "notification/preferences.html", pages.load_preferences))
    for area in (Area.PUBLISHER, Area.REVIEWER):
        add_panel(Panel(area, "home", f"notification/panel_{area.value}.html", pages.load_agent_panel, order=10))
