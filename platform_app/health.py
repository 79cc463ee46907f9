"""Whether the process lives, whether it can serve, and what it has served: for supervisors, never for people."""

import hmac
import os
import time
from collections.abc import Callable
from functools import cache

import redis
import sqlalchemy as sa
from flask import Blueprint, Flask, Response, g, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from platform_app import database_admin
from platform_core import config
from platform_core.database import db, transaction
from platform_core.errors import DomainError, NotFound
from platform_core.web import guard, public

blueprint = Blueprint("health", __name__)

# A caller may invent methods: each would be a series of its own.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
REQUESTS = Counter("ens_http_requests", "Requests answered.", ["method", "endpoint", "status"])
SECONDS = Histogram(
    "ens_http_request_seconds",
    "Time to answer a request.",
    ["endpoint"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


def init_health(app: Flask) -> None:
    """Serve the health routes and count every request. Labels are route names: no address, no person."""
    app.register_blueprint(blueprint)
    app.before_request(_start)
    app.after_request(_count)


def _start() -> None:
    g.started = time.perf_counter()


def _count(response: Response) -> Response:
    endpoint = request.endpoint or "none"
    method = request.method if request.method in _METHODS else "other"
    REQUESTS.labels(method, endpoint, response.status_code).inc()
    SECONDS.labels(endpoint).observe(time.perf_counter() - g.get("started", time.perf_counter()))
    return response


@blueprint.get("/health/live")
@public("a supervisor asks whether the process answers")
def live() -> Response:
    """200 while the process answers."""
    return jsonify(status="live")


@blueprint.get("/health/ready")
@public("a load balancer asks whether to send people here; no detail is told")
def ready() -> tuple[Response, int]:
    """200 when every part works, else 503 with the names of the parts that do not."""
    failing = [name for name, check in CHECKS.items() if not check()]
    if failing:
        return jsonify(status="failing", failing=failing), 503
    return jsonify(status="ready"), 200


def _metrics_allowed() -> None:
    """The bearer of ENS_METRICS_TOKEN, or, while none is set, a caller on this very machine."""
    expected = config.current().metrics_token
    if expected:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        allowed = hmac.compare_digest(given.encode(), expected.encode())
    else:
        allowed = request.remote_addr in ("127.0.0.1", "::1") and "X-Forwarded-For" not in request.headers
    if not allowed:
        raise NotFound("There is no such page.")


@blueprint.get("/metrics")
@guard("metrics token, or the machine itself", _metrics_allowed)
def metrics() -> Response:
    """Figures of all processes of this server, in the text format of Prometheus."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _database_answers() -> bool:
    try:
        with transaction() as session:
            return bool(session.execute(sa.text("SELECT true")).scalar())
    except DomainError:
        return False


def _migrations_applied() -> bool:
    try:
        with transaction():
            return database_admin.current(db.session.connection()) == _head()
    except (DomainError, sa.exc.ProgrammingError):
        return False


@cache
def _head() -> str | None:
    return database_admin.head()


def _broker_answers() -> bool:
    try:
        with redis.Redis.from_url(config.current().redis_url, socket_timeout=1, socket_connect_timeout=1) as broker:
            return bool(broker.ping())
    except redis.RedisError:
        return False


CHECKS: dict[str, Callable[[], bool]] = {
    "database": _database_answers,
    "broker": _broker_answers,
    "migrations": _migrations_applied,
}
