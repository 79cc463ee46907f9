"""Settings, read once from the environment and checked at start. No other module reads the environment."""

import base64
import ipaddress
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from platform_core.errors import ConfigurationError

ENVIRONMENTS = ("development", "production", "testing")
PROVIDERS = ("citizen", "pro", "agent")
NONCES = ("off", "token", "everywhere")
SEMANTIC = ("auto", "off")
_PREVIOUS = "ENS_PREVIOUS_MASTER_KEYS"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """One OpenID provider that the platform trusts for sign-in."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    simulated: bool


@dataclass(frozen=True, slots=True)
class ObjectStorage:
    """An S3-compatible store and the keys that sign its requests. `endpoint` is empty for that of the region."""

    endpoint: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MutualTls:
    """Where the certificate of a client stands once a proxy has ended the TLS connection (RFC 8705).

    `header` is believed from the addresses of `proxies` only; `authorities` is a file of PEM certificates that sign
    those of clients, None when only self-signed ones are read.
    """

    header: str
    proxies: tuple[Network, ...]
    authorities: Path | None


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting of a process. Built by `from_environ`, shared through `configure` and `current`."""

    env: str
    port: int
    demo_partner_port: int
    base_url: str
    data_dir: Path
    database_url: str = field(repr=False)
    batch_database_url: str = field(repr=False)
    owner_database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    blob_url: str
    blob_storage: ObjectStorage | None
    antivirus_url: str
    evidence_most_bytes: int
    secret_key: str = field(repr=False)
    master_key: bytes = field(repr=False)
    previous_master_keys: tuple[bytes, ...] = field(repr=False)
    pseudonym_key: bytes = field(repr=False)
    smtp_url: str = field(repr=False)
    metrics_token: str = field(repr=False)
    trusted_proxies: int
    outbound_seconds: float
    dpop_nonce: str
    semantic: str
    mtls: "MutualTls | None"
    citizen_idp: IdentityProvider
    pro_idp: IdentityProvider
    agent_idp: IdentityProvider

    @property
    def is_production(self) -> bool:
        return self.env == "production"

    @property
    def secure(self) -> bool:
        """Whether the public address is https: decides cookie prefixes and HSTS."""
        return self.base_url.startswith("https://")


def from_environ(environ: Mapping[str, str] | None = None) -> Config:
    """Read and check the settings.

    In development and testing what is missing is made up and kept in `ENS_DATA_DIR`; in production a missing
    secret, database, broker or identity provider is a `ConfigurationError` that names the setting.
    """
    env = os.environ if environ is None else environ
    name = env.get("ENS_ENV", "development")
    if name not in ENVIRONMENTS:
        raise ConfigurationError(f"ENS_ENV is {name!r}: it must be one of {', '.join(ENVIRONMENTS)}.")
    production = name == "production"
    data_dir = Path(env.get("ENS_DATA_DIR", ".ens")).absolute()
    port = _port(env, "ENS_PORT", 8000)
    base_url = env.get("ENS_BASE_URL", f"http://127.0.0.1:{port}").rstrip("/")
    services = {} if production else local_services(data_dir)
    local = {} if production else _development_secrets(data_dir)
    if production and not base_url.startswith("https://"):
        raise ConfigurationError("ENS_BASE_URL must be the public https address in production.")

    def setting(key: str, otherwise: str | None) -> str:
        value = env.get(key) or (None if production else otherwise)
        if value is None:
            raise ConfigurationError(f"{key} is missing: production needs it.")
        return value

    master_key = _key("ENS_MASTER_KEY", setting("ENS_MASTER_KEY", local.get("master_key")))
    previous = tuple(_key(_PREVIOUS, text.strip()) for text in env.get(_PREVIOUS, "").split(",") if text.strip())
    blob_url = setting("ENS_BLOB_URL", f"file://{data_dir / 'blobs'}")
    return Config(
        env=name,
        port=port,
        demo_partner_port=_port(env, "ENS_DEMO_PARTNER_PORT", 8001),
        base_url=base_url,
        data_dir=data_dir,
        database_url=setting("ENS_DATABASE_URL", services.get("database_url", "")),
        batch_database_url=setting("ENS_BATCH_DATABASE_URL", services.get("batch_database_url", "")),
        owner_database_url=env.get("ENS_OWNER_DATABASE_URL") or services.get("owner_database_url", ""),
        redis_url=setting("ENS_REDIS_URL", services.get("redis_url", "")),
        blob_url=blob_url,
        blob_storage=_object_storage(env, blob_url, production),
        antivirus_url=_antivirus(env),
        evidence_most_bytes=_count(env, "ENS_EVIDENCE_MOST_MB", "25", 1000) * 1024 * 1024,
        secret_key=setting("ENS_SECRET_KEY", local.get("secret_key")),
        master_key=master_key,
        previous_master_keys=previous,
        pseudonym_key=_pseudonym_key(env, master_key, previous),
        smtp_url=env.get("ENS_SMTP_URL", ""),
        metrics_token=env.get("ENS_METRICS_TOKEN", ""),
        trusted_proxies=_count(env, "ENS_TRUSTED_PROXIES"),
        outbound_seconds=_count(env, "ENS_OUTBOUND_SECONDS", "15", 60),
        dpop_nonce=_one_of(env, "ENS_DPOP_NONCE", NONCES),
        semantic=_one_of(env, "ENS_SEMANTIC", SEMANTIC),
        mtls=_mutual_tls(env),
        citizen_idp=_provider(env, "citizen", base_url, local, production),
        pro_idp=_provider(env, "pro", base_url, local, production),
        agent_idp=_provider(env, "agent", base_url, local, production),
    )


