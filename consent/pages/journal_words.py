"""The lines of the journal in plain French: who did what to which data, how many times, what came of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from flask_babel import gettext, ngettext

from consent.pages import words
from consent.queries.accesses import UnusualView
from consent.rules.calendar import paris_day
from consent.rules.volume import Kind
from platform_core import clock
from platform_core.access import ActorKind
from platform_core.french import day_in_words, hour_in_words, number_in_words, typeset

MOST_TITLES = 3


@dataclass(frozen=True, slots=True)
class Told:
    """One line as a page tells it. `entry` is its newest row: identical refusals of a day, one after the other, are
    told once."""

    entry: Any
    sentence: str
    titles: str
    when: str
    report_id: UUID | None


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    lines: Sequence[Told]


def tell_days(lines: Iterable[Any], names: Mapping[UUID, str], reports: Mapping[UUID, UUID]) -> list[Day]:
    """The lines, the newest first, day by day (Europe/Paris). `reports` gives the report that contests a line."""
    return [
        Day(day, [_tell(list(same), names, reports) for _, same in groupby(found, key=_sameness)])
        for day, found in groupby(lines, key=lambda line: paris_day(line.occurred_at))
    ]


def sentence(line: Any, times: int = 1) -> str:
    """`Balance+ a lu 12 mesures : Poids`. `times`: how often the same refusal came."""
    labels = ", ".join(words.category(code) for code in line.categories)
    if line.outcome != "served":
        said = _refused(line, times)
    else:
        said = _done(line) if line.count else _vain(line)
        said = f"{said}, {mode}" if (mode := _mode(line)) else said
    return typeset(gettext("%(said)s : %(labels)s", said=said, labels=labels) if labels else said)


def titles(line: Any, names: Mapping[UUID, str]) -> str:
    """`« Ordonnance, 3 mai 2026 », « Compte rendu, 4 mai 2026 » et 4 autres`: what was touched, when it has a name."""
    known = [gettext("« %(title)s »", title=names[one]) for one in line.resources or () if one in names]
    listed, left = ", ".join(known[:MOST_TITLES]), line.count - len(known[:MOST_TITLES])
    if known and left > 0:
        listed = ngettext("%(listed)s et %(num)s autre", "%(listed)s et %(num)s autres", left, listed=listed)
    return typeset(listed)


def unusual(one: UnusualView) -> str:
    """`Lecture de 4 800 mesures aujourd’hui, d’habitude environ 30`."""
    said = {"day": _day(one.day), "usual": number_in_words(one.usual), "what": things(one.categories, one.count)}
    if one.kind is Kind.CATEGORY:
        labels = ", ".join(words.category(code) for code in one.categories)
        return typeset(gettext("Données jamais touchées auparavant, %(day)s : %(labels)s", labels=labels, **said))
    if one.kind is Kind.NIGHT:
        count = number_in_words(one.count)
        return gettext(
            "%(count)s accès entre minuit et cinq heures %(day)s, d’habitude environ %(usual)s", count=count, **said
        )
    if one.kind is Kind.READ:
        return gettext("Lecture de %(what)s %(day)s, d’habitude environ %(usual)s", **said)
    return gettext("Ajout de %(what)s %(day)s, d’habitude environ %(usual)s", **said)


def unusual_kind(kind: Kind) -> str:
    """In which way an app went out of its habit."""
    return {
        Kind.READ: gettext("Bien plus de données lues que d’habitude"),
        Kind.WRITTEN: gettext("Bien plus de données ajoutées que d’habitude"),
        Kind.NIGHT: gettext("Bien plus d’accès la nuit que d’habitude"),
        Kind.CATEGORY: gettext("Données jamais touchées auparavant"),
    }[kind]


def actor_kind(kind: str) -> str:
    """What kind of reader a line is about."""
    return {
        ActorKind.APPLICATION: gettext("Application"),
        ActorKind.PROFESSIONAL: gettext("Professionnel de santé"),
        ActorKind.REPRESENTATIVE: gettext("Représentant"),
    }.get(ActorKind(kind), gettext("Service de la plateforme"))


def things(categories: Sequence[str], count: int) -> str:
    """`1 250 mesures`: how much, in the word of the family when there is only one."""
    shown = number_in_words(count)
    return {
        "measures": ngettext("%(shown)s mesure", "%(shown)s mesures", count, shown=shown),
        "documents": ngettext("%(shown)s document", "%(shown)s documents", count, shown=shown),
        "results": ngettext("%(shown)s résultat", "%(shown)s résultats", count, shown=shown),
        "vaccinations": ngettext("%(shown)s vaccination", "%(shown)s vaccinations", count, shown=shown),
        "reimbursements": ngettext("%(shown)s remboursement", "%(shown)s remboursements", count, shown=shown),
        "agenda": ngettext("%(shown)s événement", "%(shown)s événements", count, shown=shown),
        "messages": ngettext("%(shown)s message", "%(shown)s messages", count, shown=shown),
    }.get(_family(categories), ngettext("%(shown)s donnée", "%(shown)s données", count, shown=shown))


def _tell(same: Sequence[Any], names: Mapping[UUID, str], reports: Mapping[UUID, UUID]) -> Told:
    newest, oldest = same[0], same[-1]
    report_id = next((reports[line.id] for line in same if line.id in reports), None)
    when = _between(oldest.occurred_at, newest.occurred_at)
    return Told(newest, sentence(newest, len(same)), titles(newest, names), when, report_id)


def _sameness(line: Any) -> object:
    """What makes two refusals the same; a call that was served is like no other."""
    if line.outcome == "served":
        return line.id
    return line.actor_id, line.access, tuple(line.categories), line.code


def _between(first: datetime, last: datetime) -> str:
    start, end = hour_in_words(first), hour_in_words(last)
    return end if start == end else gettext("de %(start)s à %(end)s", start=start, end=end)


def _done(line: Any) -> str:
    said = {"who": line.actor_name, "what": things(line.categories, line.count)}
    if line.access == "read":
        return gettext("%(who)s a lu %(what)s", **said)
    if line.interaction in {"update", "patch"}:
        return gettext("%(who)s a modifié %(what)s", **said)
    if line.interaction == "delete":
        return gettext("%(who)s a supprimé %(what)s", **said)
    return gettext("%(who)s a ajouté %(what)s", **said)


def _mode(line: Any) -> str:
    """In what quality a professional came: the `code` of a line that was served."""
    return {
        "treating-doctor": gettext("comme médecin traitant"),
        "care-team": gettext("dans l’équipe de soins"),
        "code": gettext("avec le code donné"),
        "emergency": gettext("en urgence, sans accord"),
    }.get(line.code, "")


def _vain(line: Any) -> str:
    """A call that was served, and found or brought nothing."""
    said = {"who": line.actor_name, "what": _some(line)}
    if line.access == "read":
        return gettext("%(who)s a cherché %(what)s, et n’a rien trouvé", **said)
    return gettext("%(who)s a envoyé %(what)s, sans rien de nouveau", **said)


def _refused(line: Any, times: int) -> str:
    said = {"who": line.actor_name, "what": _some(line)}
    if line.access == "read":
        wanted = gettext("%(who)s a voulu lire %(what)s", **said)
    else:
        wanted = gettext("%(who)s a voulu ajouter ou modifier %(what)s", **said)
    return gettext("%(wanted)s, %(times)s fois", wanted=wanted, times=times) if times > 1 else wanted


def _some(line: Any) -> str:
    return {
        "measures": gettext("des mesures"),
        "documents": gettext("des documents"),
        "results": gettext("des résultats"),
        "vaccinations": gettext("des vaccinations"),
        "reimbursements": gettext("des remboursements"),
        "agenda": gettext("des événements"),
        "messages": gettext("des messages"),
    }.get(_family(line.categories), gettext("des données"))


def _family(categories: Sequence[str]) -> str:
    families = {code.split(".", 1)[0] for code in categories}
    return families.pop() if len(families) == 1 else ""


def _day(day: date) -> str:
    return gettext("aujourd’hui") if day == clock.today() else gettext("le %(day)s", day=day_in_words(day))
