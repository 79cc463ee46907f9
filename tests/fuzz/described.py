"""An OpenAPI description of the FHIR API, for programs that try it: made of the CapabilityStatement and of what an app
would write."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dmp_core.categories import DOCUMENT_TYPES, KINDS
from platform_core.fhir.capability import statement
from tests.dmp_core import filing, test_entries
from tests.dmp_core.conftest import observation, pressure
from tests.fuzz import structures
from tests.fuzz.structures import Schema
from tests.fuzz.world import World

_WORD: Schema = {"type": "string", "maxLength": 30}
_DATES: Schema = {"type": "string", "pattern": f"^(eq|ge|gt|le|lt|sa|eb)?{structures.DATE[1:]}"}
_INSTANTS: Schema = {"type": "string", "pattern": f"^(eq|ge|gt|le|lt|sa|eb)?{structures.INSTANT[1:]}"}
_CRITERIA: Schema = {"enum": ["identifier=urn:oid:1.2|A", "identifier=A", "code=x", "", "_id=1", "identifier=é|\\,|"]}


def samples(world: World) -> dict[str, list[dict[str, Any]]]:
    """What an app would write, by type; the first of a type has the elements that it needs."""
    app: Any = world
    found = {type_: [test_entries.resource(app, type_)] for type_ in test_entries.WRITTEN}
    document = filing.document(app)
    cda = filing.document(app, content=filing.CDA, content_type="text/xml")
    measures = [observation(app), pressure(app), observation(app, code="8867-4", value=61, unit="/min")]
    return {
        **found,
        "Observation": [*measures, *found["Observation"]],
        "DocumentReference": [document, cda],
        "Device": [{"resourceType": "Device", "identifier": [{"system": "urn:exemple:serie", "value": "A1"}]}],
    }


def bundles(world: World) -> list[dict[str, Any]]:
    """Transactions and a batch that an app would send."""
    app: Any = world
    device = samples(world)["Device"][0]
    measure = observation(app, device={"reference": "urn:uuid:8e9f7f2c-0d3b-4a53-9d8c-0f4a1f1a2b3c"})
    paired = [filing.entry("urn:uuid:8e9f7f2c-0d3b-4a53-9d8c-0f4a1f1a2b3c", device), filing.entry("", measure)]
    several = [filing.entry("", one) for one in samples(world)["Observation"]]
    sent = (filing.comprehensive(app, "urn:uuid:content"), filing.TEXT)
    return [
        {"resourceType": "Bundle", "type": "transaction", "entry": paired},
        {"resourceType": "Bundle", "type": "batch", "entry": several},
        filing.submission(app, sent),
    ]


def description(world: World, known: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The whole API; `known` are ids of resources by their type."""
    written, paths = samples(world), {}
    for described in statement("http://localhost")["rest"][0]["resource"]:
        type_, offered = described["type"], {one["code"] for one in described["interaction"]}
        body = structures.resource(type_, written[type_]) if type_ in written else None
        ids: Schema = {"anyOf": [{"enum": [*known.get(type_, ()), *known["hostile"]]}, _WORD]}
        paths |= dict(_paths(type_, offered, list(_searches(world, described)), body, ids))
    paths["/fhir"] = {"post": _operation(_keys(), {"anyOf": [{"enum": [one]} for one in bundles(world)] + [_bundle()]})}
    return {"openapi": "3.1.0", "info": {"title": "FHIR", "version": "4.0.1"}, "paths": paths}


def _paths(
    type_: str, offered: set[str], searches: list[dict[str, Any]], body: Schema | None, ids: Schema
) -> Iterator[tuple[str, dict[str, Any]]]:
    identifier = {"name": "id", "in": "path", "required": True, "schema": ids}
    collection: dict[str, Any] = {"get": _operation([*searches, *_preferences()])} if "search-type" in offered else {}
    if body and "create" in offered:
        collection["post"] = _operation([*_keys(), _header("If-None-Exist", _CRITERIA)], body)
    if collection:
        yield f"/fhir/{type_}", collection
    if "search-type" in offered:
        form = {"type": "object", "properties": {one["name"]: one["schema"] for one in searches}}
        yield f"/fhir/{type_}/_search", {"post": _operation([], form, "application/x-www-form-urlencoded")}
    versions = _header("If-Match", {"enum": ['W/"1"', 'W/"2"', "1", "", "*", 'W/"9999999999999999999999"']})
    instance: dict[str, Any] = {}
    if "read" in offered:
        ranges = _header("Range", {"type": "string", "pattern": "^bytes=[0-9]{0,4}-[0-9]{0,22}(,[0-9]-)?$"})
        instance["get"] = _operation([identifier, ranges, _header("If-None-Match", {"enum": ['W/"1"', "*", "x"]})])
    if "update" in offered and body:
        instance["put"] = _operation([identifier, versions], body)
    if "patch" in offered:
        instance["patch"] = _operation([identifier, versions], _patches())
    if "delete" in offered:
        instance["delete"] = _operation([identifier, versions])
    if instance:
        yield f"/fhir/{type_}/{{id}}", instance
    if "history-instance" in offered:
        yield f"/fhir/{type_}/{{id}}/_history", {"get": _operation([identifier])}


