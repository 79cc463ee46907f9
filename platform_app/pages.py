"""The pages that belong to no room: front page, homes of the areas, developers' pages, statements."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, render_template
from markupsafe import Markup

from identity_core.sessions import (
    agent_required,
    current_actor,
    current_patient,
    helper_allowed,
    professional_required,
)
from platform_app import api_reference
from platform_core import clock, config
from platform_core.access import Actor, ActorKind
from platform_core.categories import registry
from platform_core.database import transaction
from platform_core.navigation import Area, panels
from platform_core.web import public

blueprint = Blueprint("shell", __name__)


@blueprint.get("/")
@public("says what the service is")
def home() -> str:
    return render_template("home.html")


@blueprint.get("/espace")
@helper_allowed()
def patient_home() -> str:
    patient = current_patient()
    with transaction(patient_id=patient.id):
        blocks = _blocks(Area.PATIENT, _home_page(current_actor()), patient_id=patient.id)
    return render_template("patient_home.html", blocks=blocks, patient_name=patient.display_name)


@blueprint.get("/pro")
@professional_required
def professional_home() -> str:
    return _home_of(Area.PROFESSIONAL)


@blueprint.get("/editeur")
@agent_required("publisher")
def publisher_home() -> str:
    return _home_of(Area.PUBLISHER)


@blueprint.get("/instruction")
@agent_required("reviewer", "decider", "commission")
def reviewer_home() -> str:
    return _home_of(Area.REVIEWER)


def _home_of(area: Area) -> str:
    with transaction():
        blocks = _blocks(area, "home")
    return render_template(f"{area}_home.html", blocks=blocks, name=current_actor().name)


def _home_page(by: Actor) -> str:
    """A helper finds none of the panels of the patient but those made for helpers."""
    return "helper" if by.kind is ActorKind.HELPER else "home"


def _blocks(area: Area, page: str, **arguments: Any) -> list[Markup]:
    """The panels of a home page, rendered while its transaction is open."""
    found = panels(area, page, by=current_actor(), **arguments)
    return [Markup(render_template(template, **context)) for template, context in found]  # noqa: S704 - our own templates


@blueprint.get("/developpeurs")
@public("documentation for partners")
def developers() -> str:
    families = [(family, registry.of_family(family.code)) for family in registry.families()]
    return render_template("developers.html", families=families, issuer=config.current().base_url)


@blueprint.get("/developpeurs/api")
@public("documentation for partners")
def api_pages() -> str:
    return render_template("api_reference.html", groups=api_reference.read_operations())


@blueprint.get("/accessibilite")
@public("statement that the law asks for")
def accessibility() -> str:
    return render_template("accessibility.html")


@blueprint.get("/mentions-legales")
@public("statement that the law asks for")
def legal_notice() -> str:
    return render_template("legal_notice.html")


@blueprint.get("/.well-known/security.txt")
@public("tells where to report a weakness")
def security_txt() -> Response:
    """RFC 9116: where to report a weakness, valid for six months from the reading."""
    base_url = config.current().base_url
    lines = [
        f"Contact: {base_url}/mentions-legales#securite",
        f"Expires: {clock.now() + timedelta(days=180):%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: fr, en",
        f"Canonical: {base_url}/.well-known/security.txt",
    ]
    return Response("\n".join(lines) + "\n", mimetype="text/plain")
