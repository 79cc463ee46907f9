"""Wiring of the simulated providers."""

from flask import Flask

from platform_app.simulated.pages import blueprint, give_tokens
from platform_core import config
from platform_core.errors import ConfigurationError


def init_app(app: Flask) -> None:
    """Serve the simulated providers. Raises `ConfigurationError` in production."""
    if config.current().is_production:
        raise ConfigurationError("Production has no simulated identity provider.")
    app.register_blueprint(blueprint)
    app.extensions["csrf"].exempt(give_tokens)
