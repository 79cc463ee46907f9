"""Documents in their own form (FHIR R4 §2.39, ITI-68): whole, a range of bytes, or as a Binary resource in JSON.

The data call ends before the first byte leaves: no transaction stays open while a document streams.
"""

import base64
from collections.abc import Iterable, Iterator
from functools import partial

from flask import Response, request
from werkzeug.datastructures import Range
from werkzeug.http import parse_range_header

from platform_core.access import Interaction, data_call
from platform_core.fhir import subjects, wire
from platform_core.fhir.registry import Content, ReadContent

_JSON = "application/fhir+json"
_CLOSED = "default-src 'none'; sandbox"


def read(handler: ReadContent, type_: str, identifier: str) -> Response:
    """Answer a read of such a resource: as JSON when the caller asks for `application/fhir+json`, else as it is."""
    named = partial(subjects.named_in_read, type_, identifier, list(request.args.items(multi=True)))
    with data_call(Interaction("read", type_, named)) as call:
        found = handler(call, identifier)
        call.served({found.category: 1}, [found.id])
        response = _as_resource(type_, found) if _wants_json() else stream(found)
    response.headers["Cache-Control"] = "no-store"
    return response


def stream(found: Content) -> Response:
    """The bytes themselves, or the single range asked for (RFC 9110 §14); nothing that a browser would run."""
    headers = {"ETag": f'"{found.tag}"', "Accept-Ranges": "bytes", "Content-Security-Policy": _CLOSED}
    if found.tag in request.if_none_match:
        return Response(status=304, headers=headers)
    start, stop, status = 0, found.size, 200
    asked = _range_asked(found)
    if asked:
        within = asked.range_for_length(found.size)
        if within is None:
            return Response(status=416, headers={**headers, "Content-Range": f"bytes */{found.size}"})
        start, stop = within
        status, headers["Content-Range"] = 206, f"bytes {start}-{stop - 1}/{found.size}"
    response = Response(found.read(start, stop), status, headers, content_type=found.media_type)
    response.content_length = stop - start
    return response


def _range_asked(found: Content) -> Range | None:
    """The range of the request, when it is a single one and the document is still the one it is about (If-Range)."""
    asked = parse_range_header(request.headers.get("Range"))
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return None
    condition = request.if_range
    return asked if condition.etag in {None, found.tag} and condition.date is None else None


def _as_resource(type_: str, found: Content) -> Response:
    head = {"resourceType": type_, "id": found.id, "contentType": found.media_type}
    text = _spliced(wire.write(head), found.read(0, found.size))
    return Response(text, mimetype=_JSON, headers={"ETag": f'W/"{found.tag}"'})


def _spliced(head: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The JSON of a Binary, its data encoded as it goes."""
    yield f'{head[:-1]},"data":"'.encode()
    left = b""
    for piece in pieces:
        left += piece
        whole = len(left) // 3 * 3
        yield base64.b64encode(left[:whole])
        left = left[whole:]
    yield base64.b64encode(left) + b'"}'


def _wants_json() -> bool:
    """Whether the caller named the JSON form of FHIR, by `_format` or first in `Accept`."""
    wanted = request.args.get("_format") or request.headers.get("Accept", "")
    return wanted.split(",")[0].partition(";")[0].strip() in {_JSON, "application/json", "json"}
