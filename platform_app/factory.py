"""The composition root: one application out of a configuration and the packages, bottom up."""

import importlib
from importlib.util import find_spec
from types import ModuleType

from flask import Flask

from platform_core.config import Config, configure
from platform_core.database import db, flask_settings

PACKAGES = (
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
)
SERVER_THREADS = 4


def import_packages() -> list[ModuleType]:
    """The `wiring` of each package; importing them loads every model."""
    return [importlib.import_module(f"{name}.wiring") for name in PACKAGES if find_spec(f"{name}.wiring")]


def create_app(config: Config) -> Flask:
    """The web application, also the context in which tasks and commands run."""
    configure(config)
    app = Flask("platform_app")
    app.config.update(
        SECRET_KEY=config.secret_key,
        TESTING=config.env == "testing",
        **flask_settings(config, pool_size=SERVER_THREADS),
    )
    db.init_app(app)
    for wiring in import_packages():
        if hasattr(wiring, "init_app"):
            wiring.init_app(app)
    return app
