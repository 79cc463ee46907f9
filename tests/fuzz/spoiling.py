"""What a careless or hostile sender does to a file: each spoilt form of a sample is a draw of Hypothesis."""

import base64
import copy
import io
import json
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hypothesis import strategies as st
from lxml import etree
from lxml.etree import _Element as Element

_CDA = "{urn:hl7-org:v3}"
_LONG = "9" * 20_000
WORDS = st.sampled_from(
    [
        *(
            "",
            " ",
            "0",
            "-1",
            "NaN",
            "INF",
            "1e999",
            "-1e-999",
            "9" * 400,
            _LONG,
            "é",
            "œ\u0301",
            "\u202e",
            "\U0001f9ec",
        ),
        *("00000000", "20260230", "20261301", "99991231235959.999+1400", "2026", "20260312093000-9999", "10000101"),
        *("NI", "UNK", "mm[Hg]", "{unité}", "10*3/uL", "//", "../../etc/passwd", "<b>", "&amp;", "]]>", "%00", "'--"),
        *(
            "urn:uuid:x",
            "1.2.250.1.213.1.4.10",
            "2.16.840.1.113883.6.1",
            "EVN",
            "PQ",
            "IVL_PQ",
            "ED",
            "application/pdf",
        ),
    ]
)
PLACES = st.floats(0, 1, exclude_max=True)
Spoil = Callable[[list[Element], float, float, str], None]


def _at(elements: Sequence[Element], place: float) -> Element:
    return elements[int(place * len(elements))]


def _inside(elements: Sequence[Element], place: float) -> Element:
    """An element that is not the root."""
    return elements[1:][int(place * (len(elements) - 1))] if len(elements) > 1 else elements[0]


def _drop(elements: list[Element], place: float, other: float, word: str) -> None:
    element = _inside(elements, place)
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def _repeat(elements: list[Element], place: float, other: float, word: str) -> None:
    element = _inside(elements, place)
    if element.getparent() is not None:
        element.addnext(copy.deepcopy(element))


def _move(elements: list[Element], place: float, other: float, word: str) -> None:
    """Put a copy of one element inside another."""
    moved = copy.deepcopy(_inside(elements, place))
    if sum(1 for _ in moved.iter()) < 200:
        _at(elements, other).insert(0, moved)


def _rename(elements: list[Element], place: float, other: float, word: str) -> None:
    _inside(elements, place).tag = _at(elements, other).tag


def _leave_namespace(elements: list[Element], place: float, other: float, word: str) -> None:
    element = _inside(elements, place)
    element.tag = etree.QName(element).localname


def _swap(elements: list[Element], place: float, other: float, word: str) -> None:
    first, second = _inside(elements, place), _inside(elements, other)
    first.tag, second.tag = second.tag, first.tag


def _say(elements: list[Element], place: float, other: float, word: str) -> None:
    _at(elements, place).text = word


def _attribute(elements: list[Element], place: float, other: float, word: str) -> None:
    """Give another value to an attribute that is there."""
    attributed = [element for element in elements if element.attrib]
    if attributed:
        element = _at(attributed, place)
        element.set(list(element.attrib)[int(other * len(element.attrib))], word)


def _forget_attribute(elements: list[Element], place: float, other: float, word: str) -> None:
    attributed = [element for element in elements if element.attrib]
    if attributed:
        element = _at(attributed, place)
        del element.attrib[list(element.attrib)[int(other * len(element.attrib))]]


def _nullify(elements: list[Element], place: float, other: float, word: str) -> None:
    element = _inside(elements, place)
    element.attrib.clear()
    element.set("nullFlavor", word)


def _same_ids(elements: list[Element], place: float, other: float, word: str) -> None:
    for element in elements:
        if element.tag == f"{_CDA}id":
            element.set("root", "1.2.250.1.999.3")
            element.set("extension", "1")
        if "ID" in element.attrib:
            element.set("ID", "a")


def _retype(elements: list[Element], place: float, other: float, word: str) -> None:
    typed = "{http://www.w3.org/2001/XMLSchema-instance}type"
    found = [element for element in elements if typed in element.attrib]
    if found:
        kinds = ["PQ", "IVL_PQ", "CD", "ST", "ED", "INT", "REAL", "BL", "RTO", "IVL_TS", "PIVL_TS", "MO", "x:y", ""]
        _at(found, place).set(typed, kinds[int(other * len(kinds))])


