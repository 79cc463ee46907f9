"""Errors as answers: the protocol is that of the path, the words are those of the error."""

import logging
import traceback

import orjson
import sqlalchemy as sa
from flask import Flask, Response, render_template, request
from flask_babel import gettext
from werkzeug.exceptions import HTTPException

from platform_core import errors, renderers, rest
from platform_core.web import request_id

_log = logging.getLogger(__name__)
_BROWSER_PATHS = ("/oauth/authorize", "/oauth/end_session")


def init_errors(app: Flask) -> None:
    """Register the three handlers: domain errors, framework errors, faults of the program."""
    app.register_error_handler(errors.DomainError, render_domain_error)
    app.register_error_handler(HTTPException, render_http_error)
    app.register_error_handler(Exception, render_fault)


def render_domain_error(error: errors.DomainError) -> Response:
    """A refusal of a service, in the protocol of the path."""
    protocol = _protocol()
    if protocol == "page":
        return _page(renderers.status_of(error), error.message, renderers.headers_of(error), error.code)
    if protocol == "fhir":
        rendered = renderers.operation_outcome(error)
    elif protocol == "oauth":
        rendered = renderers.oauth_error(error)
    else:
        rendered = renderers.problem(error, request_id())
    response = Response(orjson.dumps(rendered.body), rendered.status, mimetype=rendered.media_type)
    response.headers.extend(rendered.headers)
    return response


def render_http_error(error: HTTPException) -> Response:
    """An error of the framework: no such route, wrong method, unreadable body."""
    if error.response is not None:
        return error.response  # type: ignore[return-value]
    protocol = _protocol()
    if protocol == "api":
        return rest.http_problem(error)
    if protocol == "page":
        return _page(error.code or 500, "", {k: v for k, v in error.get_headers() if k == "Allow"})
    response = render_domain_error(_as_domain_error(error))
    response.status_code = error.code or 500
    response.headers.extend({k: v for k, v in error.get_headers() if k == "Allow"})
    return response


def render_fault(error: Exception) -> Response:
    """A fault of the program: logged with its trace, told without details."""
    _log_fault(error)
    protocol = _protocol()
    if protocol == "page":
        return _page(500, "", {})
    body = renderers.problem_body(500, "internal-error", "The server failed. Nothing was written.", request_id())
    media = "application/problem+json"
    if protocol == "fhir":
        rendered = renderers.operation_outcome(errors.DomainError(body["detail"], code="internal-error"))
        body, media = rendered.body, rendered.media_type
    elif protocol == "oauth":
        body, media = {"error": "server_error", "error_description": body["detail"]}, "application/json"
    return Response(orjson.dumps(body), 500, mimetype=media)


def _log_fault(error: Exception) -> None:
    """The trace, but no words of the database: PostgreSQL quotes the row at fault, which may be a measure."""
    if not isinstance(error, sa.exc.DBAPIError):
        _log.error("Request %s failed.", request_id(), exc_info=error)
        return
    state = getattr(error.orig, "sqlstate", "")
    trace = "".join(traceback.format_tb(error.__traceback__))
    _log.error("Request %s failed: %s, SQLSTATE %s\n%s", request_id(), type(error.orig).__name__, state, trace)


def _as_domain_error(error: HTTPException) -> errors.DomainError:
    kinds: dict[int | None, type[errors.DomainError]] = {
        404: errors.NotFound,
        413: errors.TooLarge,
        415: errors.UnsupportedType,
        429: errors.TooManyRequests,
    }
    return kinds.get(error.code, errors.Malformed)(error.description or "")


def _protocol() -> str:
    path = request.path
    if path.startswith("/fhir"):
        return "fhir"
    if path.startswith("/api/"):
        return "api"
    if path.startswith("/oauth/") and not path.startswith(_BROWSER_PATHS):
        return "oauth"
    return "page"


def _page(status: int, message: str, headers: dict[str, str], code: str = "") -> Response:
    by_code = {
        "other-record": gettext("Cette page concernait un autre dossier"),
        "outside-mandate": gettext("Votre mandat ne va pas jusque-là"),
    }
    title = by_code.get(code) or {
        400: gettext("Demande illisible"),
        401: gettext("Connexion nécessaire"),
        403: gettext("Accès refusé"),
        404: gettext("Page introuvable"),
        409: gettext("Quelqu’un d’autre est passé avant"),
        413: gettext("Envoi trop volumineux"),
        429: gettext("Trop de demandes"),
        503: gettext("Service momentanément indisponible"),
    }.get(status, gettext("Une erreur est survenue"))
    known = {"status": status, "code": code, "title": title, "message": message}
    body = render_template("error.html", **known, request_id=request_id())
    response = Response(body, status, mimetype="text/html")
    response.headers.extend(headers)
    return response
