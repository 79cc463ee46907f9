"""The sealed form of a blob: whole or refused, whatever is cut, moved, changed or put in the place of another."""

import io
import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_core.blobs import sealing
from platform_core.blobs.sealing import CHUNK, SEALED_CHUNK, BlobAltered
from platform_core.errors import TooLarge

KEY = bytes(range(32))
CONTENT = os.urandom(3 * CHUNK)

sizes = st.builds(
    lambda chunks, more: max(0, min(chunks * CHUNK + more, len(CONTENT))), st.integers(0, 3), st.integers(-2, 2)
)


class Trickle(io.RawIOBase):
    """A stream that gives at most `piece` bytes a read, as a socket does."""

    def __init__(self, content: bytes, piece: int) -> None:
        self._content, self._piece = io.BytesIO(content), piece

    def read(self, size: int = -1) -> bytes:
        return self._content.read(min(size, self._piece) if size >= 0 else self._piece)


def seal(content: bytes) -> bytes:
    sink = io.BytesIO()
    sealing.seal_chunks(io.BytesIO(content), sink, KEY, most=len(CONTENT))
    return sink.getvalue()


def unseal(sealed: bytes, size: int) -> bytes:
    total = sealing.count_chunks(size)
    return b"".join(sealing.open_chunks([sealed], KEY, first=0, stop=total, total=total))


@given(size=sizes, piece=st.sampled_from([1000, CHUNK - 1, CHUNK, 10 * CHUNK]))
def test_any_content_comes_back_and_takes_the_bytes_foretold(size: int, piece: int) -> None:
    sink, content = io.BytesIO(), CONTENT[:size]
    counted, _ = sealing.seal_chunks(Trickle(content, piece), sink, KEY, most=len(CONTENT))
    sealed = sink.getvalue()
    assert counted == size and len(sealed) + sealing.HEADER == sealing.sealed_size(size)
    assert unseal(sealed, size) == content


@given(size=sizes, where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_changed_bit_is_found(size: int, where: float, bit: int) -> None:
    sealed = bytearray(seal(CONTENT[:size]))
    sealed[int(where * len(sealed))] ^= 1 << bit
    with pytest.raises(BlobAltered):
        unseal(bytes(sealed), size)


@given(size=sizes, cut=st.sampled_from([1, 15, 16, 17, CHUNK, SEALED_CHUNK]))
def test_an_end_that_was_cut_is_found(size: int, cut: int) -> None:
    sealed = seal(CONTENT[:size])
    with pytest.raises(BlobAltered):
        unseal(sealed[: max(0, len(sealed) - cut)], size)


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2, 1), (0, 0, 2), (2, 1, 0), (0, 2), (0, 1), (0, 1, 1)])
def test_chunks_in_another_order_are_found(order: tuple[int, ...]) -> None:
    sealed = seal(CONTENT)
    chunks = [sealed[i : i + SEALED_CHUNK] for i in range(0, len(sealed), SEALED_CHUNK)]
    with pytest.raises(BlobAltered):
        unseal(b"".join(chunks[i] for i in order), len(CONTENT))


def test_an_end_cut_at_a_chunk_does_not_pass_for_a_shorter_content() -> None:
    with pytest.raises(BlobAltered):
        unseal(seal(CONTENT)[: 2 * SEALED_CHUNK], 2 * CHUNK)


@pytest.mark.parametrize(
    ("key", "name", "size"), [(bytes(32), "files/a", 10), (KEY, "files/b", 10), (KEY, "files/a", 11)]
)
def test_a_header_opens_for_its_owner_its_name_and_its_size_only(key: bytes, name: str, size: int) -> None:
    made = sealing.header(KEY, key=KEY, name="files/a", size=10)
    assert sealing.open_header(made, key=KEY, name="files/a", size=10) == KEY
    with pytest.raises(BlobAltered):
        sealing.open_header(made, key=key, name=name, size=size)


@pytest.mark.parametrize("place", range(sealing.HEADER))
def test_a_changed_header_does_not_open(place: int) -> None:
    made = bytearray(sealing.header(KEY, key=KEY, name="files/a", size=10))
    made[place] ^= 1
    with pytest.raises(BlobAltered):
        sealing.open_header(bytes(made), key=KEY, name="files/a", size=10)


def test_a_content_past_the_limit_stops_the_reading() -> None:
    endless = Endless()
    with pytest.raises(TooLarge):
        sealing.seal_chunks(endless, io.BytesIO(), KEY, most=10 * CHUNK)
    assert endless.given <= 13 * CHUNK


class Endless(io.RawIOBase):
    """A stream without an end, which counts what it gave."""

    given = 0

    def read(self, size: int = -1) -> bytes:
        self.given += size
        return bytes(size)


def test_a_name_tells_nothing_of_the_content_to_another_owner() -> None:
    content = bytes(32)
    assert sealing.name_under(KEY, content) == sealing.name_under(KEY, content)
    assert len({sealing.name_under(key, content) for key in (KEY, bytes(32))} | {content.hex()}) == 3


def test_reading_asks_for_no_more_sealed_bytes_than_it_needs() -> None:
    asked = []

    def pieces() -> Iterator[bytes]:
        sealed = seal(CONTENT)
        for start in range(0, len(sealed), SEALED_CHUNK):
            asked.append(start)
            yield sealed[start : start + SEALED_CHUNK]

    opened = sealing.open_chunks(pieces(), KEY, first=0, stop=3, total=3)
    assert next(opened) == CONTENT[:CHUNK] and len(asked) == 1