def _nest(elements: list[Element], place: float, other: float, word: str) -> None:
    element = _inside(elements, place)
    for _ in range(int(other * 140)):
        element = etree.SubElement(element, f"{_CDA}{'section' if other < 0.5 else 'content'}")


SPOILS: tuple[Spoil, ...] = (
    *(_drop, _repeat, _move, _rename, _leave_namespace, _swap, _say, _attribute, _attribute, _attribute),
    *(_forget_attribute, _nullify, _same_ids, _retype, _nest),
)
ENCODINGS = ("utf-8", "utf-8", "utf-8", "utf-8", "utf-16", "iso-8859-1", "ascii", "utf-7", "x-nothing")
ENTITIES = (
    b'<!DOCTYPE ClinicalDocument [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
)
PIECES = st.sampled_from(
    [
        b"",
        b"<",
        b">",
        b"&",
        b'"',
        b"\x00",
        b"\xff",
        b"]]>",
        b"<!--",
        b"&f;",
        b"&#0;",
        b"&#x10FFFF;",
        b"\xef\xbb\xbf",
        ENTITIES,
    ]
)
CUTS = st.lists(st.tuples(PLACES, st.integers(0, 60), PIECES), max_size=2)


def cut(data: bytes, cuts: list[tuple[float, int, bytes]]) -> bytes:
    """Bytes with pieces in the place of others."""
    for place, length, piece in cuts:
        start = int(place * (len(data) + 1))
        data = data[:start] + piece + data[start + length :]
    return data


@st.composite
def documents(draw: st.DrawFn, samples: Sequence[bytes]) -> bytes:
    """A CDA document, spoilt as a tree, then now and then as bytes."""
    root = etree.fromstring(draw(st.sampled_from(samples)), etree.XMLParser(resolve_entities=False, huge_tree=True))
    for spoil, place, other, word in draw(
        st.lists(st.tuples(st.sampled_from(SPOILS), PLACES, PLACES, WORDS), min_size=1, max_size=5)
    ):
        elements = [one for one in root.iter() if isinstance(one.tag, str)]
        spoil(elements, place, other, "".join(one for one in word if one >= " "))
    text = etree.tostring(root, encoding="unicode")
    encoding = draw(st.sampled_from(ENCODINGS))
    declared = f'<?xml version="1.0" encoding="{encoding}"?>\n{text}'
    data = declared.encode(encoding if encoding != "x-nothing" else "utf-8", errors="xmlcharrefreplace")
    if not draw(st.booleans()):
        return data
    data = cut(data, draw(CUTS))
    return data[: int(len(data) * draw(PLACES))] if draw(st.integers(0, 3)) == 0 else data


