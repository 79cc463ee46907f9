"""The narrative of a section as HTML that is safe under a strict policy, and as text (CDA R2 NarrativeBlock)."""

import re
from collections.abc import Callable, Iterator

from lxml.etree import QName
from lxml.etree import _Element as Element
from markupsafe import escape

_ID = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]*")
_BLOCKS = frozenset(
    {"paragraph", "list", "table", "item", "caption", "tr", "br", "footnote", "thead", "tbody", "tfoot"}
)
_STYLES = {"Bold": "strong", "Emphasis": "em", "Italics": "em", "Underline": "u"}
_WRAPPED = {
    "paragraph": "p",
    "sub": "sub",
    "sup": "sup",
    "thead": "thead",
    "tbody": "tbody",
    "tfoot": "tfoot",
    "tr": "tr",
}
_SPANS = ("colspan", "rowspan")


def texts_by_id(root: Element) -> dict[str, str]:
    """What each identified element of the narratives says: entries refer to it."""
    found = {}
    for block in root.iter("{urn:hl7-org:v3}text"):
        for element in block.iter():
            if name := element.get("ID"):
                found[name] = plain_text(element)
    return found


def plain_text(element: Element) -> str:
    """The text, one line for each block, cells apart by a space."""
    lines = "".join(_plain(element)).split("\n")
    return "\n".join(line for line in (" ".join(each.split()) for each in lines) if line)


def html(element: Element) -> str:
    """HTML of allowed elements only, without style or script; ids and links to them are prefixed by `cda-`.

    An image of the document (`renderMultiMedia`) becomes `<img src="media/<id>">`, relative to the page.
    """
    return "".join(_inner(element))


def _plain(element: Element) -> Iterator[str]:
    name = QName(element).localname
    yield "\n" if name in _BLOCKS else " " if name in ("td", "th") else ""
    yield element.text or ""
    for part in element:
        yield from _plain(part)
        yield part.tail or ""
    yield "\n" if name in _BLOCKS else ""


def _inner(element: Element) -> Iterator[str]:
    yield str(escape(element.text or ""))
    for part in element:
        name = QName(part).localname
        render = _RENDERED.get(name)
        yield from render(part) if render else _wrap(part, _WRAPPED[name]) if name in _WRAPPED else _inner(part)
        yield str(escape(part.tail or ""))


def _wrap(element: Element, tag: str, attributes: str = "") -> Iterator[str]:
    yield f"<{tag}{_anchor(element)}{attributes}>"
    yield from _inner(element)
    yield f"</{tag}>"


def _content(element: Element) -> Iterator[str]:
    styles = (element.get("styleCode") or "").split()
    tags = [_STYLES[style] for style in styles if style in _STYLES]
    yield f"<span{_anchor(element)}>" + "".join(f"<{tag}>" for tag in tags)
    yield from _inner(element)
    yield "".join(f"</{tag}>" for tag in reversed(tags)) + "</span>"


def _list(element: Element) -> Iterator[str]:
    tag = "ol" if element.get("listType") == "ordered" else "ul"
    caption = [part for part in element if QName(part).localname == "caption"]
    for part in caption:
        yield from _wrap(part, "p")
    yield f"<{tag}{_anchor(element)}>"
    for item in element:
        if QName(item).localname == "item":
            yield from _wrap(item, "li")
    yield f"</{tag}>"


def _table(element: Element) -> Iterator[str]:
    yield f'<table class="table"{_anchor(element)}>'
    parts = [part for part in element if QName(part).localname in ("caption", "thead", "tbody", "tfoot", "tr")]
    for part in sorted(parts, key=lambda part: QName(part).localname != "caption"):
        yield from _wrap(part, QName(part).localname)
    yield "</table>"


def _cell(element: Element) -> Iterator[str]:
    row = element.getparent()
    group = row.getparent() if row is not None else None
    head = group is not None and QName(group).localname == "thead"
    spans = "".join(f' {name}="{value}"' for name in _SPANS if (value := element.get(name, "")).isdecimal())
    if QName(element).localname == "th" or head:
        yield from _wrap(element, "th", f' scope="{"col" if head else "row"}"{spans}')
    else:
        yield from _wrap(element, "td", spans)


def _link(element: Element) -> Iterator[str]:
    target = (element.get("href") or "").strip()
    if target.startswith("#") and _ID.fullmatch(target[1:]):
        yield from _wrap(element, "a", f' href="#cda-{target[1:]}"')
    elif target.startswith("https://"):
        yield from _wrap(element, "a", f' href="{escape(target)}" rel="noopener noreferrer external"')
    else:
        yield from _inner(element)


def _image(element: Element) -> Iterator[str]:
    name = element.get("referencedObject") or ""
    words = [part for part in element if QName(part).localname == "caption"]
    caption = plain_text(words[0]) if words else "Image du document"
    if _ID.fullmatch(name):
        yield f'<img src="media/{name}" alt="{escape(caption)}">'


def _footnote(element: Element) -> Iterator[str]:
    yield "<small> ("
    yield from _inner(element)
    yield ")</small>"


def _nothing(element: Element) -> Iterator[str]:
    yield ""


def _anchor(element: Element) -> str:
    name = element.get("ID") or ""
    return f' id="cda-{name}"' if _ID.fullmatch(name) else ""


_RENDERED: dict[str, Callable[[Element], Iterator[str]]] = {
    "content": _content,
    "list": _list,
    "table": _table,
    "td": _cell,
    "th": _cell,
    "linkHtml": _link,
    "renderMultiMedia": _image,
    "footnote": _footnote,
    "br": lambda element: iter(("<br>",)),
    "col": _nothing,
    "colgroup": _nothing,
    "footnoteRef": _nothing,
    "caption": lambda element: _wrap(element, "caption" if _within_table(element) else "span"),
}


def _within_table(element: Element) -> bool:
    parent = element.getparent()
    return parent is not None and QName(parent).localname == "table"
