"""What a search and its notices look like on a page, be it that of the person or that of a professional."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask_babel import gettext, ngettext

from dmp_core.queries.search import Hit, Results, Unsearched
from dmp_core.rules.search.asking import LONGEST
from dmp_core.rules.search.facets import Count, Facet
from dmp_core.rules.search.noticing import Notice, NoticeKind
from dmp_core.rules.search.sources import SearchSource, TextState
from dmp_core.schemas import AskedSearch
from platform_core.categories import registry
from platform_core.french import day_in_words, number_in_words


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are read: a document, the course of a kind of measure, the entries of a category."""

    document: Callable[[UUID], str]
    measure: Callable[[str], str]
    category: Callable[[str], str]

    def of(self, hit: Hit) -> str:
        """Where a result is read: in its document when it has one."""
        document_id = hit.id if hit.source == SearchSource.DOCUMENT else hit.document_id
        return self.category(hit.category) if document_id is None else self.document(document_id)

    def source(self, notice: Notice) -> str:
        """Where the line of a notice comes from."""
        if notice.document_id is not None:
            return self.document(notice.document_id)
        return self.measure(notice.measure) if notice.measure else self.category("profile")


def _(text: str) -> str:
    """Marks a msgid."""
    return text


_FACETS = {
    Facet.KIND: _("Type"),
    Facet.SPECIALTY: _("Spécialité"),
    Facet.AUTHOR: _("Auteur"),
    Facet.INSTITUTION: _("Établissement"),
    Facet.YEAR: _("Année"),
}
_STATES = {
    TextState.WAITING: _("Texte en cours de lecture : seuls le titre et l’auteur sont cherchés."),
    TextState.WORDLESS: _("Document sans texte, par exemple numérisé : seuls le titre et l’auteur sont cherchés."),
    TextState.UNREAD: _("Texte illisible : seuls le titre et l’auteur sont cherchés."),
    TextState.CUT: _("Document très long : seul son début est cherché."),
}


def search_page(asked: AskedSearch, results: Results | None, places: Places) -> dict[str, Any]:
    """What the form and the results of a search are shown from."""
    return {
        "asked": asked,
        "longest": LONGEST,
        "results": results,
        "places": places,
        "facets": _facets(results.facets) if results else [],
        "hits": [shown(hit, places) for hit in results.page.items] if results else [],
    }


def _facets(counted: Mapping[Facet, Sequence[Count]]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Facets as selects: the name of the field, its label, its options."""
    return [(facet, gettext(label), _options(facet, counted.get(facet, ()))) for facet, label in _FACETS.items()]


def _options(facet: Facet, counts: Sequence[Count]) -> list[tuple[str, str]]:
    return [(one.value, f"{_label(one.value) if facet is Facet.KIND else one.value} ({one.number})") for one in counts]


def _label(category: str) -> str:
    return registry.get(category).short_fr


def shown(hit: Hit, places: Places) -> dict[str, Any]:
    """A result in words, with the page where it is read."""
    value = f"{number_in_words(hit.value)} {hit.unit}".strip() if hit.value is not None else ""
    others = ngettext("et %(num)s autre date", "et %(num)s autres dates", hit.others) if hit.others else ""
    by = dict.fromkeys(one for one in (hit.author, hit.specialty, hit.institution) if one)
    return {
        "title": hit.title,
        "href": places.of(hit),
        "about": ", ".join([_label(hit.category), day_in_words(hit.effective_at), *by]),
        "value": " ".join(one for one in (value, others) if one),
        "extract": hit.extract,
        "by_meaning": hit.by_meaning,
        "state": gettext(_STATES[hit.state]) if hit.state in _STATES else "",
    }


def noticed(notice: Notice, places: Places) -> dict[str, str]:
    """A line of what is new or unusual: what, why, and where to read it."""
    return {"title": notice.label, "why": _why(notice), "href": places.source(notice)}


def _why(notice: Notice) -> str:
    day, value = day_in_words(notice.at), f"{number_in_words(notice.value)} {notice.unit}".strip()
    match notice.kind:
        case NoticeKind.OUT_OF_RANGE:
            why = gettext("%(value)s le %(day)s, hors de l’intervalle du laboratoire", value=value, day=day)
            return f"{why} ({_range(notice)})."
        case NoticeKind.UNUSUAL:
            usual = f"{number_in_words(notice.usual)} {notice.unit}".strip()
            why = gettext("%(value)s le %(day)s, loin des valeurs habituelles", value=value, day=day)
            return f"{why} ({gettext('autour de %(usual)s', usual=usual)})."
        case NoticeKind.NEW_SPECIALTY:
            return gettext("Premier document de cette spécialité, le %(day)s.", day=day)
        case NoticeKind.STOPPED:
            return gettext("Traitement arrêté le %(day)s.", day=day)


def _range(notice: Notice) -> str:
    low, high = number_in_words(notice.low), number_in_words(notice.high)
    if notice.low is None:
        return gettext("au plus %(high)s", high=high)
    return gettext("%(low)s à %(high)s", low=low, high=high) if high else gettext("au moins %(low)s", low=low)


def unsearched(left: Unsearched) -> str:
    """What cannot be looked into, in one sentence; nothing when all can."""
    number = left.waiting + left.wordless + left.unread
    if not number:
        return ""
    return ngettext(
        "%(num)s document sans texte lisible, par exemple numérisé, se trouve par son titre ou son auteur.",
        "%(num)s documents sans texte lisible, par exemple numérisés, se trouvent par leur titre ou leur auteur.",
        number,
    )
