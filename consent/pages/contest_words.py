"""What pages say of a report on an access: its state, its motive, its steps. Plain French."""

from flask_babel import gettext

from consent.rules.reports import Motive, State, Verb
from platform_core.categories import registry


def state(of: State) -> tuple[str, str]:
    """The words and the colour of a state."""
    return {
        State.RECEIVED: (gettext("Reçu"), "warning"),
        State.EXAMINED: (gettext("En cours d’examen"), "info"),
        State.ANSWERED: (gettext("Répondu"), "info"),
        State.CLOSED: (gettext("Clos"), "success"),
    }[of]


def motive(of: Motive) -> str:
    """Why a patient does not recognise an access."""
    return {
        Motive.UNKNOWN: gettext("Je ne connais pas qui a accédé à ces données"),
        Motive.UNUSED: gettext("Je ne me sers plus de cette application"),
        Motive.TIMING: gettext("Le jour ou l’heure m’étonne"),
        Motive.VOLUME: gettext("Le nombre de données m’étonne"),
        Motive.OTHER: gettext("Autre chose m’étonne"),
    }[of]


def step(verb: Verb) -> str:
    """One act in the life of a report."""
    return {
        Verb.RECEIVE: gettext("Signalement reçu"),
        Verb.EXAMINE: gettext("Examen commencé"),
        Verb.ANSWER: gettext("Réponse donnée"),
        Verb.CLOSE: gettext("Signalement clos par l’autorité"),
        Verb.SETTLE: gettext("Signalement clos par la personne concernée"),
    }[verb]


def act(verb: Verb) -> str:
    """The button of an act of the authority."""
    return {
        Verb.EXAMINE: gettext("Commencer l’examen"),
        Verb.ANSWER: gettext("Répondre à la personne"),
        Verb.CLOSE: gettext("Clore le signalement"),
    }[verb]


def families(codes: tuple[str, ...]) -> str:
    """The families of data touched, as the registry calls them."""
    labels = {family.code: family.label_fr for family in registry.families()}
    return ", ".join(labels.get(code, code) for code in codes) or gettext("Non précisées")
