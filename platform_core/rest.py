"""The REST API of the platform (`/api/v1`) on flask-smorest: one `Api`, problem+json errors, OpenAPI 3.1."""

from typing import Any

import flask_smorest
from flask import Flask, Request, Response, jsonify
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import HTTPException

from platform_core import renderers
from platform_core.errors import Malformed
from platform_core.web import public, request_id

SETTINGS = {
    "API_TITLE": "Espace numérique de santé",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.1.0",
    "OPENAPI_URL_PREFIX": "/api/v1",
    "OPENAPI_JSON_PATH": "openapi.json",
}


class Api(flask_smorest.Api):
    """flask-smorest with our error body; the `Allow` header of a 405 is kept."""

    def _register_error_handlers(self) -> None:
        """The composition root renders every error by path: nothing to register here."""


class Parser(FlaskParser):
    """webargs' reader, which lets some unreadable bodies through as faults: nested too deeply, numbers without end."""

    def _raw_load_json(self, req: Request) -> Any:
        try:
            return super()._raw_load_json(req)
        except (RecursionError, ValueError):
            raise Malformed("The body cannot be read as JSON.", code="invalid-json") from None


class Blueprint(flask_smorest.Blueprint):
    """flask-smorest's blueprint, with that reader."""

    ARGUMENTS_PARSER = Parser()


def blueprint(name: str, import_name: str, description: str) -> Blueprint:
    """A blueprint of the API, mounted at `/api/v1`."""
    return Blueprint(name, import_name, url_prefix="/api/v1", description=description)


api = Api()


def init_rest(app: Flask) -> None:
    """Attach the API to the application. Called before the rooms register their blueprints."""
    app.config.update(SETTINGS)
    api.init_app(app)
    document = "api-docs.openapi_json"
    app.view_functions[document] = public("the interface is published")(app.view_functions[document])


def http_problem(error: HTTPException) -> Response:
    """A framework error (404 of the router, 405, 422 of a schema) as problem+json."""
    status = error.code or 500
    data: dict[str, Any] = getattr(error, "data", None) or {}
    code = {404: "not-found", 405: "method-not-allowed", 413: "too-large", 415: "unsupported-type", 422: "invalid"}
    body = renderers.problem_body(status, code.get(status, "invalid-request"), error.description or "", request_id())
    body["errors"] = [
        {"field": path, "code": "invalid", "message": message}
        for path, message in _messages(data.get("messages") or {})
    ]
    response = jsonify(body)
    response.status_code = status
    response.mimetype = "application/problem+json"
    response.headers.extend({k: v for k, v in error.get_headers() if k in {"Allow", "WWW-Authenticate", "Retry-After"}})
    return response


def _messages(found: Any, path: str = "") -> list[tuple[str, str]]:
    """Flatten marshmallow's nested messages into (path, message) pairs; the location level (`json`) is dropped."""
    if isinstance(found, dict):
        nested = (
            _messages(value, path if not path and key in {"json", "query", "form"} else f"{path}.{key}".strip("."))
            for key, value in found.items()
        )
        return [pair for pairs in nested for pair in pairs]
    return [(path, str(message)) for message in (found if isinstance(found, list) else [found])]
