"""Settings: production refuses to start with what is fit for development only, and says what is missing."""

import base64
import os
import stat

import pytest

from platform_core.config import from_environ
from platform_core.errors import ConfigurationError

KEY = base64.urlsafe_b64encode(bytes(32)).decode()
PRODUCTION = {
    "ENS_ENV": "production",
    "ENS_BASE_URL": "https://ens.example",
    "ENS_DATABASE_URL": "postgresql://a",
    "ENS_BATCH_DATABASE_URL": "postgresql://b",
    "ENS_REDIS_URL": "redis://c",
    "ENS_BLOB_URL": "s3://bucket",
    "ENS_BLOB_ACCESS_KEY": "access",
    "ENS_BLOB_SECRET_KEY": "secret",
    "ENS_SECRET_KEY": "secret",
    "ENS_MASTER_KEY": KEY,
} | {
    f"ENS_{kind}_IDP_{part}": f"https://{kind.lower()}.example"
    for kind in ("CITIZEN", "PRO", "AGENT")
    for part in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET")
}


def test_a_complete_production_configuration_is_accepted(tmp_path):
    config = from_environ(PRODUCTION | {"ENS_DATA_DIR": str(tmp_path)})
    assert config.is_production and config.secure and not config.citizen_idp.simulated


@pytest.mark.parametrize("missing", sorted(set(PRODUCTION) - {"ENS_ENV"}))
def test_production_names_the_setting_that_is_missing(tmp_path, missing):
    given = {k: v for k, v in PRODUCTION.items() if k != missing} | {"ENS_DATA_DIR": str(tmp_path)}
    with pytest.raises(ConfigurationError, match=missing):
        from_environ(given)
    assert not (tmp_path / "secrets.json").exists(), "production makes no secret up"


@pytest.mark.parametrize(
    "wrong",
    [
        {"ENS_ENV": "prod"},
        {"ENS_PORT": "web"},
        {"ENS_PORT": "70000"},
        {"ENS_MASTER_KEY": "short"},
        {"ENS_TRUSTED_PROXIES": "many"},
        {"ENS_BLOB_URL": "https://bucket"},
        {"ENS_BLOB_ENDPOINT": "http://storage.example"},
        {"ENS_ANTIVIRUS_URL": "http://clamav.example"},
        {"ENS_EVIDENCE_MOST_MB": "25 Mo"},
        {"ENS_BASE_URL": "http://ens.example"},
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(tmp_path, wrong):
    with pytest.raises(ConfigurationError):
        from_environ(PRODUCTION | {"ENS_DATA_DIR": str(tmp_path)} | wrong)


def test_development_keeps_its_secrets_for_their_owner(tmp_path):
    first = from_environ({"ENS_DATA_DIR": str(tmp_path / "ens")})
    second = from_environ({"ENS_DATA_DIR": str(tmp_path / "ens")})
    assert first.secret_key == second.secret_key and len(first.master_key) == 32
    assert stat.S_IMODE(os.stat(tmp_path / "ens" / "secrets.json").st_mode) == 0o600
    assert first.citizen_idp.simulated
