"""Wiring of the consent."""

from flask import Flask

from consent import models  # noqa: F401 - loads the models


def init_app(app: Flask) -> None:
    """Register what the consent adds to the application."""
