"""What is told when a space is announced, opened or closed, and when somebody is invited to an organisation."""

from identity_core.events import MemberInvited, SpaceClosed, SpaceInvited, SpaceOpened
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


def on_member_invited(event: MemberInvited) -> None:
    service.write_to_address(address=event.email, template=Template.MEMBER_INVITED)


def init_subscribers() -> None:
    """Hear the events of spaces and organisations."""
    subscribe(SpaceInvited, on_space_invited)
    subscribe(SpaceOpened, on_space_opened)
    subscribe(SpaceClosed, on_space_closed)
    subscribe(MemberInvited, on_member_invited)
