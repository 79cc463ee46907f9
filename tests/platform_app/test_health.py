"""Supervisors learn whether the platform can serve, and which part fails; nobody learns more."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from platform_app.factory import create_app
from platform_core.config import Config, configure

CLOSED = "127.0.0.1:9"


@pytest.fixture
def with_settings(application: Flask, config: Config) -> Iterator[type[Config]]:
    """The process goes back to its own settings and Celery application after the test."""
    yield Config
    configure(config)
    application.extensions["celery"].set_default()


def test_a_process_that_answers_is_live(client: FlaskClient) -> None:
    assert client.get("/health/live").json == {"status": "live"}


def test_everything_in_place_is_ready(client: FlaskClient) -> None:
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json) == (200, {"status": "ready"})


def test_a_missing_broker_is_named(client: FlaskClient, config: Config, with_settings: object) -> None:
    configure(replace(config, redis_url=f"redis://{CLOSED}/0"))
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json["failing"]) == (503, ["broker"])


def test_a_missing_database_is_named_and_the_process_stays_live(config: Config, with_settings: object) -> None:
    client = create_app(replace(config, database_url=f"postgresql://ens_app@{CLOSED}/ens")).test_client()
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json["failing"]) == (503, ["database", "migrations"])
    assert client.get("/health/live").status_code == 200


def test_an_old_schema_is_named(client: FlaskClient, owner: sa.Engine) -> None:
    with owner.begin() as connection:
        head = connection.execute(sa.text("SELECT version_num FROM core_alembic_version")).scalar_one()
        connection.execute(sa.text("UPDATE core_alembic_version SET version_num = '0000'"))
    answer = client.get("/health/ready")
    with owner.begin() as connection:
        connection.execute(sa.text("UPDATE core_alembic_version SET version_num = :head"), {"head": head})
    assert (answer.status_code, answer.json["failing"]) == (503, ["migrations"])


def test_figures_name_routes_and_never_what_was_asked(client: FlaskClient) -> None:
    client.get("/health/live?ins=somebody")
    client.get("/somebody-s-page")
    figures = client.get("/metrics").text
    assert 'ens_http_requests_total{endpoint="health.live",method="GET",status="200"}' in figures
    assert "somebody" not in figures


def test_figures_are_for_this_machine_only(client: FlaskClient) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 404
    assert client.get("/metrics", environ_overrides={"REMOTE_ADDR": "192.0.2.1"}).status_code == 404


@pytest.mark.parametrize(("header", "status"), [("", 404), ("Bearer wrong", 404), ("Bearer secret", 200)])
def test_figures_ask_for_the_token_once_there_is_one(
    client: FlaskClient, config: Config, with_settings: object, header: str, status: int
) -> None:
    configure(replace(config, metrics_token="secret"))
    assert client.get("/metrics", headers={"Authorization": header}).status_code == status
