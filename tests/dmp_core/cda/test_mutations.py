"""Whatever is done to a document, a package or a message, it is read or refused: never anything else."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dmp_core.cda.envelopes import hl7v2, xdm
from dmp_core.cda.reading import read
from dmp_core.cda.resources.mapping import resource
from dmp_core.cda.resources.parts import Source
from platform_core.errors import DomainError
from platform_core.fhir import wire
from tests.dmp_core.cda.building import document, laboratory, observation, section
from tests.dmp_core.cda.test_envelopes import message, package
from tests.dmp_core.cda.test_reading import CONCERN, DIABETES, VACCINE
from tests.dmp_core.cda.test_resources import MEDICATION, PRESCRIBED, RELATIVE

pytestmark = pytest.mark.hypothesis

WHOLE = document(
    section(laboratory(observation(), observation('<value xsi:type="IVL_PQ"><low value="1" unit="g"/></value>'))),
    section(
        VACCINE.format(refused="false"), CONCERN.format(status="active", negated="false", allergy="", value=DIABETES)
    ),
    section(MEDICATION.format(mood="INT", more=PRESCRIBED), RELATIVE, text='<table><tr><td ID="a">1</td></tr></table>'),
)
PIECES = st.sampled_from(
    [b"", b"<", b">", b"&", b'"', b"\x00", b"\xff", b"]]>", b"<!--", b"value=", b"9" * 400, b"-1e999", b"NaN", b"\xc3"]
)
EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 60), PIECES), min_size=1, max_size=4)


def edited(data: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    for place, length, piece in edits:
        start = int(place * len(data))
        data = data[:start] + piece + data[start + length :]
    return data


@given(EDITS)
@settings(max_examples=150)
def test_a_spoilt_document_is_read_or_refused(edits: list[tuple[float, int, bytes]]) -> None:
    try:
        found = read(edited(WHOLE, edits))
    except DomainError:
        return
    source = Source("Patient/p", "DocumentReference/d", found.header.created)
    for statement in found.statements:
        wire.write(resource(statement, source))


@given(
    st.lists(
        st.tuples(st.sampled_from(["value", "code", "unit", "root", "moodCode"]), st.text(max_size=12)), max_size=5
    )
)
@settings(max_examples=60)
def test_attributes_may_hold_anything(changes: list[tuple[str, str]]) -> None:
    text = WHOLE.decode()
    for name, value in changes:
        quoted = value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
        head, _, rest = text.rpartition(f' {name}="')
        text = f'{head} {name}="{quoted}"{rest.partition(chr(34))[2]}'
    try:
        found = read(text.encode(errors="surrogatepass"))
    except DomainError:
        return
    source = Source("Patient/p", "DocumentReference/d", found.header.created)
    for statement in found.statements:
        wire.write(resource(statement, source))


@given(EDITS)
@settings(max_examples=60)
def test_a_spoilt_package_is_read_or_refused(edits: list[tuple[float, int, bytes]]) -> None:
    try:
        xdm.read_package(io.BytesIO(edited(package(), edits)))
    except DomainError:
        return


@given(EDITS)
@settings(max_examples=60)
def test_a_spoilt_message_is_read_or_refused(edits: list[tuple[float, int, bytes]]) -> None:
    try:
        hl7v2.read_message(edited(message().encode(), edits))
    except DomainError:
        return
