"""The composition root: one application out of a configuration and the packages, bottom up."""

import importlib
from importlib.util import find_spec
from types import ModuleType

from flask import Flask, Response
from werkzeug.middleware.proxy_fix import ProxyFix

from platform_app.celery_app import init_celery
from platform_app.cors import init_cors
from platform_app.errors import init_errors
from platform_app.localisation import init_babel
from platform_app.security import init_security
from platform_core.config import Config, configure
from platform_core.database import db, flask_settings
from platform_core.rest import init_rest
from platform_core.web import request_id

PACKAGES = (
    "platform_core",
    "identity_core",
    "notification_core",
    "dmp_core",
    "agenda_core",
    "messaging_core",
    "info_core",
    "store",
    "consent",
    "oauth",
    "data_sync",
    "platform_app",
)
SERVER_THREADS = 4
MOST_BODY_BYTES = 60 * 1024 * 1024


def import_packages() -> list[ModuleType]:
    """The `wiring` of each package; importing them loads every model."""
    return [importlib.import_module(f"{name}.wiring") for name in PACKAGES if find_spec(f"{name}.wiring")]


def create_app(config: Config) -> Flask:
    """The web application, also the context in which tasks and commands run."""
    configure(config)
    app = Flask("platform_app")
    if config.trusted_proxies:
        # Each proxy appends to X-Forwarded-For: only as many entries as there are proxies can be believed.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=config.trusted_proxies)  # type: ignore[method-assign]
    app.config.update(
        SECRET_KEY=config.secret_key,
        TESTING=config.env == "testing",
        MAX_CONTENT_LENGTH=MOST_BODY_BYTES,
        **flask_settings(config, pool_size=SERVER_THREADS),
    )
    db.init_app(app)
    init_babel(app)
    init_errors(app)
    init_security(app, config)
    init_cors(app)
    init_rest(app)
    app.after_request(_name_the_request)
    for wiring in import_packages():
        if hasattr(wiring, "init_app"):
            wiring.init_app(app)
    init_celery(app, config)
    return app


def _name_the_request(response: Response) -> Response:
    response.headers.setdefault("X-Request-Id", request_id())
    return response
