"""Inboxes of the spaces and of the agents, and their newest messages on the home pages."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor, current_patient_id, patient_required
from notification_core import queries, service
from platform_core.access import Actor
from platform_core.database import transaction
from platform_core.navigation import Area
from platform_core.pagination import page_number

blueprint = Blueprint("notification", __name__, template_folder="../templates")

_AGENT_AREAS = {
    Area.PUBLISHER: ("/editeur", agent_required("publisher")),
    Area.REVIEWER: ("/instruction", agent_required("reviewer", "decider", "commission")),
}


@blueprint.get("/espace/notifications")
@patient_required
def show_inbox() -> str:
    patient_id = current_patient_id()
    with transaction(patient_id=patient_id):
        found = queries.list_messages(patient_id=patient_id, page=page_number(request.args.get("page")))
    return render_template(
        "notification/inbox.html", found=found, area_name="patient", here=".show_inbox", read=".read_message"
    )


@blueprint.post("/espace/notifications/<uuid:message_id>/lecture")
@patient_required
def read_message(message_id: UUID) -> Response:
    patient_id = current_patient_id()
    with transaction(patient_id=patient_id):
        service.mark_read(patient_id=patient_id, message_id=message_id)
    return redirect(url_for(".show_inbox"), 303)


def show_agent_inbox(area: Area) -> str:
    agent_id = _agent_id()
    with transaction():
        found = queries.list_agent_messages(agent_id=agent_id, page=page_number(request.args.get("page")))
    return render_template(
        "notification/inbox.html",
        found=found,
        area_name=area.value,
        here=f".show_inbox_{area.value}",
        read=f".read_message_{area.value}",
    )


def read_agent_message(area: Area, message_id: UUID) -> Response:
    with transaction():
        service.mark_agent_read(agent_id=_agent_id(), message_id=message_id)
    return redirect(url_for(f".show_inbox_{area.value}"), 303)


def load_inbox_panel(*, by: Actor | None, patient_id: UUID) -> Mapping[str, Any]:
    """The newest messages of a space, for its home page."""
    found = queries.list_messages(patient_id=patient_id)
    return {"messages": found.items[:3], "unread": queries.count_unread(patient_id)}


def load_agent_panel(*, by: Actor | None, **_: object) -> Mapping[str, Any] | None:
    """The newest messages of an agent, for the home page of their area; nothing when there are none."""
    if by is None or by.id is None:
        return None
    found = queries.list_agent_messages(agent_id=by.id)
    return {"messages": found.items[:3], "unread": queries.count_agent_unread(by.id)} if found.items else None


def _agent_id() -> UUID:
    agent_id = current_actor().id
    assert agent_id is not None
    return agent_id


for _area, (_path, _guard) in _AGENT_AREAS.items():
    blueprint.add_url_rule(
        f"{_path}/notifications",
        f"show_inbox_{_area.value}",
        _guard(show_agent_inbox),
        defaults={"area": _area},
    )
    blueprint.add_url_rule(
        f"{_path}/notifications/<uuid:message_id>/lecture",
        f"read_message_{_area.value}",
        _guard(read_agent_message),
        methods=["POST"],
        defaults={"area": _area},
    )
