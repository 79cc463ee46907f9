"""What exists on a development machine only."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from identity_core.gateway.ins import NoInsTeleservice, SimulatedInsTeleservice, teleservice
from notification_core.gateway import Mailbox, SmtpMailer, mailer
from platform_app.simulated import wiring as simulated
from platform_core.config import Config, configure
from platform_core.errors import ConfigurationError, Unavailable


@pytest.fixture
def production(config: Config) -> Iterator[Config]:
    """The settings of production, for the time of a test."""
    settings = replace(config, env="production", base_url="https://espace.example", smtp_url="")
    configure(settings)
    yield settings
    configure(config)


def test_simulated_providers_refuse_production(production: Config) -> None:
    with pytest.raises(ConfigurationError):
        simulated.init_app(Flask("empty"))


def test_the_simulated_teleservice_is_not_used_in_production(app: Flask, production: Config) -> None:
    assert isinstance(teleservice(), NoInsTeleservice)


def test_emails_wait_in_production_until_a_server_is_named(production: Config) -> None:
    with pytest.raises(Unavailable):
        mailer()
    configure(replace(production, smtp_url="smtps://user:secret@mail.example"))
    assert isinstance(mailer(), SmtpMailer)


def test_a_development_machine_has_both(app: Flask) -> None:
    assert isinstance(teleservice(), SimulatedInsTeleservice)
    assert isinstance(mailer(), Mailbox)
    assert "mailbox" in app.blueprints


def test_the_cookie_of_an_https_site_is_bound_to_its_host(app: Flask, production: Config) -> None:
    header = app.test_client().get("/connexion", base_url="https://espace.example").headers["Set-Cookie"]
    assert header.startswith("__Host-ens=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in header.split(";")}
