"""Commands of the operator: what the law or a judge gives, once the act was seen; the destruction of closed spaces."""

from datetime import date, datetime
from uuid import UUID

import click

from identity_core import queries
from identity_core.rules import LEGAL, RepresentationKind
from identity_core.service import destruction, representations
from platform_core import clock
from platform_core.access import Actor, ActorKind
from platform_core.database import DatabaseRole, transaction
from platform_core.errors import NotFound
from platform_core.outbox import enqueue

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def representation() -> None:
    """Who represents whom by law."""


@representation.command("record")
@click.option("--patient", type=click.UUID, required=True, help="Id of the patient.")
@click.option("--person", type=click.UUID, required=True, help="Id of the person who will act for them.")
@click.option("--kind", type=click.Choice([str(kind) for kind in LEGAL]), required=True)
@click.option("--from", "first", type=_DAY, help="First day; today unless said.")
@click.option("--until", "last", type=_DAY, help="Last day, included; majority ends it anyway.")
@click.option("--reference", prompt=True, hide_input=True, default="", help="The act: court, number, date.")
@click.option("--operator", required=True, help="Who has seen the act, for the audit.")
def record(
    patient: UUID, person: UUID, kind: str, first: datetime | None, last: datetime | None, reference: str, operator: str
) -> None:
    """Let a parent or a guardian act for a patient; the patient's space and every representative are told."""
    with transaction(patient_id=patient):
        made = representations.record_representation(
            patient_id=patient,
            person_id=person,
            kind=RepresentationKind(kind),
            valid_from=_day(first) or clock.today(),
            valid_until=_day(last),
            reference=reference,
            by=_operator(operator),
        )
    click.echo(str(made))


@representation.command("end")
@click.argument("representation_id", type=click.UUID)
@click.option("--operator", required=True, help="Who has seen the act, for the audit.")
def end(representation_id: UUID, operator: str) -> None:
    """End what the law gave before its date: a guardianship lifted, an authority withdrawn."""
    with transaction():
        found = queries.find_representation(representation_id)
    if found is None:
        raise NotFound("This representation does not exist.")
    with transaction(patient_id=found.patient_id):
        representations.end_representation(representation_id=representation_id, by=_operator(operator))
    click.echo("The representation has ended.")


@representation.command("list")
@click.argument("patient", type=click.UUID)
def list_all(patient: UUID) -> None:
    """Who acts, or acted, for a patient: id, kind, state, last day. No name, no address."""
    with transaction():
        found = queries.list_representations(patient)
    for one in found:
        click.echo(f"{one.id}  {one.kind}  {one.state}  {one.last_day or 'no end'}")


@click.group()
def space() -> None:
    """The spaces of patients."""


@space.command("ask-destruction")
@click.argument("patient", type=click.UUID)
@click.option("--operator", required=True, help="Who has read the request, for the audit.")
def ask_destruction(patient: UUID, operator: str) -> None:
    """Have a closed space destroyed, as its holder asked by letter; they may still go back on it."""
    with transaction(patient_id=patient):
        day = destruction.ask_destruction(patient_id=patient, by=_operator(operator))
    click.echo(f"It will be destroyed from {day} on.")


@space.command("destroy")
def destroy() -> None:
    """Have the closed spaces whose day has come destroyed now, without waiting for the next hour."""
    with transaction(role=DatabaseRole.BATCH):
        due = len(queries.list_due_destructions())
        enqueue("identity.destroy_spaces")
    click.echo(f"{due} spaces are due: a worker destroys them.")


def _day(given: datetime | None) -> date | None:
    return given.date() if given else None


def _operator(name: str) -> Actor:
    return Actor(ActorKind.OPERATOR, None, name)
