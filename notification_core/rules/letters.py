"""The words of e-mails. Pure.

An e-mail travels and rests in clear: it only says that something waits, never what, from whom, about which app or which
health matter (CNIL, référentiel on health data warehouses: no health data by ordinary e-mail).
"""

from dataclasses import dataclass
from enum import StrEnum
from html import escape
from uuid import UUID


class Template(StrEnum):
    """The fixed texts."""

    NEW_MESSAGE = "new-message"
    NEW_SECURITY_MESSAGE = "new-security-message"
    NEW_AGENT_MESSAGE = "new-agent-message"
    SPACE_INVITED = "space-invited"
    SPACE_CLOSED = "space-closed"
    SPACE_DESTROYED = "space-destroyed"
    MEMBER_INVITED = "member-invited"
    MANDATE_PROPOSED = "mandate-proposed"
    RIGHT_CHANGED = "right-changed"
    REPORT_CLOSED = "report-closed"
    ADDRESS_TO_CONFIRM = "address-to-confirm"
    ADDRESS_CHANGED = "address-changed"


OPTIONAL = frozenset({Template.NEW_MESSAGE, Template.NEW_AGENT_MESSAGE})
"""What may be left unsent once an address was sent much: the inbox has it."""


@dataclass(frozen=True, slots=True)
class Letter:
    """An e-mail as it is sent: its subject, its words as plain text and as HTML, and where it is unsubscribed from."""

    subject: str
    text: str
    html: str
    unsubscribe_url: str = ""


@dataclass(frozen=True, slots=True)
class Parcel:
    """An e-mail and where it goes. Its `id` makes the Message-ID: handed over twice, it is one e-mail all the same."""

    id: UUID
    recipient: str
    letter: Letter


@dataclass(frozen=True, slots=True)
class _Words:
    """Paragraphs in which `{link}` stands for the address of a page; `path` may hold the token of the e-mail."""

    subject: str
    paragraphs: tuple[str, ...]
    path: str


