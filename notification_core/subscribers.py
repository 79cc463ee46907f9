"""What is told of a space, of those who may act in it, and of the invitations to an organisation."""

from collections.abc import Mapping
from uuid import UUID

from identity_core import queries as identity
from identity_core.events import (
    MandateProposed,
    MemberInvited,
    RepresentationMoved,
    RepresentationRecorded,
    SpaceClosed,
    SpaceDestroyed,
    SpaceInvited,
    SpaceOpened,
)
from identity_core.rules import RepresentationKind
from identity_core.workflow import RepresentationState
from notification_core import service
from notification_core.rules import Template
from platform_core.access import SYSTEM
from platform_core.events import subscribe


def on_space_invited(event: SpaceInvited) -> None:
    """The person may open the space at once or oppose it: an e-mail says so, there is no inbox yet."""
    service.write_to_patient(patient_id=event.patient_id, template=Template.SPACE_INVITED)


def on_space_opened(event: SpaceOpened) -> None:
    service.notify(
        patient_id=event.patient_id,
        kind="identity.space-opened",
        title="Bienvenue dans votre espace",
        body="Votre espace numérique de santé est ouvert. Rien n’y entre et rien n’en sort sans votre autorisation : "
        "vous choisissez, application par application, ce qui est partagé, à quelle fréquence et jusqu’à quand.",
        link="/espace",
        by=SYSTEM,
    )


def on_space_closed(event: SpaceClosed) -> None:
    service.write_to_patient(patient_id=event.patient_id, template=Template.SPACE_CLOSED)


def on_space_destroyed(event: SpaceDestroyed) -> None:
    """The last e-mail: the addresses are forgotten after it."""
    service.write_to_patient(patient_id=event.patient_id, template=Template.SPACE_DESTROYED)


def on_member_invited(event: MemberInvited) -> None:
    service.write_to_address(address=event.email, template=Template.MEMBER_INVITED)


def on_mandate_proposed(event: MandateProposed) -> None:
    service.write_to_address(address=event.email, template=Template.MANDATE_PROPOSED)


def on_representation_recorded(event: RepresentationRecorded) -> None:
    found = identity.find_representation(event.representation_id)
    if found is not None:
        _tell(event.patient_id, *_RECORDED, name=found.person_name, right=_RIGHTS[found.kind])
        _tell_person(event.person_id)


def on_representation_moved(event: RepresentationMoved) -> None:
    """Both sides are told: the space by a message, the person by an e-mail that names nobody."""
    words = _OF_AGE if event.by_age else _ENDED if event.ends else _MOVED.get(event.after)
    if words is None or event.person_id is None:
        return
    found = identity.find_representation(event.representation_id)
    name = found.person_name if found else ""
    link, key = ("/espace/applications", "identity.of-age") if event.by_age else (_RULED, "")
    _tell(event.patient_id, *words, name=name, right=_RIGHTS[event.kind], link=link, key=key)
    if event.ends or event.after is RepresentationState.ACTIVE:
        _tell_person(event.person_id)


_RULED = "/espace/parametres/aidants"
_RIGHTS: Mapping[str, str] = {
    RepresentationKind.PARENTAL_AUTHORITY: "l’autorité parentale",
    RepresentationKind.GUARDIANSHIP: "la tutelle",
    RepresentationKind.MANDATE: "un mandat d’aidant",
}
_RECORDED = (
    "Une personne peut agir dans cet espace",
    "{name} exerce désormais {right} et peut agir dans cet espace. Si ce n’est pas exact, signalez-le.",
)
_MOVED: Mapping[str, tuple[str, str]] = {
    RepresentationState.ACCEPTED: (
        "Un aidant attend votre confirmation",
        "{name} a accepté le mandat que vous proposez. Vérifiez que c’est bien la personne voulue, puis confirmez : "
        "rien ne lui est ouvert avant.",
    ),
    RepresentationState.ACTIVE: (
        "Un aidant peut agir dans votre espace",
        "{name} peut agir ici dans les limites de votre mandat et jusqu’à sa fin. Vous pouvez y mettre fin avant.",
    ),
    RepresentationState.REFUSED: ("Votre proposition a été déclinée", "{name} ne souhaite pas être votre aidant."),
}
_ENDED = (
    "Une personne n’agit plus dans cet espace",
    "{name} n’a plus {right} et n’accède plus à rien ici. Les autorisations d’applications que cette personne avait "
    "décidées ont pris fin.",
)
_OF_AGE = (
    "Vous êtes majeur : vous décidez seul",
    "Depuis vos dix-huit ans, plus personne n’accède à votre espace à votre place. Les autorisations d’applications "
    "décidées pour vous ont pris fin : chacune vous est redemandée, et rien n’y est coché d’avance.",
)


def _tell(patient_id: UUID, title: str, body: str, *, name: str, right: str, link: str = _RULED, key: str = "") -> None:
    service.notify(
        patient_id=patient_id,
        kind="identity.representation",
        title=title,
        body=body.format(name=name, right=right),
        link=link,
        key=key,
        by=SYSTEM,
    )


def _tell_person(person_id: UUID) -> None:
    service.write_to_patient(patient_id=identity.own_patient_of(person_id), template=Template.RIGHT_CHANGED)


def init_subscribers() -> None:
    """Hear the events of spaces, of those who act in them, and of organisations."""
    subscribe(MandateProposed, on_mandate_proposed)
    subscribe(RepresentationRecorded, on_representation_recorded)
    subscribe(RepresentationMoved, on_representation_moved)
    subscribe(SpaceInvited, on_space_invited)
    subscribe(SpaceOpened, on_space_opened)
    subscribe(SpaceClosed, on_space_closed)
    subscribe(SpaceDestroyed, on_space_destroyed)
    subscribe(MemberInvited, on_member_invited)
