"""Bodies whose documents are laid aside: any cut of the stream gives the same text and the same documents."""

import io
import json
import tracemalloc
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.errors import Invalid, Malformed, TooLarge
from platform_core.fhir import bodies
from platform_core.fhir.bodies import Body, lay_aside, open_attachment
from tests.dmp_core.conftest import Fhir, Guard
from tests.dmp_core.filing import comprehensive, document, submission


class Pieces(io.RawIOBase):
    """A stream that gives what it holds a few bytes at a time."""

    def __init__(self, content: bytes, size: int) -> None:
        self._content, self._size = content, size

    def read(self, most: int = -1) -> bytes:
        piece, self._content = self._content[: self._size], self._content[self._size :]
        return piece


def laid(text: bytes, size: int) -> tuple[Any, list[bytes]]:
    with ExitStack() as files:
        body = lay_aside(text[:size], Pieces(text[size:], size), files)
        contents = []
        for file in body.attached.values():
            file.seek(0)
            contents.append(file.read())
        return json.loads(body.text), contents


@given(
    contents=st.lists(st.binary(max_size=400), max_size=4, unique=True),
    title=st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    size=st.integers(1, 90),
    indent=st.sampled_from([None, 2]),
)
def test_however_the_stream_is_cut_the_documents_come_out_whole(
    contents: list[bytes], title: str, size: int, indent: int | None
) -> None:
    entries = [{"data": b64encode(one).decode(), "title": f'"data": "{title}'} for one in contents]
    text = json.dumps({"entry": entries, "other": [title]}, indent=indent).encode()
    document, found = laid(text, size)
    assert found == contents
    assert [one["title"] for one in document["entry"]] == [f'"data": "{title}' for _ in contents]
    assert all(len(one["data"]) == 44 for one in document["entry"]) and document["other"] == [title]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b'{"data": "@@@@"}', Invalid),
        (b'{"data": "AAAAA"}', Invalid),
        (b'{"data": "AA\\"AA"}', Invalid),
        (b'{"data": "AA=AAAA="}', Invalid),
        (b'{"data": "AAAA', Malformed),
    ],
)
def test_what_is_no_base64_is_refused(text: bytes, error: type[Exception]) -> None:
    for size in (1, 7, 100):
        with pytest.raises(error):
            laid(text, size)


def test_line_ends_and_escaped_strokes_are_base64_too() -> None:
    content = bytes(range(256)) * 3
    encoded = b64encode(content).replace(b"/", b"\\/")
    broken = b"\\r\\n".join(encoded[start : start + 77] for start in range(0, len(encoded), 77))
    assert laid(b'{"data" : "' + broken.replace(b"\\\\r", b"\\r") + b'"}', 5)[1] == [content]
    assert open_attachment("AAEC\n/w==").read() == b"\0\x01\x02\xff"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Bodies past four kilobytes are large."""
    monkeypatch.setattr(bodies, "BODY_LIMIT", 4096)
    yield


def test_a_large_document_is_filed_alone_or_in_a_submission(small: None, fhir: Fhir, guard: Guard) -> None:
    content = b"Une longue lettre. " * 2000
    sent = document(guard.app, content=content)
    filed = fhir.post("DocumentReference", sent, Idempotency_Key="k")
    assert filed.status_code == 201, filed.text
    assert fhir.post("DocumentReference", sent, Idempotency_Key="k").json == filed.json
    bundle = submission(guard.app, (comprehensive(guard.app, "urn:uuid:b", content=content), content))
    answer = fhir.post("", bundle)
    assert answer.status_code == 200, answer.text
    assert fhir.get(answer.json["entry"][2]["response"]["location"]).data == content


def test_a_large_body_holds_documents_and_nothing_else(small: None, fhir: Fhir, guard: Guard) -> None:
    large = "x" * 5000
    for path, body in (
        ("DocumentReference", document(guard.app, title=large)),
        ("DocumentReference", document(guard.app, content=b"y" * 5000, title=large)),
        ("Observation", {"resourceType": "Observation", "valueSampledData": {"data": "A" * 6000}}),
        ("", {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": {
            "resourceType": "Observation", "valueSampledData": {"data": "A" * 6000}}}]}),
    ):  # fmt: skip
        assert fhir.post(path, body).status_code == 413


def test_nothing_stands_for_a_document_that_was_not_sent() -> None:
    with pytest.raises(TooLarge):
        Body(b"{}", {"mark": io.BytesIO()}).attach({"resourceType": "DocumentReference", "title": "mark"})


@pytest.mark.slow
def test_fifty_megabytes_go_in_and_out_in_little_memory(fhir: Fhir, guard: Guard) -> None:
    line = b"Une ligne de texte, encore une ligne de texte.\n"
    size = 50 * 1024 * 1024 // len(line) * len(line)
    shell = json.dumps(document(guard.app, content=b"HERE")).encode()
    head, _, tail = shell.partition(b64encode(b"HERE"))
    body = head + b64encode(line * (size // len(line))) + tail
    tracemalloc.start()
    try:
        sent = fhir._client.post(
            "/fhir/DocumentReference", input_stream=io.BytesIO(body), content_length=len(body),
            content_type="application/fhir+json",
        )  # fmt: skip
        assert sent.status_code == 201, sent.text
        read = fhir._client.get(f"/fhir/Binary/{sent.json['id']}", buffered=False)
        assert sum(map(len, read.response)) == size
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40 * 1024 * 1024
    past = head + b64encode(line * (size // len(line) + 1000)) + tail
    assert (
        fhir._client.post("/fhir/DocumentReference", data=past, content_type="application/fhir+json").status_code == 413
    )
