"""Wiring of notification: inboxes, preferences, what they hear, the development mailbox."""

from flask import Flask

from notification_core import tasks  # noqa: F401 - registers the tasks
from notification_core.categories import Topic, declare
from notification_core.pages import inbox, letters, preferences
from notification_core.subscribers import init_subscribers
from platform_core import config, schedule
from platform_core.navigation import Area, Link, Panel, add_link, add_panel


def init_app(app: Flask) -> None:
    """Register the inboxes and the subscribers; the mailbox outside production only."""
    for pages in (inbox.blueprint, preferences.blueprint, letters.blueprint, letters.unsubscribing):
        app.register_blueprint(pages)
    # A mail reader posts there by itself (RFC 8058): the token of the address stands for what a session would prove.
    app.extensions["csrf"].exempt(letters.unsubscribing)
    if not config.current().is_production:
        app.register_blueprint(letters.mailbox)
    declare(Topic.SECURITY, "notification.address-changed", "identity.representation")
    init_subscribers()
    schedule.every(24 * 3600, "notification.delete_old_emails")
    add_link(Link(Area.PATIENT, "Notifications", "notification.show_inbox", order=800))
    add_link(Link(Area.PUBLISHER, "Notifications", "notification.show_inbox_publisher", order=800))
    add_link(Link(Area.REVIEWER, "Notifications", "notification.show_inbox_reviewer", order=800))
    add_panel(Panel(Area.PATIENT, "home", "notification/panel.html", inbox.load_inbox_panel, order=10))
    add_panel(Panel(Area.PATIENT, "settings", "notification/preferences_panel.html", preferences.load_panel))
    for area in (Area.PUBLISHER, Area.REVIEWER):
        add_panel(Panel(area, "home", f"notification/panel_{area.value}.html", inbox.load_agent_panel, order=10))
