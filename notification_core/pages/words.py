"""What pages call the topics of notices and the rhythms of a digest, in plain French."""

from flask_babel import gettext

from notification_core.categories import Topic

Option = dict[str, str | int]


def topics() -> list[Option]:
    """The topics that may be switched off, as the choices of a form."""
    return [
        {"value": topic, "label": label(topic), "hint": hint}
        for topic, hint in {
            Topic.PERMISSIONS: gettext("Quand une autorisation est donnée, modifiée, reprise, ou prend fin."),
            Topic.FIRST_ACCESS: gettext("La première fois qu’une application accède à vos données."),
            Topic.DEADLINES: gettext("Trente jours, puis sept jours avant la fin d’une autorisation."),
            Topic.DIGEST: gettext("La liste des applications qui continuent d’accéder à vos données."),
            Topic.UNUSED: gettext("Quand une application autorisée n’a rien consulté depuis trois mois."),
            Topic.OTHERS: gettext("Tous les autres messages de votre espace."),
        }.items()
    ]


def label(topic: Topic) -> str:
    return {
        Topic.SECURITY: gettext("Sécurité de votre espace"),
        Topic.PERMISSIONS: gettext("Vos autorisations"),
        Topic.FIRST_ACCESS: gettext("Premier accès d’une application"),
        Topic.DEADLINES: gettext("Autorisations qui se terminent bientôt"),
        Topic.DIGEST: gettext("Bilan des accès en cours"),
        Topic.UNUSED: gettext("Autorisations qui ne servent pas"),
        Topic.OTHERS: gettext("Autres messages"),
    }[topic]


def digests() -> list[Option]:
    """How often a digest may come, as the choices of a form."""
    return [
        {"value": 30, "label": gettext("Tous les mois (30 jours)")},
        {"value": 90, "label": gettext("Tous les trois mois (90 jours)")},
        {"value": 180, "label": gettext("Tous les six mois (180 jours)")},
    ]