def local_services(data_dir: Path) -> dict[str, str]:
    """Addresses of the embedded servers, as written by `platform_core.embedded` when it starts them."""
    try:
        found: dict[str, str] = json.loads((data_dir / "services.json").read_text())
    except FileNotFoundError:
        return {}
    return found


def _port(env: Mapping[str, str], key: str, default: int) -> int:
    try:
        value = int(env.get(key, default))
    except ValueError:
        value = 0
    if not 0 < value < 65536:
        raise ConfigurationError(f"{key} is {env.get(key)!r}: it must be a port number.")
    return value


def _count(env: Mapping[str, str], key: str, default: str = "0", most: int = 9) -> int:
    text = env.get(key, default)
    if not text.isdecimal() or int(text) > most:
        raise ConfigurationError(f"{key} is {text!r}: it must be a number from 0 to {most}.")
    return int(text)


def _object_storage(env: Mapping[str, str], blob_url: str, production: bool) -> ObjectStorage | None:
    if blob_url.startswith("file:///"):
        return None
    if not blob_url.startswith("s3://"):
        raise ConfigurationError(f"ENS_BLOB_URL is {blob_url!r}: it must begin with file:/// or s3://.")
    endpoint = env.get("ENS_BLOB_ENDPOINT", "").rstrip("/")
    if production and endpoint and not endpoint.startswith("https://"):
        raise ConfigurationError("ENS_BLOB_ENDPOINT must be an https address in production.")
    try:
        keys = env["ENS_BLOB_ACCESS_KEY"], env["ENS_BLOB_SECRET_KEY"]
    except KeyError as missing:
        raise ConfigurationError(f"{missing.args[0]} is missing: an s3:// ENS_BLOB_URL needs it.") from None
    return ObjectStorage(endpoint, env.get("ENS_BLOB_REGION", "us-east-1"), *keys)


def _antivirus(env: Mapping[str, str]) -> str:
    url = env.get("ENS_ANTIVIRUS_URL", "")
    if url and not url.startswith(("tcp://", "unix:///")):
        raise ConfigurationError(f"ENS_ANTIVIRUS_URL is {url!r}: it must begin with tcp:// or unix:///.")
    return url


def _one_of(env: Mapping[str, str], key: str, allowed: tuple[str, ...]) -> str:
    """One of the words allowed, the first of them by default."""
    value = env.get(key, allowed[0])
    if value not in allowed:
        raise ConfigurationError(f"{key} is {value!r}: it must be one of {', '.join(allowed)}.")
    return value


def _mutual_tls(env: Mapping[str, str]) -> MutualTls | None:
    header = env.get("ENS_MTLS_HEADER")
    if not header:
        return None
    try:
        proxies = tuple(ipaddress.ip_network(text.strip()) for text in env.get("ENS_MTLS_PROXIES", "").split(","))
    except ValueError as error:
        raise ConfigurationError(
            f"ENS_MTLS_PROXIES must list the addresses that {header} is believed from: {error}."
        ) from None
    authorities = env.get("ENS_MTLS_CA")
    if authorities and not Path(authorities).is_file():
        raise ConfigurationError(f"ENS_MTLS_CA is {authorities!r}: there is no such file.")
    return MutualTls(header, proxies, Path(authorities) if authorities else None)


def _pseudonym_key(env: Mapping[str, str], master_key: bytes, previous: tuple[bytes, ...]) -> bytes:
    """The key behind pairwise ids and look-up hashes: apps keep those ids, so that it outlives the master key."""
    text = env.get("ENS_PSEUDONYM_KEY")
    if text is None and previous:
        raise ConfigurationError(
            f"ENS_PSEUDONYM_KEY is missing beside {_PREVIOUS}: give it the first master key that this platform had."
        )
    return _key("ENS_PSEUDONYM_KEY", text) if text else master_key


def _key(name: str, text: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ConfigurationError(f"{name} must be 32 random bytes in base64url.")
    return key


def _provider(
    env: Mapping[str, str], kind: str, base_url: str, local: Mapping[str, str], production: bool
) -> IdentityProvider:
    prefix = f"ENS_{kind.upper()}_IDP_"
    issuer = env.get(prefix + "ISSUER")
    if issuer:
        try:
            return IdentityProvider(issuer.rstrip("/"), env[prefix + "CLIENT_ID"], env[prefix + "CLIENT_SECRET"], False)
        except KeyError as missing:
            raise ConfigurationError(f"{missing.args[0]} is missing beside {prefix}ISSUER.") from None
    if production:
        raise ConfigurationError(f"{prefix}ISSUER is missing: production has no simulated identity provider.")
    return IdentityProvider(f"{base_url}/simulateurs/{kind}", "ens", local["idp_secret"], True)


def _development_secrets(data_dir: Path) -> dict[str, str]:
    """Secrets of a development machine, made once and kept readable by their owner only."""
    path = data_dir / "secrets.json"
    try:
        found: dict[str, str] = json.loads(path.read_text())
        return found
    except FileNotFoundError:
        pass
    made = {name: secrets.token_urlsafe(32) for name in ("secret_key", "master_key", "idp_secret")}
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _development_secrets(data_dir)
    with os.fdopen(handle, "w") as file:
        json.dump(made, file)
    return made


_current: Config | None = None


def configure(config: Config) -> None:
    """Make these the settings of the process. Called once, by the composition root."""
    global _current
    _current = config


def current() -> Config:
    """The settings of the process."""
    if _current is None:
        raise ConfigurationError("The process has no settings yet: create the application first.")
    return _current
