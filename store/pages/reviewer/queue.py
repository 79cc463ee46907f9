"""The queue: the dossiers sent to review, narrowed by what the address says, and who takes charge of them."""

from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.queries import list_agents
from identity_core.sessions import agent_required, current_actor
from platform_core.database import transaction
from platform_core.errors import DomainError
from platform_core.pagination import page_number
from platform_core.renderers import status_of
from store.pages import forms
from store.pages.reviewer.desk import dossier_url, open_file
from store.queries.queue import QueueFilter, count_queue, list_queue
from store.service import reviews
from store.workflow import Role, SubmissionKind, SubmissionState

blueprint = Blueprint("queue", __name__, template_folder="../../templates")

Word = TypeVar("Word", bound=StrEnum)


@blueprint.get("/instruction/dossiers")
@agent_required("reviewer", "decider", "commission")
def show_queue() -> str:
    by, chosen = current_actor(), _chosen()
    with transaction():
        found = list_queue(chosen=chosen, page=page_number(request.args.get("page")))
        counts = count_queue(by=by)
    asked: dict[str, Any] = {name: value for name, value in request.args.items() if name != "page" and value}
    return render_template(
        "store/reviewer/queue.html",
        found=found,
        counts=counts,
        chosen=chosen,
        asked=asked,
        states=[one for one in SubmissionState if one is not SubmissionState.DRAFT],
        kinds=list(SubmissionKind),
        roles=[Role.REVIEWER, Role.PUBLISHER, Role.COMMISSION, Role.DECIDER],
        mine=by.id,
        reviews="reviewer" in by.roles,
        url_for_page=lambda page: url_for("queue.show_queue", **asked, page=page),
    )


def _chosen() -> QueueFilter:
    """The filter that the address asks for; what it says wrong is left out."""
    args = request.args
    return QueueFilter(
        state=_word(SubmissionState, "etat"),
        kind=_word(SubmissionKind, "nature"),
        waiting_on=_word(Role, "attend"),
        evaluator_id=current_actor().id if args.get("qui") == "moi" else None,
        unassigned=args.get("qui") == "personne",
        overdue=args.get("retard") == "oui",
        open_only=args.get("clos") != "oui" and not args.get("etat"),
        text=args.get("q", "")[:100],
    )


def _word(words: type[Word], name: str) -> Word | None:
    value = request.args.get(name, "")
    return words(value) if value in set(words) else None


@blueprint.get("/instruction/dossiers/<uuid:submission_id>/confier")
@agent_required("reviewer")
def choose_reviewer(submission_id: UUID) -> str:
    return _choice(submission_id)


@blueprint.post("/instruction/dossiers/<uuid:submission_id>/confier")
@agent_required("reviewer")
def assign(submission_id: UUID) -> Response | tuple[str, int]:
    try:
        with transaction():
            reviewer_id = UUID(request.form.get("reviewer", ""))
            reviews.assign(submission_id=submission_id, reviewer_id=reviewer_id, by=current_actor())
    except ValueError:
        return _choice(submission_id, gettext("Choisissez une personne.")), 422
    except DomainError as refused:
        return _choice(submission_id, forms.say_refusal(refused)), status_of(refused)
    flash(gettext("Le dossier est confié."), "success")
    return redirect(dossier_url(submission_id), 303)


def _choice(submission_id: UUID, error: str = "") -> str:
    with transaction():
        file = open_file(submission_id)
        reviewers = list_agents(Role.REVIEWER)
    return render_template("store/reviewer/assign.html", file=file, reviewers=reviewers, error=error)
