"""Words of the calls, and the call that a form holds."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from flask import render_template, request
from flask_babel import gettext
from markupsafe import Markup

from identity_core.rules import REGIONS
from platform_core import clock
from platform_core.errors import DomainError
from platform_core.navigation import Area, panels
from store.pages import forms
from store.queries.calls import PilotReport
from store.rules.calls import Criterion, Document, Indicator, Terms

ROWS = range(1, 6)
"""How many criteria, indicators or documents a form offers."""


def say_regions(codes: Iterable[str]) -> str:
    return ", ".join(gettext(REGIONS[code]) for code in codes)


def region_options(codes: Iterable[str] = REGIONS) -> list[dict[str, str]]:
    return [{"value": code, "label": gettext(REGIONS[code])} for code in codes]


def typed(field: str) -> str:
    return request.form.get(field, "").strip().replace("\r\n", "\n")


def typed_number(field: str) -> int:
    """The number typed; -1, which is out of every bound, for what is none."""
    text = typed(field)
    return int(text) if re.fullmatch("[0-9]{1,6}", text) else -1


def typed_day(field: str) -> date:
    """The day typed; a day long past for what is none."""
    try:
        return date.fromisoformat(typed(field))
    except ValueError:
        return date.min


def read_terms() -> Terms:
    """The call that the form holds, checked by nobody yet."""
    return Terms(
        title=typed("title"),
        need=typed("need"),
        themes=tuple(line.strip() for line in typed("themes").splitlines() if line.strip()),
        categories=tuple(request.form.getlist("categories")),
        regions=tuple(request.form.getlist("regions")),
        places=typed_number("places"),
        pilot_days=typed_number("pilot_days"),
        closes_on=typed_day("closes_on"),
        criteria=tuple(Criterion(f"c{n}", label, typed_number(f"weight-{n}")) for n, label in _rows("criterion")),
        indicators=tuple(Indicator(f"i{n}", label, typed(f"unit-{n}")) for n, label in _rows("indicator")),
        documents=tuple(Document(title, typed(f"url-{n}")) for n, title in _rows("document")),
    )


def _rows(name: str) -> Sequence[tuple[int, str]]:
    return [(n, label) for n in ROWS if (label := typed(f"{name}-{n}"))]


def fill_form(terms: Terms) -> Mapping[str, object]:
    """The values of the form that gives these terms back."""
    values: dict[str, object] = {
        "title": terms.title,
        "need": terms.need,
        "themes": "\n".join(terms.themes),
        "categories": terms.categories,
        "regions": terms.regions,
        "places": terms.places,
        "pilot_days": terms.pilot_days,
        "closes_on": terms.closes_on.isoformat(),
    }
    for n, criterion in enumerate(terms.criteria, 1):
        values |= {f"criterion-{n}": criterion.label, f"weight-{n}": criterion.weight}
    for n, indicator in enumerate(terms.indicators, 1):
        values |= {f"indicator-{n}": indicator.label, f"unit-{n}": indicator.unit}
    for n, document in enumerate(terms.documents, 1):
        values |= {f"document-{n}": document.title, f"url-{n}": document.url}
    return values


def posted() -> Mapping[str, object]:
    """What was typed, for a form that is shown again."""
    lists = {name: request.form.getlist(name) for name in ("categories", "regions")}
    return {**request.form.to_dict(), **lists}


def errors_of(refused: DomainError) -> dict[str, str]:
    """What is wrong, by field; under no field for a refusal as a whole."""
    return {fault.where: forms.say_fault(fault) for fault in refused.faults} or {"": say_refusal(refused)}


def say_refusal(refused: DomainError) -> str:
    """Why an act on a call was refused, for the person who tried it."""
    return {
        "transition-refused": gettext("L’état de cet appel ne permet plus cet acte : quelqu’un est passé avant vous."),
        "call-closed": gettext("Cet appel ne reçoit pas de candidature en ce moment."),
        "call-not-closed": gettext("Les candidatures se notent et se choisissent entre la clôture et la conclusion."),
        "scores-missing": gettext("Deux personnes doivent d’abord noter cette candidature."),
        "candidacies-undecided": gettext("Une candidature attend encore un choix."),
        "four-eyes": gettext("Vous avez noté cette candidature : quelqu’un d’autre doit décider."),
        "not-selected": gettext("La candidature doit être retenue, et l’appel conclu."),
        "nothing-to-exchange": gettext("Le dossier ne demande aucune des données que l’appel permet."),
        "dossier-incomplete": gettext("Le dossier de l’application ne dit pas encore ce qu’une fiche doit dire."),
        "pilot-running": gettext("Les résultats se donnent après le dernier jour de l’expérimentation."),
    }.get(refused.code) or forms.say_refusal(refused)


def show_use(report: PilotReport) -> list[Markup]:
    """The blocks that the rooms above add on how a pilot is used, over its days. Inside a transaction."""
    first, last = report.limits.opened_at.astimezone(clock.PARIS).date(), min(report.limits.ends_on, clock.today())
    found = panels(Area.PUBLIC, "pilot", by=None, application_id=report.application_id, first=first, last=last)
    return [Markup(render_template(template, **context)) for template, context in found]  # noqa: S704 - our own
