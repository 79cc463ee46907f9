"""The answers to the criteria: from the grid to form fields, from posted forms to answers, and in words."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext

from platform_core.errors import Fault
from platform_core.french import typeset
from store.pages import forms
from store.pages.forms import Form
from store.rules import answers, orientation
from store.rules.answers import Mark
from store.rules.grid import Criterion, Grid

_TEXTS = ("answer", "no_evidence")


@dataclass(frozen=True, slots=True)
class ClaimField:
    """One criterion as its form shows it: why it applies, the answer so far, what is wrong, the evidence tied to it."""

    criterion: Criterion
    claim: Mapping[str, Any]
    why: str
    mark: Mark | None
    note: str
    level_error: str
    answer_error: str
    reason_error: str
    evidence: Sequence[str]


def fields_of(
    grid: Grid,
    criteria: Iterable[str],
    dossier: Mapping[str, Any],
    claims: Mapping[str, Any],
    *,
    answered: Grid | None = None,
    faults: Iterable[Fault] = (),
    evidence: Mapping[str, Sequence[str]] | None = None,
) -> list[ClaimField]:
    """The criteria to answer. `answered` is the grid that the application answered last, `evidence` titles by id."""
    errors = {fault.where.removeprefix("criteria."): forms.say_fault(fault) for fault in faults}
    return [
        ClaimField(
            one,
            claims.get(one.id, {}),
            say_why(one, dossier.get("orientation", {})),
            answers.mark(one, answered),
            gettext(grid.changes[one.id]) if one.id in grid.changes else "",
            errors.get(f"{one.id}.level", ""),
            errors.get(f"{one.id}.answer", ""),
            errors.get(f"{one.id}.no_evidence", ""),
            (evidence or {}).get(one.id, ()),
        )
        for one in map(grid.get, criteria)
    ]


def read(form: Form, criteria: Collection[str]) -> dict[str, dict[str, Any]]:
    """The answers posted for these criteria; what was left empty is left out."""
    found = {one: _read(form, one) for one in criteria}
    return {one: claim for one, claim in found.items() if claim}


def _read(form: Form, criterion: str) -> dict[str, Any]:
    level = form.get(f"{criterion}-level", "")
    claim: dict[str, Any] = {"level": int(level)} if re.fullmatch("[0-9]", level) else {}
    texts = {name: form.get(f"{criterion}-{name}", "").strip().replace("\r\n", "\n") for name in _TEXTS}
    return claim | {name: text for name, text in texts.items() if text}


def say_why(criterion: Criterion, given: orientation.Answers) -> str:
    """Why a criterion concerns a service, in words."""
    if not criterion.conditional:
        return str(gettext("S’applique à tous les services."))
    said = [
        gettext(
            "à « %(question)s », la réponse est « %(answer)s »",
            question=gettext(orientation.QUESTIONS[reason.question]["title"]),
            answer=say_answer(reason),
        )
        for reason in orientation.list_reasons(given, criterion.applies_when)
    ]
    return typeset(str(gettext("S’applique parce que, %(reasons)s.", reasons=" ; ".join(said))))


def say_answer(reason: orientation.Reason) -> str:
    """An answer to the orientation, in words."""
    shape = orientation.QUESTIONS[reason.question]
    field = forms.fields_of({"properties": {"x": shape}, "required": []}, {"x": reason.answer})[0]
    return forms.describe(field)


def describe(criterion: Criterion, claim: Mapping[str, Any]) -> str:
    """An answer in words: the level, what shows it, why no file does."""
    levels = [one.meaning for one in criterion.levels if one.level == claim.get("level")]
    said = (
        [gettext("Niveau %(level)s : %(meaning)s", level=claim["level"], meaning=gettext(levels[0]))] if levels else []
    )
    without = [gettext("Sans pièce : %(reason)s", reason=claim["no_evidence"])] if "no_evidence" in claim else []
    return " ".join([*said, claim.get("answer", ""), *without]).strip() or str(gettext("Non renseigné"))


def describe_all(grid: Grid, dossier: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Every criterion that concerns the service with its answer, family by family, for reading."""
    claims, concerned = dossier.get("criteria", {}), grid.applicable(dossier.get("orientation", {}))
    families = [
        (
            gettext(family.label),
            [
                (f"{one.id} {gettext(one.title)}", describe(one, claims.get(one.id, {})))
                for one in concerned
                if one.family == family.code
            ],
        )
        for family in grid.families.values()
    ]
    return [(label, rows) for label, rows in families if rows]
