"""The FHIR API (`/fhir`): reads the request, opens the guarded data call, hands over to the core, sends text."""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

import orjson
from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import MethodNotAllowed, NotAcceptable, NotFound

from platform_core import config
from platform_core.access import Access, DataCall, Interaction, data_call
from platform_core.errors import Malformed
from platform_core.fhir import bundles, capability, contents, idempotency, subjects, transactions, versions, wire
from platform_core.fhir.bodies import Body, received_body
from platform_core.fhir.idempotency import Answer
from platform_core.fhir.registry import ResourceType, Stored, Update, registry
from platform_core.fhir.search import Query, read_query
from platform_core.renderers import http_date
from platform_core.web import data_guarded, public

MEDIA_TYPE = "application/fhir+json"
_WRITTEN_TYPES = ("json", "*/*", "application/*")

blueprint = Blueprint("fhir", __name__, url_prefix="/fhir")


def init_app(app: Flask) -> None:
    """Mount the FHIR API. Tokens guard it: no cookie, hence no CSRF token."""
    app.register_blueprint(blueprint)
    if "csrf" in app.extensions:
        app.extensions["csrf"].exempt(blueprint)


@blueprint.get("/metadata")
@public("The CapabilityStatement tells programs what the server can do (FHIR R4 §3.1.0.9).")
def metadata() -> Response:
    _negotiate()
    return _respond(orjson.dumps(capability.statement(config.current().base_url)).decode())


@blueprint.get("/<type_>")
@data_guarded
def search(type_: str) -> Response:
    """Search by address."""
    _check_address(_offered(type_))
    return _search(type_, list(request.args.items(multi=True)))


@blueprint.post("/<type_>/_search")
@data_guarded
def search_by_post(type_: str) -> Response:
    """Search by form, for those who keep parameters out of addresses (FHIR R4 §3.1.1.1.1)."""
    _check_address(_offered(type_))
    return _search(type_, [*request.args.items(multi=True), *request.form.items(multi=True)])


@blueprint.get("/<type_>/<identifier>")
@data_guarded
def read(type_: str, identifier: str) -> Response:
    found = _offered(type_)
    if found.content:
        return contents.read(found.content, type_, identifier)
    handler = found.read
    if handler is None:
        raise _lacking(type_, "read")
    _negotiate()
    with data_call(Interaction("read", type_, _named(type_, identifier))) as call:
        stored = handler(call, identifier)
        call.served(transactions.counts_of([stored]), [stored.id])
        text = stored.text()
    if versions.is_unchanged(request.headers.get("If-None-Match"), stored.version):
        return _respond("", 304, _version_headers(stored))
    return _respond(text, 200, _version_headers(stored))


@blueprint.post("/<type_>")
@data_guarded
def create(type_: str) -> Response:
    found = _offered(type_)
    handler = found.create
    if handler is None:
        raise _lacking(type_, "create")
    _negotiate()

    def work(call: DataCall, body: Body) -> Answer:
        resource = _resource(body, type_)
        stored = handler(call, resource, request.headers.get("If-None-Exist", ""))
        call.served({stored.category: int(stored.created)}, [stored.id])
        answer = Answer(201 if stored.created else 200, stored.text(), (stored.category,), stored.reference)
        return _versioned(answer, stored)

    with received_body(attachments=found.attachments) as body:
        return _once(Interaction("create", type_, _named_in(body)), body, work)


@blueprint.put("/<type_>/<identifier>")
@data_guarded
def update(type_: str, identifier: str) -> Response:
    handler = _offered(type_).update
    if handler is None:
        raise _lacking(type_, "update")
    _negotiate()
    return _update("update", type_, identifier, handler, type_)


@blueprint.patch("/<type_>/<identifier>")
@data_guarded
def patch(type_: str, identifier: str) -> Response:
    """A FHIRPath Patch (FHIR R4 §3.1.0.6)."""
    handler = _offered(type_).patch
    if handler is None:
        raise _lacking(type_, "patch")
    _negotiate()
    return _update("patch", type_, identifier, handler, "Parameters")


@blueprint.delete("/<type_>/<identifier>")
@data_guarded
def delete(type_: str, identifier: str) -> Response:
    """A logical deletion (FHIR R4 §3.1.0.7)."""
    handler = _offered(type_).delete
    if handler is None:
        raise _lacking(type_, "delete")
    wanted = versions.matched_version(request.headers.get("If-Match"))
    with data_call(Interaction("delete", type_, _named(type_, identifier))) as call:
        stored = handler(call, identifier, wanted)
        call.served(transactions.counts_of([stored]), [stored.id])
    return _respond("", 204, {"ETag": versions.etag(stored.version)})


@blueprint.get("/<type_>/<identifier>/_history")
@data_guarded
def history(type_: str, identifier: str) -> Response:
    """The versions of one resource (FHIR R4 §3.1.0.12), the newest first."""
    handler = _offered(type_).history
    if handler is None:
        raise _lacking(type_, "history")
    _negotiate()
    with data_call(Interaction("history", type_, _named(type_, identifier))) as call:
        found = handler(call, identifier)
        call.served(transactions.counts_of(found[:1]), [identifier])
        text = bundles.history(found, _base())
    return _respond(text)


