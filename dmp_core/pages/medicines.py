"""What the pages of prescriptions say: where a line stands, what is left, what deserves a question."""

from collections.abc import Iterator
from datetime import date

from flask_babel import format_date, gettext, ngettext

from dmp_core.cda.values import Quantity
from dmp_core.cda.wording import counted
from dmp_core.rules.prescriptions.attention import Attention, Why
from dmp_core.rules.prescriptions.lines import Line
from dmp_core.rules.prescriptions.matching import Certainty
from dmp_core.rules.prescriptions.standing import Limit, Standing, State
from platform_core.french import typeset


def state(standing: Standing) -> tuple[str, str]:
    """The word of a state, and its colour."""
    return {
        State.NEVER: (gettext("Pas encore délivré"), "info"),
        State.PARTLY: (gettext("Délivré en partie"), "warning"),
        State.RENEWABLE: (gettext("À renouveler en pharmacie"), "info"),
        State.SERVED: (gettext("Tout est délivré"), "success"),
        State.UNKNOWN: (gettext("Délivré"), "neutral"),
        State.EXPIRED: (gettext("Date passée"), "neutral"),
    }[standing.state]


def amount(line: Line) -> str:
    """How much was prescribed or handed over; empty when the document does not say."""
    return counted(Quantity(line.quantity, line.unit)) if line.quantity is not None else ""


def left(line: Line, standing: Standing) -> list[str]:
    """What is left and until when, in sentences; what cannot be known is said."""
    return [typeset(sentence) for sentence in _left(line, standing)]


def certainty(found: Certainty) -> str:
    """Why a dispensation stands under a line."""
    found_by = {
        Certainty.LINE: gettext("La délivrance cite cette ligne de l’ordonnance."),
        Certainty.DOCUMENT: gettext("La délivrance cite cette ordonnance ; la ligne est retrouvée par le médicament."),
        Certainty.LIKELY: gettext("Rapprochement probable : même médicament et dates qui concordent."),
    }
    return typeset(found_by[found])


def question(one: Attention) -> str:
    """A line to ask about, in one sentence."""
    return typeset(_question(one))


def _question(one: Attention) -> str:
    medicine = one.line.label
    match one.why:
        case Why.ALLERGY:
            return gettext(
                "%(medicine)s : le dossier note une allergie à « %(other)s ».", medicine=medicine, other=one.other
            )
        case Why.ALLERGY_CLASS:
            return gettext(
                "%(medicine)s est de la famille de « %(other)s », notée comme allergie dans le dossier.",
                medicine=medicine,
                other=one.other,
            )
        case Why.SUBSTANCE:
            return gettext(
                "%(medicine)s et %(other)s, sur deux ordonnances, contiennent la même substance.",
                medicine=medicine,
                other=one.other,
            )
        case Why.GROUP:
            return gettext(
                "%(medicine)s et %(other)s, sur deux ordonnances, sont de la même famille de médicaments.",
                medicine=medicine,
                other=one.other,
            )
        case Why.STOPPED:
            return gettext(
                "%(medicine)s : rien d’inscrit ici ne couvre ce traitement depuis le %(day)s.",
                medicine=medicine,
                day=_day(one.since),
            )


def _left(line: Line, standing: Standing) -> Iterator[str]:
    if standing.state is State.EXPIRED:
        yield _passed(standing)
        return
    if standing.owed and standing.state is State.PARTLY and line.quantity is not None:
        owed = counted(Quantity(standing.owed, line.unit))
        yield gettext("De la dernière délivrance, il reste à remettre : %(owed)s.", owed=owed)
    if standing.left:
        yield gettext("Reste à délivrer en tout : %(left)s.", left=counted(Quantity(standing.left, line.unit)))
    yield from _renewals(line, standing)
    if standing.state is not State.SERVED:
        yield _limit(standing)
    if standing.covers:
        yield gettext("Ce qui a été délivré va jusqu’au %(day)s, d’après la durée écrite.", day=_day(standing.covers))


def _renewals(line: Line, standing: Standing) -> Iterator[str]:
    if line.repeats is None:
        yield gettext("L’ordonnance ne dit pas si elle est renouvelable.")
    elif standing.renewals is None:
        yield gettext("Les quantités délivrées ne sont pas écrites : les renouvellements restants ne se comptent pas.")
    elif standing.renewals:
        yield ngettext("%(num)s renouvellement restant.", "%(num)s renouvellements restants.", standing.renewals)
    elif line.repeats:
        yield gettext("Tous les renouvellements sont faits.")
    else:
        yield gettext("Sans renouvellement.")


def _limit(standing: Standing) -> str:
    day = _day(standing.until)
    match standing.limit:
        case Limit.WRITTEN:
            return gettext("Peut être délivré jusqu’au %(day)s, d’après la durée écrite.", day=day)
        case Limit.FIRST:
            return gettext(
                "À présenter avant le %(day)s : la première délivrance se fait en général dans les trois mois.", day=day
            )
        case Limit.LONGEST:
            return gettext(
                "L’ordonnance ne dit pas jusqu’à quand : en tout cas pas après le %(day)s, douze mois après sa date.",
                day=day,
            )


def _passed(standing: Standing) -> str:
    day = _day(standing.until)
    match standing.limit:
        case Limit.WRITTEN:
            return gettext("La durée écrite est passée depuis le %(day)s.", day=day)
        case Limit.FIRST:
            return gettext(
                "Aucune délivrance n’est inscrite et plus de trois mois ont passé : demandez à votre pharmacien si "
                "cette ordonnance sert encore."
            )
        case Limit.LONGEST:
            return gettext("Douze mois ont passé le %(day)s : plus rien ne peut être délivré.", day=day)


def _day(day: date | None) -> str:
    return format_date(day, "long") if day else ""
