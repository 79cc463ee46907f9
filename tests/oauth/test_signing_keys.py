"""The keys that sign id_tokens: renewed in time, published until nothing that they signed is alive."""

from uuid import UUID

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import KeySet

from oauth.cli import keys
from oauth.service.identity import LIFETIME
from oauth.tasks import SIGNING_LIFETIME, renew_signing_keys
from platform_app.keys import keys as master_keys
from platform_core import signing
from platform_core.clock import FrozenClock
from tests.oauth.partner import Partner


def kids(client: FlaskClient) -> set[str]:
    return {key["kid"] for key in client.get("/oauth/jwks").json["keys"]}


@pytest.mark.requirement("oidcc-server-rotate-keys", "A16")
def test_what_a_retired_key_signed_is_verified_until_it_is_dead(
    client: FlaskClient, partner: Partner, patient: UUID
) -> None:
    before = partner.grant(patient)["id_token"]
    assert CliRunner().invoke(keys, ["rotate"], catch_exceptions=False).exit_code == 0
    after = partner.grant(patient)["id_token"]
    published = KeySet.import_key_set(client.get("/oauth/jwks").json)
    read = [jwt.decode(text, published, algorithms=["ES256"]) for text in (before, after)]
    assert read[0].header["kid"] != read[1].header["kid"]
    assert read[0].claims["sub"] == read[1].claims["sub"]


def test_the_overlap_is_longer_than_anything_signed() -> None:
    assert signing.OVERLAP > LIFETIME


def test_beat_renews_keys_that_served_their_time(client: FlaskClient, clock: FrozenClock) -> None:
    first = kids(client)
    renew_signing_keys()
    assert kids(client) == first
    clock.move(days=SIGNING_LIFETIME.days + 1)
    renew_signing_keys()
    second = kids(client)
    assert first < second and len(second) == 2 * len(first)
    renew_signing_keys()
    assert kids(client) == second
    clock.move(days=signing.OVERLAP.days + 1)
    assert kids(client) == second - first


def test_private_keys_are_stored_sealed_only(client: FlaskClient, owner: sa.Engine) -> None:
    kids(client)
    with owner.connect() as connection:
        rows = connection.execute(sa.text("SELECT sealed, public_jwk FROM core_signing_key")).all()
    assert rows
    assert not any(b'"d"' in row.sealed or '"d"' in row.public_jwk for row in rows)


def test_the_operator_seals_everything_again(client: FlaskClient) -> None:
    kids(client)
    done = CliRunner().invoke(master_keys, ["rewrap"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "core_signing_key.sealed: 0" in done.output