@blueprint.post("/", strict_slashes=False)
@data_guarded
def bundle() -> Response:
    """A transaction (all or nothing) or a batch (each entry alone)."""
    _negotiate()

    def work(call: DataCall, body: Body) -> Answer:
        document = body.attach(wire.read(body.text, most_elements=transactions.MOST_ELEMENTS))
        kind, entries = transactions.read_bundle(document)
        perform = transactions.perform if kind == "transaction" else transactions.perform_batch
        outcomes = perform(call, entries)
        counts = transactions.counts_of(outcomes)
        call.served(counts, [outcome.id for outcome in outcomes if isinstance(outcome, Stored)])
        return Answer(200, bundles.response(kind, outcomes), tuple(counts))

    with received_body(attachments=True) as body:
        return _once(Interaction("transaction", "Bundle", _named_in(body)), body, work)


def _update(name: str, type_: str, identifier: str, handler: Update, body_type: str) -> Response:
    interaction = Interaction(name, type_, _named(type_, identifier))
    wanted = versions.matched_version(request.headers.get("If-Match"))
    with received_body(attachments=False) as body, data_call(interaction) as call:
        stored = handler(call, identifier, _resource(body, body_type), wanted)
        call.served(transactions.counts_of([stored]), [stored.id])
        text = stored.text()
    return _respond(text, 201 if stored.created else 200, _version_headers(stored))


def _search(type_: str, pairs: list[tuple[str, str]]) -> Response:
    found = _offered(type_)
    if found.search is None:
        raise _lacking(type_, "search")
    _negotiate()
    with data_call(Interaction("search", type_, partial(subjects.named_in_parameters, pairs))) as call:
        query = _query(found, pairs)
        page = found.search(call, query)
        call.served(page.counts, [match[1] for match in page.matches])
    return _respond(bundles.searchset(page, query.without(found.private), _base()))


def _lacking(type_: str, interaction: str) -> MethodNotAllowed:
    told = f"{type_} has no {interaction} of its own here: GET /fhir/metadata lists what each type may do."
    return MethodNotAllowed(description=told)


def _check_address(found: ResourceType) -> None:
    """Raise `Malformed` (`private-in-address`) when an address says who somebody is: logs keep addresses."""
    if given := sorted(found.private.intersection(request.args)):
        message = f"{', '.join(given)} must not stand in an address: POST a form to /fhir/{found.name}/_search."
        raise Malformed(message, code="private-in-address")


def _named(type_: str, identifier: str) -> Callable[[], Collection[str]]:
    return partial(subjects.named_in_read, type_, identifier, list(request.args.items(multi=True)))


def _named_in(body: Body) -> Callable[[], Collection[str]]:
    return partial(subjects.named_in_body, body.text)


def _once(interaction: Interaction, body: Body, work: Callable[[DataCall, Body], Answer]) -> Response:
    """Perform a write once for each `Idempotency-Key`; without the header, simply perform it.

    A repeated request passes the same guard as the first before it gets the same answer.
    """
    key = request.headers.get("Idempotency-Key")
    with data_call(interaction) as call:
        claim = idempotency.claim(call, key, (b"POST", request.path.encode(), body.text)) if key is not None else None
        if claim and claim.answer:
            answer = claim.answer
            if answer.categories:
                call.require(answer.categories, Access.WRITE)
            call.served({})
        else:
            answer = work(call, body)
            if claim:
                claim.keep(answer)
    return _answer(answer)


def _answer(answer: Answer) -> Response:
    headers = {}
    if answer.location:
        headers["Location"] = f"{_base()}/{answer.location}"
    if answer.version is not None:
        headers["ETag"] = versions.etag(answer.version)
    minimal = answer.location and "return=minimal" in request.headers.get("Prefer", "")
    return _respond("" if minimal else answer.text, answer.status, headers)


def _versioned(answer: Answer, stored: Stored) -> Answer:
    return Answer(answer.status, answer.text, answer.categories, answer.location, stored.version)


def _version_headers(stored: Stored) -> dict[str, str]:
    return {"ETag": versions.etag(stored.version), "Last-Modified": http_date(stored.updated_at)}


def _query(found: ResourceType, pairs: list[tuple[str, str]]) -> Query:
    return read_query(
        found.name,
        pairs,
        known=[parameter.name for parameter in found.parameters],
        includes=found.includes,
        strict="handling=strict" in request.headers.get("Prefer", ""),
    )


def _resource(body: Body, type_: str) -> dict[str, Any]:
    resource = body.attach(wire.read(body.text))
    if not isinstance(resource, dict) or resource.get("resourceType") != type_:
        raise Malformed(f"The body must be a resource of type {type_}.")
    return resource


def _offered(type_: str) -> ResourceType:
    found = registry.types.get(type_)
    if found is None:
        raise NotFound(f"This server has no resource of type {type_}.")
    return found


def _negotiate() -> None:
    """Refuse with 406 a caller that reads no JSON (FHIR R4 §3.1.0.1.10); `_format` wins over `Accept`."""
    wanted = request.args.get("_format") or request.headers.get("Accept")
    if wanted and not any(readable in wanted for readable in _WRITTEN_TYPES):
        raise NotAcceptable("This server writes application/fhir+json only.")


def _base() -> str:
    return f"{config.current().base_url}/fhir"


def _respond(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    response = Response(text, status, mimetype=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    if headers:
        response.headers.extend(headers)
    return response
