"""Clients written by others: scripts run by Node, and the sandbox credentials that every client starts from."""

import hashlib
import json
import logging
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE
from typing import Any
from uuid import UUID

import pytest
import requests
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask
from requests.auth import AuthBase

from consent.workflow import Answer
from identity_core.service.seeding import create_synthetic_patients
from oauth.cli import demo
from platform_app.factory import PACKAGES
from platform_core.database import transaction
from tests.node import find_node, has_clients
from tests.oauth.partner import answer_as
from tests.store.conftest import people

__all__ = ["people"]

HERE = Path(__file__).parent
IN_JAVASCRIPT = ["test_openid_client.py", "test_oauth4webapi.py", "test_fhirclient_in_a_browser.py"]
LOGGERS = {*PACKAGES, "flask", "werkzeug", "authlib", "joserfc", "celery", "psycopg", "sqlalchemy"}
"""What logs on the platform's side; the clients of these tests run in the same process and have loggers of theirs."""
HASHED = {
    "oauth_token": ["token_hash"],
    "oauth_code": ["code_hash"],
    "oauth_authorization_request": ["request_uri_hash"],
    "oauth_device": ["device_code_hash"],
    "identity_session": ["token_hash"],
}
Settings = dict[str, Any]
Script = Callable[..., dict[str, Any]]
DETAILS = [
    {
        "type": "urn:ens:health-data",
        "datatypes": ["measures.body-weight"],
        "actions": ["read", "write"],
        "purpose": "prevention",
    }
]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without Node the scripts are left out of a run, not out of a list of the tests."""
    left_out = collection_path.name in IN_JAVASCRIPT and not has_clients() and not config.option.collectonly
    return True if left_out else None


def decide(settings: Settings, own: AuthBase, question: dict[str, str]) -> str:
    """The first synthetic patient grants; `own` presents the app's own token. Returns the address of return."""
    base = f"{settings['issuer']}/api/v1/sandbox"
    patients = requests.get(f"{base}/patients", auth=own, timeout=10).json()["patients"]
    body = {**question, "patient": patients[0]["id"], "decision": "grant"}
    answer = requests.post(f"{base}/decisions", json=body, auth=own, timeout=10)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["redirect_to"])


def assert_used(verdict: dict[str, Any], settings: Settings, token_type: str) -> None:
    """A grant was used whole: data, userinfo, refresh, introspection, and nothing left after revocation."""
    tokens, refreshed, before = verdict["tokens"], verdict["refreshed"], verdict["before"]
    assert verdict["search"] == 200
    assert tokens["token_type"] == refreshed["token_type"] == token_type
    assert tokens["patient"] == refreshed["patient"] == before["patient"]
    assert verdict["claims"]["sub"] == verdict["userinfo"]["sub"] == before["sub"]
    assert verdict["claims"]["fhirUser"].startswith(f"{settings['issuer']}/fhir/")
    assert before["active"] is True
    assert (before["client_id"], before["scope"]) == (settings["client_id"], tokens["scope"])
    assert verdict["after"] == {"active": False}


@pytest.fixture
def silent_logs(app: Flask, owner: sa.Engine, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No word that the platform logs while a client is served is a secret of which it keeps the hash."""
    for name in LOGGERS - {"sqlalchemy"}:
        caplog.set_level(logging.DEBUG, name)
    yield
    records = [record for record in caplog.get_records("call") if record.name.partition(".")[0] in LOGGERS]
    words = set(re.findall(r"[\w-]{16,}", "\n".join(f"{record.__dict__} {record.getMessage()}" for record in records)))
    with owner.connect() as connection:
        kept = {
            bytes(found)
            for table, columns in HASHED.items()
            for column in columns
            for found in connection.execute(sa.text(f"SELECT {column} FROM {table}")).scalars()
        }
    assert kept
    assert [word for word in words if hashlib.sha256(word.encode()).digest() in kept] == []


@pytest.fixture
def new_client(app: Flask, live_server: str, silent_logs: None, tmp_path: Path) -> Callable[..., Settings]:
    """`new_client("--profile", "smart")`: what `ens demo client` writes for a sandbox client."""
    with transaction():
        create_synthetic_patients()

    def make(*options: str) -> Settings:
        out = tmp_path / "client.json"
        CliRunner().invoke(demo, ["client", "--out", str(out), *options], catch_exceptions=False)
        return dict(json.loads(out.read_text()))

    return make


@pytest.fixture
def run_script() -> Script:
    """`run_script("openid_client.mjs", "fapi2", settings)`: the verdict that the script prints.

    A script that shows an address first is given back what `visit(address)` returns.
    """

    def run(script: str, flow: str, settings: Settings, visit: Callable[[str], str] | None = None) -> dict[str, Any]:
        command = [find_node() or "node", str(HERE / script), flow]
        with subprocess.Popen(command, text=True, stdin=PIPE, stdout=PIPE, stderr=PIPE) as process:
            assert process.stdin and process.stdout
            print(json.dumps(settings), file=process.stdin, flush=True)
            if visit and (address := process.stdout.readline()):
                print(visit(address.strip()), file=process.stdin, flush=True)
            said, complaint = process.communicate(timeout=60)
        assert process.returncode == 0, complaint
        return dict(json.loads(said))

    return run


@pytest.fixture
def visit(app: Flask) -> Callable[[str], str]:
    """`visit(address)`: a synthetic patient grants what the address asks; where the browser is sent in the end."""

    def answer(address: str) -> str:
        browser = app.test_client()
        question = browser.get(address)
        while "/consentement/" not in question.headers["Location"]:
            question = browser.get(question.headers["Location"])
        request_id = UUID(question.headers["Location"].rsplit("/", 1)[1])
        with transaction():
            patient = create_synthetic_patients()[0]
        return browser.get(answer_as(patient, request_id, Answer.GRANT)).headers["Location"]

    return answer
