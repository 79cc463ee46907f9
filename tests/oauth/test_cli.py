"""`ens demo client` writes what an app needs, and nobody else may read it."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from joserfc.jwk import ECKey

from oauth import queries
from oauth.cli import demo
from platform_core import config
from platform_core.database import transaction
from platform_core.errors import NotFound
from tests.oauth.partner import Credentials, Partner
from tests.store.conftest import People, bring_to


def make(tmp_path: Path, *options: str) -> dict[str, Any]:
    out = tmp_path / "client.json"
    CliRunner().invoke(demo, ["client", "--out", str(out), *options], catch_exceptions=False)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    return dict(json.loads(out.read_text()))


def use(app: Flask, written: dict[str, Any]) -> Partner:
    with transaction():
        client = queries.find_client(written["client_id"])
    assert client
    key = written["private_key"]
    return Partner(app, Credentials(client, ECKey.import_key(key) if key else None))


@pytest.mark.parametrize("profile", ["fapi2", "smart"])
def test_a_ready_sandbox_client(app: Flask, tmp_path: Path, profile: str) -> None:
    written = make(tmp_path, "--profile", profile)
    assert set(written) == {
        "issuer",
        "client_id",
        "profile",
        "redirect_uri",
        "private_key",
        "authorization_details_ceiling",
    }
    assert (written["issuer"], written["profile"]) == (config.current().base_url, profile)
    partner = use(app, written)
    assert partner.client.is_sandbox
    assert partner.app_token()
    ceiling = written["authorization_details_ceiling"]
    assert {"oauthtest.weight", "oauthtest.bmi"} <= {code for detail in ceiling for code in detail["datatypes"]}
    assert partner.push(authorization_details=json.dumps(ceiling), scope="openid").status_code == 201


def test_a_public_client_has_no_key(app: Flask, tmp_path: Path) -> None:
    written = make(tmp_path, "--profile", "smart", "--public", "--redirect-uri", "https://a.exemple.fr/")
    assert (written["private_key"], written["redirect_uri"]) == (None, "https://a.exemple.fr/")
    assert use(app, written).client.is_public


def test_a_production_client_of_a_listed_application(app: Flask, tmp_path: Path, people: People) -> None:
    bring_to("listed", people)
    partner = use(app, make(tmp_path, "--application", "balance", "--redirect-uri", "https://a.exemple.fr/"))
    assert not partner.client.is_sandbox


def test_an_unknown_application_is_named(app: Flask, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="inconnue"):
        make(tmp_path, "--application", "inconnue")
