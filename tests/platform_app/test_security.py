"""Headers of every answer, and limits on how often one may call."""

import dataclasses

import pytest
from flask import Flask, jsonify, request
from flask.views import MethodView

from platform_app.errors import init_errors
from platform_app.factory import create_app
from platform_app.localisation import init_babel
from platform_app.security import content_security_policy, init_security
from platform_core.config import Config, IdentityProvider, configure
from platform_core.database import db
from platform_core.web import public, rate_limit


def _app(config: Config) -> Flask:
    app = Flask(__name__)
    app.config["SECRET_KEY"] = config.secret_key
    init_babel(app)
    init_errors(app)
    init_security(app, config)

    @app.get("/api/rare")
    @public("an example of a limited view")
    @rate_limit("2 per minute")
    def rare() -> object:
        return jsonify(ok=True)

    class Rare(MethodView):
        @rate_limit("1 per minute")
        def get(self) -> object:
            return jsonify(ok=True)

    app.add_url_rule("/api/class", view_func=Rare.as_view("class"))
    app.add_url_rule("/oauth/authorize", "authorize", lambda: "page")
    app.add_url_rule("/page", "page", public("an example of a page")(lambda: "page"))
    app.add_url_rule("/private", "private", lambda: "page")
    return app


@pytest.fixture
def limited(app: Flask, config: Config) -> Flask:
    return _app(config)


def test_nothing_runs_inline_and_nobody_frames_the_pages(limited: Flask) -> None:
    headers = limited.test_client().get("/page").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_forms_may_end_at_the_identity_providers_and_nowhere_else(config: Config) -> None:
    provider = IdentityProvider("https://idp.example/realm", "ens", "secret", False)
    policy = content_security_policy(dataclasses.replace(config, citizen_idp=provider))
    assert policy.endswith("form-action 'self' https://idp.example")
    assert content_security_policy(config).endswith("form-action 'self'")


@pytest.mark.parametrize(("base_url", "sent"), [("https://ens.example", True), ("http://127.0.0.1:8000", False)])
def test_https_is_kept_once_it_is_there(app: Flask, config: Config, base_url: str, sent: bool) -> None:
    response = _app(dataclasses.replace(config, base_url=base_url)).test_client().get("/page")
    assert ("Strict-Transport-Security" in response.headers) is sent


@pytest.mark.parametrize(
    ("path", "cache", "referrer"),
    [
        ("/page", "private, no-cache", "same-origin"),
        ("/private", "no-store", "same-origin"),
        ("/oauth/authorize", "no-store", "no-referrer"),
        ("/api/rare", "no-store", None),
        ("/api/nothing", "no-store", None),
    ],
)
def test_only_public_pages_may_be_kept_and_no_secret_address_is_passed_on(
    limited: Flask, path: str, cache: str, referrer: str | None
) -> None:
    headers = limited.test_client().get(path).headers
    assert (headers["Cache-Control"], headers.get("Referrer-Policy")) == (cache, referrer)


def test_a_limited_view_refuses_the_call_too_many_and_says_when_to_come_back(limited: Flask) -> None:
    client = limited.test_client()
    assert [client.get("/api/rare").status_code for _ in range(3)] == [200, 200, 429]
    refused = client.get("/api/rare")
    assert refused.json["code"] == "rate-limited"
    assert 1 <= int(refused.headers["Retry-After"]) <= 61


def test_a_class_declares_the_limit_of_each_method(limited: Flask) -> None:
    client = limited.test_client()
    assert [client.get("/api/class").status_code for _ in range(2)] == [200, 429]


def test_callers_are_counted_apart_by_their_tokens(limited: Flask) -> None:
    client = limited.test_client()
    tokens = ["Bearer a", "Bearer a", "Bearer a", "Bearer b"]
    answers = [client.get("/api/rare", headers={"Authorization": token}).status_code for token in tokens]
    assert answers == [200, 200, 429, 200]


def test_limits_hold_in_the_process_while_redis_is_away(app: Flask, config: Config) -> None:
    client = _app(dataclasses.replace(config, redis_url="redis://127.0.0.1:1/0")).test_client()
    assert [client.get("/api/rare").status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize(("proxies", "seen"), [(0, "127.0.0.1"), (1, "203.0.113.7"), (2, "198.51.100.9")])
def test_only_as_many_forwarded_addresses_are_believed_as_there_are_proxies(
    application: Flask, config: Config, proxies: int, seen: str
) -> None:
    behind = create_app(dataclasses.replace(config, trusted_proxies=proxies))
    forwarded = {"X-Forwarded-For": "192.0.2.1, 198.51.100.9, 203.0.113.7"}
    try:
        with behind.test_client() as client:
            client.get("/health/live", headers=forwarded)
            assert request.remote_addr == seen
    finally:
        configure(config)
        with behind.app_context():
            for engine in db.engines.values():
                engine.dispose()