@st.composite
def packages(draw: st.DrawFn, package: bytes) -> bytes:
    """A zip: members spoilt, dropped, doubled, misnamed, puffed up, or the whole cut as bytes."""
    target = io.BytesIO()
    names = ["../../x", "/etc/passwd", "C:\\x", "IHE_XDM/SUBSET01/METADATA.XML", "a/" * 200, "é\u202e", "/"]
    with zipfile.ZipFile(io.BytesIO(package)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        members = [(name, source.read(name)) for name in source.namelist()]
        for name, content in members:
            what = draw(st.sampled_from(["keep"] * 20 + ["drop", "rename", "cut", "puff", "swap"]))
            if what == "cut":
                content = cut(content, draw(CUTS))
            if what == "puff":
                content = content + b"\0" * 30_000_000
            if what == "swap":
                content = draw(st.sampled_from([one for _, one in members]))
            if what == "rename":
                name = draw(st.sampled_from(names))
            if what != "drop":
                with warnings.catch_warnings(action="ignore"):  # a name that is there twice
                    archive.writestr(name, content)
    return cut(target.getvalue(), draw(CUTS)) if draw(st.integers(0, 3)) == 0 else target.getvalue()


@st.composite
def messages(draw: st.DrawFn, message: str) -> bytes:
    """An HL7 v2 message: segments shuffled, dropped, doubled; fields swapped; the base64 inside cut."""
    segments = [one.split("|") for one in message.replace("\n", "\r").split("\r") if one]
    for what, place, other, word in draw(
        st.lists(
            st.tuples(st.sampled_from(["drop", "double", "swap", "say", "cut", "join"]), PLACES, PLACES, WORDS),
            max_size=4,
        )
    ):
        if not segments:
            break
        first, second = int(place * len(segments)), int(other * len(segments))
        if what == "drop":
            segments.pop(first)
        elif what == "double":
            segments.insert(second, list(segments[first]))
        elif what == "swap":
            segments[first], segments[second] = segments[second], segments[first]
        else:
            fields = segments[first]
            number = int(other * len(fields))
            longest = max(range(len(fields)), key=lambda one: len(fields[one]))
            if what == "say":
                fields[number] = word
            elif what == "cut":
                fields[longest] = fields[longest][: int(len(fields[longest]) * other)]
            else:
                fields.append("^~&\\".join([word, word]))
    if draw(st.integers(0, 3)) == 0:
        segments = list(draw(st.permutations(segments)))
    if draw(st.booleans()):
        return "\r".join("|".join(fields) for fields in segments).encode()
    return cut("\r".join("|".join(fields) for fields in segments).encode(), draw(CUTS))


VALUES = st.sampled_from(
    [
        *(
            None,
            True,
            0,
            -1,
            10**30,
            -0.0,
            1e308,
            float("inf"),
            float("nan"),
            "",
            " ",
            "a" * 5000,
            "\ud800",
            "\x00",
            "\x7f",
        ),
        *(
            "2026-02-30",
            "0001-01-01",
            "9999-12-31T23:59:60Z",
            "2026-01-01T24:00:00",
            "2026-01-01T10:00:00",
            "-2026",
            "20",
        ),
        *(
            [],
            {},
            [[]],
            [None],
            [{}],
            {"": ""},
            {"reference": "#p"},
            {"reference": "Patient/x"},
            {"resourceType": "Patient"},
        ),
        *(
            "urn:oid:1..2",
            "urn:uuid:x",
            "#p",
            "http://[",
            "javascript:alert(1)",
            "<script>alert(1)</script>",
            "%2e%2e/",
        ),
        *({"value": "1"}, {"value": 10**400}, {"coding": [{"system": "http://loinc.org", "code": "29463-7"}] * 200}),
        *([{"url": "urn:x", "valueString": "x"}], {"extension": []}, {"data": "====", "contentType": "text/xml"}),
    ]
)


def nodes(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a JSON value: its container and its key."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in list(children):
        yield value, key
        yield from nodes(child)


@st.composite
def bodies(draw: st.DrawFn, samples: Sequence[Any]) -> tuple[Any, bytes]:
    """A sample, and its JSON with other values, places, keys and bytes."""
    sample = draw(st.sampled_from(samples))
    value = copy.deepcopy(sample)
    what = st.sampled_from(["set", "set", "drop", "copy", "rename", "wrap", "deep"])
    for act, place, other, hostile in draw(st.lists(st.tuples(what, PLACES, PLACES, VALUES), max_size=3)):
        found = list(nodes(value))
        if found:
            holder, key = found[int(place * len(found))]
            elsewhere, name = found[int(other * len(found))]
            _change(act, holder, key, copy.deepcopy(elsewhere[name]), copy.deepcopy(hostile), int(other * 400))
    text = json.dumps(value)
    data = (
        text.encode() if draw(st.booleans()) else json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")
    )
    return sample, cut(data, draw(CUTS)) if draw(st.integers(0, 4)) == 0 else data


def _change(act: str, holder: Any, key: Any, elsewhere: Any, hostile: Any, depth: int) -> None:
    if act == "set":
        holder[key] = hostile
    elif act == "drop":
        del holder[key]
    elif act == "copy":
        holder[key] = elsewhere
    elif act == "rename" and isinstance(holder, dict):
        holder[f"_{key}"] = holder.pop(key)
    elif act == "wrap":
        holder[key] = [holder[key]]
    elif act == "deep":
        for _ in range(depth):
            elsewhere = [elsewhere]
        holder[key] = elsewhere


def with_content(resource: dict[str, Any], content: bytes) -> dict[str, Any]:
    """A DocumentReference with another content."""
    changed = copy.deepcopy(resource)
    changed["content"][0]["attachment"]["data"] = base64.b64encode(content).decode()
    return changed
