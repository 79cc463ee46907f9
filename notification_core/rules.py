"""The words of e-mails. Pure.

An e-mail travels and rests in clear: it only says that something waits, never what, from whom or about which health
matter (CNIL, référentiel on health data warehouses: no health data by ordinary e-mail).
"""

from dataclasses import dataclass
from enum import StrEnum


class Template(StrEnum):
    """The fixed texts."""

    NEW_MESSAGE = "new-message"
    NEW_AGENT_MESSAGE = "new-agent-message"
    SPACE_INVITED = "space-invited"
    SPACE_CLOSED = "space-closed"
    MEMBER_INVITED = "member-invited"
    REPORT_CLOSED = "report-closed"


@dataclass(frozen=True, slots=True)
class Letter:
    """The subject and the plain text of an e-mail."""

    subject: str
    body: str


_SIGNATURE = (
    "\n\nEspace numérique de santé\nNe répondez pas à ce courriel. Il ne contient volontairement aucun détail.\n"
)
_TEXTS = {
    Template.NEW_MESSAGE: (
        "Vous avez un nouveau message dans votre espace",
        "Bonjour,\n\nVous avez un nouveau message dans votre espace numérique de santé.\n"
        "Pour le lire, connectez-vous : {base_url}/espace/notifications",
    ),
    Template.NEW_AGENT_MESSAGE: (
        "Vous avez un nouveau message dans votre espace professionnel",
        "Bonjour,\n\nVous avez un nouveau message sur la plateforme de l’espace numérique de santé.\n"
        "Pour le lire, connectez-vous : {base_url}",
    ),
    Template.SPACE_INVITED: (
        "Votre espace numérique de santé va être créé",
        "Bonjour,\n\nUn espace numérique de santé va être ouvert pour vous, ou pour une personne que vous "
        "représentez.\n"
        "Vous pouvez l’ouvrir dès maintenant ou vous y opposer : {base_url}/espace/ouverture\n"
        "Sans réponse de votre part, il s’ouvrira six semaines après ce courriel.",
    ),
    Template.SPACE_CLOSED: (
        "Votre espace numérique de santé est fermé",
        "Bonjour,\n\nVotre espace numérique de santé a été fermé.\n"
        "Si vous n’êtes pas à l’origine de cette fermeture, connectez-vous : {base_url}/espace/ouverture",
    ),
    Template.MEMBER_INVITED: (
        "Vous êtes invité à rejoindre une organisation",
        "Bonjour,\n\nUne organisation vous invite à rejoindre son espace d’éditeur sur la plateforme de l’espace "
        "numérique de santé.\n"
        "Pour accepter, connectez-vous avec cette adresse professionnelle : {base_url}/editeur/invitations\n"
        "L’invitation vaut sept jours. Si elle ne vous dit rien, ignorez ce courriel.",
    ),
    Template.REPORT_CLOSED: (
        "Votre signalement a reçu une réponse",
        "Bonjour,\n\nLe signalement que vous avez fait sur la plateforme de l’espace numérique de santé a reçu une "
        "réponse.\n"
        "Pour la lire, saisissez votre numéro de suivi : {base_url}/signalements/suivi",
    ),
}


def write_letter(template: Template, *, base_url: str) -> Letter:
    """The e-mail of a template; the address of the platform is the only thing that varies."""
    subject, body = _TEXTS[template]
    return Letter(subject, body.format(base_url=base_url) + _SIGNATURE)
