"""The opinion on a file, as the votes decide it: its motive and its reservations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor
from platform_core import clock
from platform_core.database import transaction
from platform_core.errors import DomainError, NotFound
from platform_core.renderers import status_of
from store.pages import forms
from store.pages.reviewer import wording
from store.pages.reviewer.desk import open_desk
from store.queries.commission import ItemView, get_session, list_items
from store.rules.commission import NewReservation
from store.rules.messages import Use
from store.service import commission

blueprint = Blueprint("opinions", __name__, template_folder="../../templates")

Answer = str | Response | tuple[str, int]
_MOST = 12


@dataclass(frozen=True, slots=True)
class Line:
    """A reservation as it was typed. `kind` is `suspensive`, or `simple`."""

    text: str = ""
    kind: str = "suspensive"
    due_on: str = ""
    criterion: str = ""

    def to_reservation(self) -> NewReservation:
        """Raises `ValueError` for a date that is none."""
        due_on = date.fromisoformat(self.due_on)
        return NewReservation(self.text, self.kind == "suspensive", due_on, self.criterion or None)


@blueprint.get("/instruction/commission/<uuid:session_id>/dossiers/<uuid:item_id>/avis")
@agent_required("commission")
def prepare(session_id: UUID, item_id: UUID) -> str:
    """The form: a suspensive reservation is proposed for each obligatory criterion that is not met."""
    item = _item(session_id, item_id)
    unmet = open_desk(item.submission_id).unmet if item.tally.opinion != "unfavourable" else ()
    return _form(session_id, item, "", [Line(criterion=one.id) for one in unmet])


@blueprint.post("/instruction/commission/<uuid:session_id>/dossiers/<uuid:item_id>/avis")
@agent_required("commission")
def give_opinion(session_id: UUID, item_id: UUID) -> Answer:
    item, motive, lines = _item(session_id, item_id), wording.typed("motive"), _lines()
    if wording.wants("insert"):
        motive = wording.inserted(motive, open_desk(item.submission_id).file)
        return _form(session_id, item, motive, lines)
    if wording.wants("more"):
        return _form(session_id, item, motive, [*lines, Line()])
    try:
        with transaction():
            commission.give_opinion(
                item_id=item_id,
                motive=motive,
                reservations=[line.to_reservation() for line in lines if line.text],
                by=current_actor(),
            )
    except ValueError:
        return _form(session_id, item, motive, lines, gettext("Indiquez l’échéance de chaque réserve.")), 422
    except DomainError as refused:
        if status_of(refused) not in {403, 409, 422}:
            raise
        return _form(session_id, _item(session_id, item_id), motive, lines, forms.say_refusal(refused)), status_of(
            refused
        )
    flash(gettext("L’avis est rendu."), "success")
    return redirect(url_for("commission.show_session", session_id=session_id), 303)


def _lines() -> Sequence[Line]:
    """The reservations typed; those without a text are kept on the page, and left out of the opinion."""
    form = request.form
    return [
        Line(
            wording.typed(f"text-{number}"),
            form.get(f"kind-{number}", "suspensive"),
            form.get(f"due-{number}", ""),
            form.get(f"criterion-{number}", ""),
        )
        for number in range(_MOST)
        if f"text-{number}" in form
    ]


def _item(session_id: UUID, item_id: UUID) -> ItemView:
    with transaction():
        found = [item for item in list_items(session_id) if item.id == item_id]
    if not found:
        raise NotFound("This item is on no agenda.")
    return found[0]


def _form(session_id: UUID, item: ItemView, motive: str, lines: Sequence[Line], error: str = "") -> str:
    desk = open_desk(item.submission_id)
    with transaction():
        session = get_session(session_id)
    return render_template(
        "store/reviewer/opinion.html",
        session=session,
        item=item,
        desk=desk,
        motive=motive,
        lines=lines[:_MOST],
        error=error,
        today=clock.today(),
        criteria=[
            ("", gettext("Le dossier entier")),
            *((one.id, f"{one.id} {gettext(one.title)}") for one in desk.criteria),
        ],
        templates=wording.offered(Use.OPINION),
    )
