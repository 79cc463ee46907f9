"""CDA documents, packages and messages spoilt in every way: read or refused by name; filed whole or not at all."""

import io
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fhir.resources.R4B import get_fhir_model_class
from flask.testing import FlaskClient
from hypothesis import event, given
from hypothesis import strategies as st

from dmp_core.cda.envelopes import hl7v2, xdm
from dmp_core.cda.envelopes.xdm import Packed
from dmp_core.cda.reading import read
from dmp_core.cda.resources.mapping import resource
from dmp_core.cda.resources.parts import Source
from dmp_core.cli import dmp
from dmp_core.tasks import read_text
from platform_core.errors import DomainError
from platform_core.fhir import wire
from tests.dmp_core import filing
from tests.dmp_core.cda import test_mutations
from tests.dmp_core.cda.test_envelopes import ENTRY, SUBMISSION, message, package
from tests.fuzz import spoiling
from tests.fuzz.calling import SHORT
from tests.fuzz.verdicts import Answer, Books, check_refusal_in_fhir
from tests.fuzz.world import World, changes
from tests.signing_in import sign_in_citizen

pytestmark = pytest.mark.hypothesis
OUTSIDE = Path(os.environ.get("ENS_SAMPLES_DIR", "/nonexistent")) / "cda"
SAMPLES = [test_mutations.WHOLE, *(path.read_bytes() for path in sorted(OUTSIDE.glob("*.xml")))]
STATED = "285047510112397"
MATRICULES = {ins.extension.encode() for sample in SAMPLES if (ins := read(sample).header.subject.ins)}


def check_read(data: bytes) -> None:
    """What is read gives resources that hold together; what is not is refused by a name."""
    try:
        found = read(data)
    except DomainError as refusal:
        event(refusal.code)
        assert refusal.code.startswith("cda-") or refusal.code == "too-large", refusal
        return
    event("read")
    source = Source("Patient/p", "DocumentReference/d", found.header.created)
    for statement in found.statements:
        made = resource(statement, source)
        if made is not None:
            get_fhir_model_class(made["resourceType"]).model_validate_json(wire.write(made))


@given(data=spoiling.documents(SAMPLES))
@SHORT
def test_a_spoilt_document_is_read_or_refused_by_name(data: bytes) -> None:
    check_read(data)


@given(data=spoiling.packages(package()))
@SHORT
def test_a_spoilt_package_is_read_or_refused_by_name(data: bytes) -> None:
    try:
        for packed in xdm.read_package(io.BytesIO(data)):
            assert not {"..", "\\"} & set(packed.entry.uri.split("/"))
    except DomainError as refusal:
        event(refusal.code)
        assert refusal.code.startswith(("xdm-", "archive-", "cda-")) or refusal.code == "too-large", refusal


@given(data=spoiling.messages(message()))
@SHORT
def test_a_spoilt_message_is_read_or_refused_by_name(data: bytes) -> None:
    try:
        hl7v2.read_message(data)
    except DomainError as refusal:
        event(refusal.code)
        assert refusal.code.startswith("hl7-") or refusal.code == "too-large", refusal


@pytest.fixture
def reader(world: World) -> FlaskClient:
    """The patient, who reads their record in pages."""
    browser = world.app.test_client()
    sign_in_citizen(browser, person_id=world.me, patient_id=world.me)
    return browser


@given(content=spoiling.documents(SAMPLES))
@SHORT
def test_what_an_app_publishes_is_filed_whole_and_readable_or_not_at_all(
    world: World, books: Books, reader: FlaskClient, content: bytes
) -> None:
    app: Any = world
    for stated in MATRICULES:
        content = content.replace(stated, world.matricule.encode())
    body = filing.document(app, content=content, content_type="text/xml")
    opened = books.open()
    given = world.call("POST", "DocumentReference", body=body)
    answer = Answer(given.status_code, given.mimetype, given.text)
    event(str(answer.status))
    assert answer.status < 500, answer
    books.close(opened, answer)
    if answer.status >= 400:
        check_refusal_in_fhir(answer)
        return
    identifier = given.json["id"]
    assert world.call("GET", f"Binary/{identifier}", Accept="text/xml").data == content
    read_text(str(world.me), identifier)
    address = f"/espace/dossier/documents/{identifier}"
    for path in (address, f"{address}/contenu", f"{address}/fichier", "/espace/dossier"):
        assert reader.get(path, environ_base=world.environment()).status_code < 400, path


def envelopes(matricule: str, number: int) -> st.SearchStrategy[bytes]:
    """One document about the patient, as three kinds of software send it."""
    content = test_mutations.WHOLE.replace(STATED.encode(), matricule.encode()).replace(b"CR-7", b"CR-%d" % number)
    patient = ENTRY.patient_id.replace(STATED, matricule)
    entry = replace(ENTRY, patient_id=patient, unique_id=f"1.2.250.1.999.1^CR-{number}")
    packed = xdm.write_package(replace(SUBMISSION, patient_id=patient), [Packed(entry, content)])
    said = message(content=content).replace(STATED, matricule).replace("CR-7", f"CR-{number}").replace("CR-6", "")
    return st.one_of(spoiling.packages(packed), spoiling.messages(said), spoiling.documents([content]))


@given(data=st.data())
@SHORT
def test_what_an_establishment_hands_over_goes_in_whole_or_not_at_all(
    world: World,
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
) -> None:
    file = tmp_path_factory.mktemp("handed") / "file"
    file.write_bytes(data.draw(envelopes(world.matricule, data.draw(st.integers(10, 2**40)))))
    before = world.ledger.read()
    done = CliRunner().invoke(dmp, ["import", str(file)], catch_exceptions=False)
    file.unlink()
    event(str(done.exit_code))
    changed = changes(before, world.ledger.read())
    if done.exit_code:
        # Of several documents, those before the one refused leave files that no row names: the sweep takes them away.
        changed.pop("files", None)
    assert (done.exit_code == 0) == bool(changed), (done.output, changed)
