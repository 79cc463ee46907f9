"""Userinfo (OpenID Connect Core §5.3.1): by GET or POST, the token in the header, or in the form when it is Bearer."""

from uuid import UUID

import pytest
from flask.testing import FlaskClient

from tests.oauth.partner import Partner

PATH = "/oauth/userinfo"


@pytest.mark.requirement("A16", "A1.12", "oidcc-userinfo-post-header", "oidcc-userinfo-post-body")
def test_a_bearer_token_comes_in_the_header_or_in_the_form_of_a_post_and_never_in_an_address(
    client: FlaskClient, smart: Partner, patient: UUID
) -> None:
    token = smart.grant(patient)["access_token"]
    told = smart.call("GET", PATH, token).json
    assert smart.call("POST", PATH, token).json == told
    assert client.post(PATH, data={"access_token": token}).json == told
    for answer in (client.get(f"{PATH}?access_token={token}"), client.get(PATH, data={"access_token": token})):
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_token")
    twice = smart.call("POST", PATH, token, data={"access_token": token})
    assert (twice.status_code, twice.json["error"]) == (400, "invalid_request")


@pytest.mark.requirement("A16", "A6.1")
def test_a_token_bound_to_a_key_is_nothing_in_a_form(client: FlaskClient, partner: Partner, patient: UUID) -> None:
    token = partner.grant(patient)["access_token"]
    proof = partner.proof("POST", PATH, token=token)
    assert partner.call("POST", PATH, token, proofs=[proof]).status_code == 200
    for headers in ({}, {"DPoP": partner.proof("POST", PATH, token=token)}):
        assert client.post(PATH, data={"access_token": token}, headers=headers).status_code == 401
