"""Commands of the operator: the connector through which an establishment's software hands documents over."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

import click

from dmp_core import gateway
from dmp_core.queries.search import list_recorded_patients
from dmp_core.service.documents import importing
from dmp_core.service.entries.transferring import transfer_bundle
from dmp_core.service.indexing import meaning, reading
from platform_core.access import Actor, ActorKind
from platform_core.database import DatabaseRole, transaction
from platform_core.errors import DomainError, Invalid

_AT_ONCE = 50
OPERATOR = Actor(ActorKind.OPERATOR, None, "Opérateur")


@click.group("dmp")
def dmp() -> None:
    """The medical record."""


@dmp.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def import_documents(paths: Sequence[Path]) -> None:
    """File CDA documents, IHE XDM packages and HL7 v2 messages, one by one or a whole folder.

    A file goes in whole or not at all; each refusal is told, the other files go on. A document that is there already is
    told too, so that a folder may be handed over again.
    """
    refused = 0
    for path in _files(paths):
        try:
            count = _import(path.read_bytes())
        except DomainError as error:
            refused += 1
            click.echo(f"{path.name}: refused ({error.code}). {error.message}", err=True)
            for fault in error.faults:
                click.echo(f"  {fault.where}: {fault.message}", err=True)
        else:
            click.echo(f"{path.name}: {count} document{'s' if count > 1 else ''} filed.")
    if refused:
        raise SystemExit(1)


@dmp.command("transfer")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--patient", type=click.UUID, required=True, help="Whose record it goes into.")
@click.option("--source", required=True, help="Where it comes from, as people will read it.")
def transfer(file: Path, patient: UUID, source: str) -> None:
    """Take over a record kept elsewhere, a FHIR R4 Bundle of one patient: measures, results, vaccinations, profile."""
    try:
        with transaction(patient_id=patient):
            found = transfer_bundle(data=file.read_bytes(), patient_id=patient, source=source, by=OPERATOR)
    except DomainError as error:
        raise click.ClickException(error.message) from error
    for category, count in sorted(found.counts.items()):
        click.echo(f"{category}: {count}")
    for left in found.left_out:
        click.echo(f"left out {left.reference}: {left.reason}", err=True)


def _import(data: bytes) -> int:
    """All the documents of a file are about one patient, and go in together."""
    handed = importing.open_envelope(data)
    with transaction():
        patients = {importing.identify_patient(one) for one in handed}
    if len(patients) > 1:
        raise Invalid("The file holds documents of several patients: send one file for each.", code="several-patients")
    (patient_id,) = patients
    with transaction(patient_id=patient_id):
        for one in handed:
            importing.import_document(handed=one, patient_id=patient_id, by=OPERATOR)
    return len(handed)


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(one for one in path.iterdir() if one.is_file())
        else:
            yield path


@dmp.command("reindex")
@click.option("--patient", type=click.UUID, help="Only this record; every one else.")
@click.option("--again", is_flag=True, help="Read what is indexed already once more.")
@click.option("--semantic", is_flag=True, help="Make the vectors of the search by meaning that are missing.")
def reindex(patient: UUID | None, again: bool, semantic: bool) -> None:
    """Read what records hold for their search, as far as that was not done. It may be stopped, and started again."""
    if semantic and not gateway.is_on():
        raise click.ClickException("Nothing tells meanings here: install the extra [semantic], or unset ENS_SEMANTIC.")
    if patient:
        patients: Sequence[UUID] = [patient]
    else:
        with transaction(role=DatabaseRole.BATCH):
            patients = list_recorded_patients()
    total = sum(_embed(one) if semantic else _reindex(one, again) for one in patients)
    done = "given a vector" if semantic else "read"
    click.echo(f"{total} documents and entries {done}, of {len(patients)} records.")


def _embed(patient_id: UUID) -> int:
    """Make the vectors that a record waits for, telling how far it is."""
    with transaction(patient_id=patient_id):
        number = meaning.count_waiting(patient_id=patient_id)
    with click.progressbar(length=number, label=f"Record {patient_id}") as bar:
        while True:
            with transaction(patient_id=patient_id):
                waiting = meaning.list_waiting(patient_id=patient_id, limit=_AT_ONCE)
            if not waiting:
                return number
            made = gateway.embed_passages([one.passage for one in waiting])
            with transaction(patient_id=patient_id):
                meaning.keep_vectors(patient_id=patient_id, made=list(zip(waiting, made, strict=True)))
            bar.update(len(waiting))


def _reindex(patient_id: UUID, again: bool) -> int:
    """Batches of a record, each in a transaction of its own; how many documents and entries were read."""
    with transaction(patient_id=patient_id):
        total = reading.index_entries(patient_id=patient_id, again=again)
    after = None
    while True:
        with transaction(patient_id=patient_id):
            found = reading.list_unindexed(patient_id=patient_id, after=after, limit=_AT_ONCE, again=again)
        if not found:
            return total
        texts = [(one.document_id, reading.open_text(one)) for one in found]
        with transaction(patient_id=patient_id):
            for document_id, text in texts:
                reading.keep_text(patient_id=patient_id, document_id=document_id, found=text)
        total, after = total + len(found), found[-1].document_id