_TEXTS = {
    Template.NEW_MESSAGE: _Words(
        "Vous avez un nouveau message dans votre espace",
        ("Vous avez un nouveau message dans votre espace numérique de santé.", "Pour le lire, connectez-vous : {link}"),
        "/espace/notifications",
    ),
    Template.NEW_SECURITY_MESSAGE: _Words(
        "Un message important vous attend dans votre espace",
        (
            "Un message sur la sécurité de votre espace numérique de santé vous attend.",
            "Pour le lire, connectez-vous : {link}",
            "Les messages de sécurité sont toujours annoncés par courriel : si quelqu’un agissait à votre place, il ne "
            "pourrait pas vous le cacher.",
        ),
        "/espace/notifications",
    ),
    Template.NEW_AGENT_MESSAGE: _Words(
        "Vous avez un nouveau message dans votre espace professionnel",
        (
            "Vous avez un nouveau message sur la plateforme de l’espace numérique de santé.",
            "Pour le lire, connectez-vous : {link}",
        ),
        "",
    ),
    Template.SPACE_INVITED: _Words(
        "Votre espace numérique de santé va être créé",
        (
            "Un espace numérique de santé va être ouvert pour vous, ou pour une personne que vous représentez.",
            "Vous pouvez l’ouvrir dès maintenant ou vous y opposer : {link}",
            "Sans réponse de votre part, il s’ouvrira six semaines après ce courriel.",
        ),
        "/espace/ouverture",
    ),
    Template.SPACE_CLOSED: _Words(
        "Votre espace numérique de santé est fermé",
        (
            "Votre espace numérique de santé a été fermé.",
            "Si vous n’êtes pas à l’origine de cette fermeture, connectez-vous : {link}",
        ),
        "/espace/ouverture",
    ),
    Template.SPACE_DESTROYED: _Words(
        "Votre espace numérique de santé est détruit",
        (
            "Ce que contenait votre espace numérique de santé, fermé auparavant, a été détruit : rien ne peut en être "
            "retrouvé.",
            "Vous n’avez rien à faire. Pour en ouvrir un nouveau un jour : {link}",
        ),
        "/connexion",
    ),
    Template.MEMBER_INVITED: _Words(
        "Vous êtes invité à rejoindre une organisation",
        (
            "Une organisation vous invite à rejoindre son espace d’éditeur sur la plateforme de l’espace numérique de "
            "santé.",
            "Pour accepter, connectez-vous avec cette adresse professionnelle : {link}",
            "L’invitation vaut sept jours. Si elle ne vous dit rien, ignorez ce courriel.",
        ),
        "/editeur/invitations",
    ),
    Template.MANDATE_PROPOSED: _Words(
        "Une personne vous propose de l’aider",
        (
            "Une personne vous propose de l’aider dans son espace numérique de santé.",
            "Pour voir ce qu’elle vous confie, accepter ou refuser, connectez-vous avec cette adresse : {link}",
            "La proposition vaut deux semaines. Si elle ne vous dit rien, ignorez ce courriel.",
        ),
        "/espace/agir-pour",
    ),
    Template.RIGHT_CHANGED: _Words(
        "Ce que vous pouvez faire pour une autre personne a changé",
        (
            "Votre droit d’agir dans l’espace numérique de santé d’une autre personne a commencé ou a pris fin.",
            "Pour voir pour qui vous pouvez agir, connectez-vous : {link}",
        ),
        "/espace/agir-pour",
    ),
    Template.REPORT_CLOSED: _Words(
        "Votre signalement a reçu une réponse",
        (
            "Le signalement que vous avez fait sur la plateforme de l’espace numérique de santé a reçu une réponse.",
            "Pour la lire, saisissez votre numéro de suivi : {link}",
        ),
        "/signalements/suivi",
    ),
    Template.ADDRESS_TO_CONFIRM: _Words(
        "Confirmez votre adresse électronique",
        (
            "Quelqu’un a demandé à recevoir à cette adresse les courriels de son espace numérique de santé.",
            "Si c’est vous, confirmez-la dans les 24 heures : {link}",
            "Si ce n’est pas vous, ignorez ce courriel : rien ne vous sera envoyé.",
        ),
        "/notifications/adresse/{token}",
    ),
    Template.ADDRESS_CHANGED: _Words(
        "Vos courriels partent désormais à une autre adresse",
        (
            "Les courriels de votre espace numérique de santé ne viendront plus à cette adresse : une autre a été "
            "choisie et confirmée.",
            "Si vous n’êtes pas à l’origine de ce changement, connectez-vous : {link}",
        ),
        "/espace/parametres/notifications",
    ),
}
_UNSUBSCRIBE = "Ne plus recevoir ces courriels : {link}"
_SIGNATURE = (
    "Espace numérique de santé",
    "Ne répondez pas à ce courriel. Il ne contient volontairement aucun détail.",
)


def write_letter(template: Template, *, base_url: str, token: str = "") -> Letter:
    """The e-mail of a template; the address of the platform and the token of its link are all that varies.

    The token of a new message unsubscribes from what it announces.
    """
    words = _TEXTS[template]
    link = base_url + words.path.format(token=token)
    unsubscribe = (
        f"{base_url}/notifications/desabonnement/{token}" if template is Template.NEW_MESSAGE and token else ""
    )
    paragraphs = [(line, link) for line in ("Bonjour,", *words.paragraphs)]
    footer = [(line, "") for line in _SIGNATURE] + ([(_UNSUBSCRIBE, unsubscribe)] if unsubscribe else [])
    text = "\n\n".join(line.format(link=to) for line, to in paragraphs)
    return Letter(
        words.subject,
        f"{text}\n\n-- \n" + "\n".join(line.format(link=to) for line, to in footer) + "\n",
        _page(words.subject, "".join(map(_paragraph, paragraphs)) + "<hr>" + "".join(map(_paragraph, footer))),
        unsubscribe,
    )


def _paragraph(line_and_link: tuple[str, str]) -> str:
    line, link = line_and_link
    address = escape(link)
    anchor = f'<a href="{address}">{address}</a>'
    return f"<p>{escape(line).format(link=anchor)}</p>"


def _page(title: str, body: str) -> str:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    return f'<!doctype html><html lang="fr"><head>{head}</head><body>{body}</body></html>'
