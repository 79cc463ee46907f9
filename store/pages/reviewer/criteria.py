"""The criteria of a dossier: what the publisher answers and shows, what the reviewers find."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from identity_core.sessions import agent_required, current_actor
from platform_core.database import transaction
from platform_core.errors import DomainError, Invalid, VersionMismatch
from store.errors import TransitionRefused
from store.pages import claims, forms
from store.pages.reviewer import wording
from store.pages.reviewer.desk import Desk, open_desk
from store.rules import dossier
from store.rules.grid import Criterion, Verdict
from store.rules.messages import Use
from store.service import reviews

blueprint = Blueprint("criteria", __name__, template_folder="../../templates")

Answer = str | Response | tuple[str, int]


@dataclass(frozen=True, slots=True)
class Typed:
    """A verdict as it was typed, with the version of the verdict and that of the dossier that were read."""

    verdict: str = ""
    comment: str = ""
    version: str = "0"
    sent: str = "0"

    def is_readable(self) -> bool:
        return self.verdict in set(Verdict) and all(wording.NUMBER.fullmatch(one) for one in (self.version, self.sent))


@blueprint.get("/instruction/dossiers/<uuid:submission_id>/criteres")
@agent_required("reviewer", "decider", "commission")
def list_criteria(submission_id: UUID) -> str:
    desk = open_desk(submission_id)
    return render_template(
        "store/reviewer/criteria.html", tab="criteria", desk=desk, file=desk.file, families=list_families(desk)
    )


@blueprint.get("/instruction/dossiers/<uuid:submission_id>/criteres/<criterion>")
@agent_required("reviewer", "decider", "commission")
def show_criterion(submission_id: UUID, criterion: str) -> str:
    return _page(open_desk(submission_id), criterion)


@blueprint.post("/instruction/dossiers/<uuid:submission_id>/criteres/<criterion>")
@agent_required("reviewer")
def record_verdict(submission_id: UUID, criterion: str) -> Answer:
    form = request.form
    typed = Typed(form.get("verdict", ""), wording.typed("comment"), form.get("version", "0"), form.get("sent", "0"))
    if wording.wants("insert"):
        desk = open_desk(submission_id)
        comment = wording.inserted(typed.comment, desk.file, criterion=criterion)
        return _page(desk, criterion, Typed(typed.verdict, comment, typed.version, typed.sent))
    if not typed.is_readable():
        return _page(open_desk(submission_id), criterion, typed, gettext("Choisissez un avis.")), 422
    try:
        with transaction():
            reviews.record_verdict(
                submission_id=submission_id,
                criterion=criterion,
                verdict=Verdict(typed.verdict),
                comment=typed.comment,
                version=int(typed.version),
                sent=int(typed.sent),
                by=current_actor(),
            )
    except (VersionMismatch, TransitionRefused) as refused:
        return _page(open_desk(submission_id), criterion, typed, conflict=refused), 409
    except Invalid as refused:
        return _page(open_desk(submission_id), criterion, typed, forms.say_refusal(refused)), 422
    flash(gettext("Avis enregistré."), "success")
    return redirect(_next_url(submission_id), 303)


def _next_url(submission_id: UUID) -> str:
    """The next criterion to examine when the button says so, else the list."""
    left = open_desk(submission_id).to_examine() if request.form.get("do") == "next" else ()
    if left:
        return url_for("criteria.show_criterion", submission_id=submission_id, criterion=left[0].id)
    return url_for("criteria.list_criteria", submission_id=submission_id)


def _page(
    desk: Desk, criterion: str, typed: Typed | None = None, error: str = "", conflict: DomainError | None = None
) -> str:
    """The page of a criterion. In a conflict it keeps what was typed and shows what a colleague, or the publisher,
    wrote meanwhile; the form then carries the versions shown, so that saving again is a choice."""
    one = desk.grid.get(criterion)
    saved = desk.verdicts.get(criterion)
    if typed is None:
        typed = Typed(saved.verdict if saved else "", saved.comment if saved else "")
    return render_template(
        "store/reviewer/criterion.html",
        tab="criteria",
        desk=desk,
        file=desk.file,
        criterion=one,
        why=claims.say_why(one, desk.answers),
        claim=desk.sent.dossier.get("criteria", {}).get(criterion, {}),
        evidence=desk.evidence.get(criterion, ()),
        asked=forms.say_evidence(one),
        changes=desk.changes_of(criterion),
        questions=[question for question in desk.questions if question.criterion == criterion],
        notes=[note for note in desk.notes if note.criterion == criterion],
        saved=saved,
        typed=typed,
        error=error,
        conflict=conflict.code if conflict else "",
        verdicts=[value for value in Verdict if value is not Verdict.NOT_APPLICABLE or one.conditional],
        templates=wording.offered(Use.VERDICT),
        question_templates=wording.offered(Use.QUESTION),
        families=list_families(desk),
        forms=forms,
    )


def list_families(desk: Desk) -> Sequence[Mapping[str, Any]]:
    """The families that concern the service: their criteria and verdicts, their progress, what to look at next."""
    changed = {change["label"].partition(",")[0] for change in desk.changes if change["section"] == _ANSWERS}
    families = []
    for family in desk.grid.families.values():
        rows = [_row(desk, one, changed) for one in desk.criteria if one.family == family.code]
        if rows:
            left = [row for row in rows if row["verdict"] is None]
            families.append(
                {
                    "code": family.code,
                    "label": gettext(family.label),
                    "rows": rows,
                    "done": len(rows) - len(left),
                    "next": (left or rows)[0]["criterion"].id,
                }
            )
    return families


_ANSWERS = dossier.SECTIONS["criteria"]["title"]


def _row(desk: Desk, one: Criterion, changed: set[str]) -> Mapping[str, Any]:
    view = desk.verdicts.get(one.id)
    return {
        "criterion": one,
        "verdict": view.verdict if view else None,
        "blocks": one in desk.unmet,
        "changed": one.id in changed,
        "open": any(question.criterion == one.id for question in desk.waiting_questions),
    }
