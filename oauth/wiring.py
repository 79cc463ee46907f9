"""Wiring of the authorization server: endpoints, pages, panel of the publisher, clean-up."""

from flask import Flask

from identity_core.events import SignedOut
from oauth import tasks  # noqa: F401 - registers the tasks
from oauth.api import credentials as credentials_api
from oauth.api import discovery, endpoints
from oauth.pages import authorize, changes, credentials, device, logout, software
from oauth.pages import registration as registration_pages  # noqa: F401 - more views of the credentials
from oauth.sessions import offer_nonce, verify_publisher
from oauth.subscribers import end_software, tell_apps
from platform_core import publisher_api, rest, schedule
from platform_core.events import subscribe
from platform_core.navigation import Area, Panel, add_panel


def init_app(app: Flask) -> None:
    """Register what the authorization server serves. Other sites post to these endpoints: no CSRF token there."""
    for blueprint in (discovery, endpoints, authorize.blueprint):
        app.extensions["csrf"].exempt(blueprint)
        app.register_blueprint(blueprint)
    app.register_blueprint(changes.blueprint)
    app.register_blueprint(device.blueprint)
    app.register_blueprint(software.blueprint)
    app.extensions["csrf"].exempt(logout.end_session_by_form)
    app.register_blueprint(logout.blueprint)
    subscribe(SignedOut, tell_apps)
    subscribe(SignedOut, end_software)
    app.extensions["csrf"].exempt(credentials_api)
    rest.api.register_blueprint(credentials_api)
    publisher_api.plug_verifier("app token", verify_publisher)
    app.after_request(offer_nonce)
    add_panel(Panel(Area.PUBLISHER, "application", "oauth/panel.html", credentials.load_panel, order=200))
    add_panel(Panel(Area.PROFESSIONAL, "home", "oauth/software_panel.html", software.load_panel, order=50))
    schedule.every(300, "oauth.forget_expired")
    schedule.every(86400, "oauth.renew_signing_keys")
