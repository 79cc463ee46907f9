"""Wiring of the web shell: health checks, the guard of the data calls, the pages that belong to no room."""

from flask import Flask

from platform_app.health import init_health


def init_app(app: Flask) -> None:
    """Register what the composition root itself serves."""
    init_health(app)
