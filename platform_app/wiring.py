"""Wiring of the web shell: health checks, the guard of the data calls, the pages that belong to no room."""

from flask import Flask

from platform_app import api, pages
from platform_app.guard import init_guard
from platform_app.health import init_health
from platform_app.shell import init_shell
from platform_app.simulated import wiring as simulated
from platform_core import config, rest
from platform_core.navigation import Area, Link, add_link

HOMES = (
    Link(Area.PUBLIC, "Développeurs", "shell.developers", order=80),
    Link(Area.PATIENT, "Accueil", "shell.patient_home", order=0),
    Link(Area.PROFESSIONAL, "Accueil", "shell.professional_home", order=0),
    Link(Area.PUBLISHER, "Accueil", "shell.publisher_home", order=0),
    Link(Area.REVIEWER, "Accueil", "shell.reviewer_home", order=0),
)


def init_app(app: Flask) -> None:
    """Register what the composition root itself serves."""
    init_health(app)
    init_shell(app)
    app.register_blueprint(pages.blueprint)
    rest.api.register_blueprint(api.categories)
    init_guard()
    if not config.current().is_production:
        simulated.init_app(app)
    for link in HOMES:
        add_link(link)