def _searches(world: World, described: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    subjects: Schema = {"enum": [f"Patient/{world.patient_reference}", f"Patient/{world.other_reference}", "Patient/"]}
    codes = ["|".join(kind.coding) for kind in KINDS.values()]
    codes += [f"{filing.LOINC}|{code}" for code in list(DOCUMENT_TYPES)[:20]]
    by_type: dict[str, Schema] = {
        "token": {"anyOf": [{"enum": [*codes, "|", "x|", "|x", "a,b", ",", "final", "current"]}, _WORD]},
        "date": {"anyOf": [_DATES, _INSTANTS, _WORD]},
        "reference": {"anyOf": [subjects, _WORD]},
        "string": {"anyOf": [{"enum": ["œdème", '"', "-", '-"a b"', "a*", "tension & !pouls | (x)"]}, _WORD]},
    }
    for parameter in described.get("searchParam", ()):
        yield {"name": parameter["name"], "in": "query", "schema": by_type[parameter["type"]]}
    sorts = ["date", "-date", "_lastUpdated", "-_lastUpdated", "code"]
    controls: dict[str, Schema] = {
        "_count": {"anyOf": [{"type": "integer"}, _WORD]},
        "_offset": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 3}, {"type": "integer"}]},
        "_sort": {"anyOf": [{"enum": sorts}, _WORD]},
        "_total": {"enum": ["none", "accurate", "estimate", "x"]},
        "_include": {"enum": [*described.get("searchInclude", ()), "*", "Observation:subject"]},
        "_format": {"enum": ["json", "application/fhir+json", "xml"]},
    }
    yield from ({"name": name, "in": "query", "schema": schema} for name, schema in controls.items())


def _bundle() -> Schema:
    entry = {
        "type": "object",
        "properties": {
            "fullUrl": _WORD,
            "resource": {"type": "object"},
            "request": {
                "type": "object",
                "properties": {"method": {"enum": ["POST", "PUT", "PATCH"]}, "url": _WORD, "ifNoneExist": _CRITERIA},
            },
        },
    }
    properties = {
        "resourceType": {"const": "Bundle"},
        "type": {"enum": ["transaction", "batch", "collection"]},
        "entry": {"type": "array", "items": entry, "maxItems": 4},
    }
    return {"type": "object", "properties": properties, "required": ["resourceType", "type", "entry"]}


def _patches() -> Schema:
    """Changes that an author may ask, and Parameters of any kind."""
    hide = {"valueCodeableConcept": filing.label("MASQUE_PS")}
    asked = [
        filing.patch(filing.operation("replace", "DocumentReference.status", value={"valueCode": "superseded"})),
        filing.patch(filing.operation("add", "DocumentReference", "securityLabel", hide)),
        filing.patch(filing.operation("delete", "DocumentReference.securityLabel")),
    ]
    return {"anyOf": [{"enum": asked}, structures.resource("Parameters", [asked[0]])]}


def _operation(parameters: list[dict[str, Any]], body: Schema | None = None, media: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {"parameters": parameters, "responses": {"200": {"description": "Served"}}}
    if body:
        found["requestBody"] = {"required": True, "content": {media or "application/fhir+json": {"schema": body}}}
    return found


def _keys() -> list[dict[str, Any]]:
    keys: Schema = {"anyOf": [{"enum": ["a", "b", "", "x" * 300]}, {"type": "string", "pattern": "^[ -~]{1,20}$"}]}
    return [_header("Idempotency-Key", keys), *_preferences()]


def _preferences() -> list[dict[str, Any]]:
    return [_header("Prefer", {"enum": ["handling=strict", "return=minimal", "handling=strict; return=minimal"]})]


def _header(name: str, schema: Schema) -> dict[str, Any]:
    return {"name": name, "in": "header", "schema": schema}
