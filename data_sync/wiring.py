"""Wiring of data_sync: the sandbox and the consent of a grant."""

from flask import Flask

from data_sync.api import blueprint
from platform_core.rest import api


def init_app(app: Flask) -> None:
    """Register the blueprint; its callers show tokens, not forms."""
    app.extensions["csrf"].exempt(blueprint)
    api.register_blueprint(blueprint)
