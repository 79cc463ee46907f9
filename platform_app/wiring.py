"""Wiring of the web shell: health checks, the guard of the data calls, the pages that belong to no room."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Register what the composition root itself serves."""
