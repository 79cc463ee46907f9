"""Receipts: one for each act, signed, true to its schema, verified by anybody, for ever."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import orjson
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jws
from joserfc.jwk import ECKey
from jsonschema import Draft202012Validator

from consent import queries
from consent.cli import consent as command
from consent.queries import ReceiptView
from consent.rules import receipts as rules
from consent.rules.receipts import Verdict
from consent.service import granting, lifecycle
from identity_core.service.seeding import Seeded
from platform_core import crypto, signing
from platform_core.access import Actor, ActorKind
from platform_core.clock import FrozenClock
from platform_core.database import transaction
from platform_core.ids import uuid7
from tests.consent.builders import DAILY, PRESSURE, WEIGHT, permission
from tests.consent.calls import state_of
from tests.consent.conftest import CAMILLE
from tests.signing_in import read_csrf_token, sign_in_citizen

Grant = Callable[..., UUID]


@pytest.fixture
def grant_id(grant_consent: Grant) -> UUID:
    return grant_consent(permission(WEIGHT), permission(PRESSURE))


def receipts_of(patient_id: UUID, grant_id: UUID) -> list[ReceiptView]:
    with transaction(patient_id=patient_id):
        return queries.list_receipts(patient_id, grant_id)[::-1]


def act(name: str, patient_id: UUID, grant_id: UUID, by: Actor = CAMILLE) -> None:
    with transaction(patient_id=patient_id):
        getattr(lifecycle, name)(patient_id=patient_id, grant_id=grant_id, by=by)


def amend(patient_id: UUID, grant_id: UUID) -> None:
    until = state_of(patient_id, grant_id).valid_until
    with transaction(patient_id=patient_id):
        granting.amend_consent(
            patient_id=patient_id,
            grant_id=grant_id,
            items=[permission(WEIGHT, periodicity=DAILY)],
            valid_until=until,
            by=CAMILLE,
        )


def verdict(shown: str) -> Verdict:
    with transaction():
        return queries.verify_receipt(shown).verdict


class TestGiving:
    def test_each_act_gives_one_that_follows_the_published_schema(self, patient_id: UUID, grant_id: UUID) -> None:
        amend(patient_id, grant_id)
        for name in ("pause_consent", "resume_consent", "request_presence_window", "revoke_consent"):
            act(name, patient_id, grant_id)
        given = receipts_of(patient_id, grant_id)
        assert [(one.number, one.kind, one.version) for one in given] == [
            (1, "granted", 1),
            (2, "amended", 2),
            (3, "paused", 2),
            (4, "resumed", 2),
            (6, "revoked", 2),
        ]
        check = Draft202012Validator(rules.SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
        for one in given:
            assert [fault.message for fault in check.iter_errors(one.told)] == []

    @pytest.mark.parametrize("end", ["expired", "ended"])
    def test_an_end_that_nobody_pressed_gives_one_too(self, patient_id: UUID, grant_id: UUID, end: str) -> None:
        with transaction(patient_id=patient_id):
            if end == "expired":
                lifecycle.record_expiry(patient_id=patient_id, grant_id=grant_id, reason="date")
            else:
                app = Actor(ActorKind.APPLICATION, uuid7(), "Balance+")
                lifecycle.end_consent(patient_id=patient_id, grant_id=grant_id, by=app)
        last = receipts_of(patient_id, grant_id)[-1]
        assert (last.kind, last.told["event"]["type"]) == (end, end)

    def test_it_names_the_patient_as_the_app_alone_knows_them(self, patient_id: UUID, grant_id: UUID) -> None:
        (receipt,) = receipts_of(patient_id, grant_id)
        app_id = state_of(patient_id, grant_id).app_id
        assert receipt.told["pii_principal_id"] == crypto.pairwise_id(app_id, patient_id)
        assert str(patient_id) not in json.dumps(receipt.evidence)

    def test_it_holds_the_texts_and_the_decision_of_its_version(self, patient_id: UUID, grant_id: UUID) -> None:
        with transaction(patient_id=patient_id):
            version = queries.get_version(patient_id, grant_id, 1)
        (receipt,) = receipts_of(patient_id, grant_id)
        told = receipt.told["pii_processing"]
        assert told["privacy_notice"]["shown_sha256"] == version.text_hash
        assert told["items"] == version.snapshot["items"]
        assert told["decision"] == {
            "time": version.decided_at.isoformat(),
            "role": "patient",
            "name": CAMILLE.name,
            "acr": "eidas2",
        }

    def test_a_representative_is_named_as_such(self, patient_id: UUID, grant_consent: Grant) -> None:
        parent = Actor(ActorKind.REPRESENTATIVE, uuid7(), "Camille Démo", on_behalf_of=patient_id, assurance="eidas2")
        (receipt,) = receipts_of(patient_id, grant_consent(by=parent))
        assert (receipt.told["event"]["role"], receipt.told["pii_processing"]["decision"]["role"]) == (
            "representative",
            "representative",
        )


class TestVerifying:
    def test_the_newest_is_valid_and_the_one_before_it_is_older(self, patient_id: UUID, grant_id: UUID) -> None:
        (first,) = receipts_of(patient_id, grant_id)
        assert verdict(first.jws) is verdict(json.dumps(first.evidence)) is Verdict.VALID
        act("pause_consent", patient_id, grant_id)
        before, after = receipts_of(patient_id, grant_id)
        assert (verdict(before.jws), verdict(after.jws)) == (Verdict.OLDER, Verdict.VALID)

    def test_it_outlives_the_key_that_signed_it(self, patient_id: UUID, grant_id: UUID, clock: FrozenClock) -> None:
        (receipt,) = receipts_of(patient_id, grant_id)
        with transaction():
            signing.rotate("receipt")
        clock.move(days=4000)
        with transaction():
            signing.rotate("receipt")
        assert verdict(receipt.jws) is Verdict.VALID

    def test_any_part_that_was_changed_is_seen(self, patient_id: UUID, grant_id: UUID) -> None:
        (receipt,) = receipts_of(patient_id, grant_id)
        header, payload, signature = receipt.jws.split(".")
        wider = crypto.base64url(orjson.dumps({**receipt.told, "receipt_number": 9}))
        assert verdict(f"{header}.{wider}.{signature}") is Verdict.ALTERED
        other = "A" if signature[0] != "A" else "B"
        assert verdict(f"{header}.{payload}.{other}{signature[1:]}") is Verdict.ALTERED
        told = {**receipt.told, "record_id": str(uuid7())}
        assert verdict(json.dumps({**receipt.evidence, "receipt": told})) is Verdict.ALTERED

    def test_a_strangers_signature_is_an_unknown_key(self, patient_id: UUID, grant_id: UUID) -> None:
        (receipt,) = receipts_of(patient_id, grant_id)
        key = ECKey.generate_key("P-256", auto_kid=True)
        header = {"alg": "ES256", "kid": key.kid, "typ": rules.TYP}
        assert verdict(jws.serialize_compact(header, orjson.dumps(receipt.told), key)) is Verdict.UNKNOWN_KEY

    @pytest.mark.parametrize(
        "shown", ["", "{", "{}", '{"jws": 1}', "a.b", "a.b.c", "[" * 5000, '{"jws": "é.é.é"}', "\0", "x" * 9000]
    )
    def test_what_is_no_receipt_is_unreadable(self, app: Flask, shown: str) -> None:
        assert verdict(shown) is Verdict.UNREADABLE

    def test_another_thing_that_the_same_key_signed_is_no_receipt(self, patient_id: UUID, grant_id: UUID) -> None:
        (receipt,) = receipts_of(patient_id, grant_id)
        with transaction():
            other = signing.sign_bytes("receipt", "ES256", orjson.dumps(receipt.told), typ="JOSE")
            unsigned = crypto.base64url(b'{"alg":"none"}') + "." + receipt.jws.split(".")[1] + "."
        assert verdict(other) is Verdict.UNREADABLE
        assert verdict(unsigned) is Verdict.UNKNOWN_KEY

    def test_the_command_tells_by_words_and_by_its_exit(self, patient_id: UUID, grant_id: UUID, tmp_path: Path) -> None:
        (receipt,) = receipts_of(patient_id, grant_id)
        file = tmp_path / "recu.json"
        file.write_text(json.dumps(receipt.evidence))
        good = CliRunner().invoke(command, ["verify-receipt", str(file)])
        file.write_text(json.dumps({**receipt.evidence, "receipt": {}}))
        bad = CliRunner().invoke(command, ["verify-receipt", str(file)])
        assert (good.exit_code, bad.exit_code) == (0, 1)
        assert good.output.startswith("valid") and bad.output.startswith("altered")


class TestPages:
    @pytest.fixture
    def camilles(self, client: FlaskClient, people: Seeded, camille: UUID) -> FlaskClient:
        sign_in_citizen(client, person_id=people.persons["camille"], patient_id=camille)
        return client

    def test_the_file_of_a_receipt_is_judged_by_the_public_page(
        self, camilles: FlaskClient, camille: UUID, grant_consent: Grant, app: Flask
    ) -> None:
        grant_id = grant_consent(patient_id=camille)
        page = camilles.get(f"/espace/applications/{grant_id}/versions/1/recu", follow_redirects=True).text
        (link,) = re.findall(r'href="([^"]+\.json)"', page)
        file = camilles.get(link)
        assert file.mimetype == "application/json" and "attachment" in file.headers["Content-Disposition"]
        assert "Ce reçu est authentique" in self.judge(camilles, file.text)
        assert "Ce reçu a été modifié" in self.judge(camilles, file.text.replace("Pesée Claire", "Pesée Obscure"))
        act("revoke_consent", camille, grant_id)
        assert "plus récent" in self.judge(camilles, file.text)
        assert camilles.post("/verifier-un-recu", data={"csrf_token": self.csrf(camilles)}).status_code == 422

    def test_the_story_tells_each_version_and_what_it_changed(
        self, camilles: FlaskClient, camille: UUID, grant_consent: Grant
    ) -> None:
        grant_id = grant_consent(permission(WEIGHT), permission(PRESSURE), patient_id=camille)
        amend(camille, grant_id)
        page = camilles.get(f"/espace/applications/{grant_id}/histoire").text
        assert page.index("Version 1") < page.index("Version 2")
        assert (page.count(" (lire), 1 fois par jour"), page.count(" : ajouté"), page.count(" : retiré")) == (3, 0, 1)
        assert f"/espace/applications/{grant_id}/histoire" in camilles.get(f"/espace/applications/{grant_id}").text

    def test_nobody_reads_the_receipt_of_another(self, camilles: FlaskClient, patient_id: UUID, grant_id: UUID) -> None:
        for path in ("recus/1", "recus/1.json", "versions/1/recu", "histoire", "fhir.json"):
            assert camilles.get(f"/espace/applications/{grant_id}/{path}").status_code == 404

    def test_the_schema_is_published(self, client: FlaskClient) -> None:
        assert client.get("/api/v1/schemas/consent-receipt").json == rules.SCHEMA

    def csrf(self, client: FlaskClient) -> str:
        return read_csrf_token(client, "/verifier-un-recu")

    def judge(self, client: FlaskClient, text: str) -> str:
        given = {"text": text, "csrf_token": self.csrf(client)}
        return client.post("/verifier-un-recu", data=given, content_type="multipart/form-data").text
