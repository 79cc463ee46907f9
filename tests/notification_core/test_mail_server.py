"""Handing e-mails to a real mail server on loopback: encrypted or not at all, once, again when it may heal."""

import datetime
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask

from identity_core.service.seeding import Seeded
from notification_core import queries
from notification_core.models import Email
from notification_core.service.emails import LEASE, take_email
from notification_core.tasks import delete_old_emails, send_email
from platform_core import config
from platform_core.clock import FrozenClock
from platform_core.database import db, transaction
from platform_core.errors import Unavailable
from platform_core.outbox import OutboxMessage
from tests.notification_core.reading import SECRET, SECURITY, tell

FOR_GOOD, LATER = "550 5.1.1 No such user", "450 4.2.0 Greylisted, try again"


@dataclass
class Office:
    """What the mail server was given, and what it answers to each recipient or to each body."""

    received: list[EmailMessage] = field(default_factory=list)
    to_recipient: str = "250 OK"
    to_data: str = "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list) -> str:
        if self.to_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.to_data.startswith("250"):
            assert session.ssl is not None and session.authenticated
            self.received.append(message_from_bytes(envelope.content, policy=policy.default))
        return self.to_data


class Desk(Controller):
    """A server on a port that the system chose, which it learns before it greets itself."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and the certificate that it signs for itself, for the loopback address, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start.replace(year=2120))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    path = tmp_path_factory.mktemp("mail") / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def office(certificate: Path) -> Iterator[tuple[Office, Desk]]:
    """A mail server with STARTTLS that takes mail from those who sign in only."""

    def sign_in(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"ens", b"p@ss word"), handled=False)

    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate)
    handler = Office()
    controller = Desk(
        handler,
        hostname="127.0.0.1",
        port=0,
        tls_context=tls,
        require_starttls=True,
        authenticator=sign_in,
        auth_required=True,
    )
    controller.start()
    yield handler, controller
    controller.stop()


@pytest.fixture
def sent(
    app: Flask, office: tuple[Office, Desk], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    """The platform hands its e-mails to that server, whose certificate it trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    handler, controller = office
    before = config.current()
    config.configure(replace(before, smtp_url=f"smtp://ens:p%40ss%20word@127.0.0.1:{controller.port}"))
    yield handler
    config.configure(before)


def email_of(people: Seeded, kind: str = "test.told") -> UUID:
    tell(people.patients["camille"], kind=kind)
    with transaction():
        found = db.session.scalar(sa.select(Email.id).order_by(Email.created_at.desc(), Email.id.desc()).limit(1))
    assert found is not None
    return found


def state(email_id: UUID) -> str:
    with transaction():
        email = db.session.get_one(Email, email_id)
        return "sent" if email.sent_at else "refused" if email.refused_at else "waiting"


def test_an_email_travels_encrypted_in_two_forms_and_says_nothing(people: Seeded, sent: Office) -> None:
    email_id = email_of(people)
    send_email(str(email_id))
    (message,) = sent.received
    assert message["To"] == "camille@exemple.invalid"
    assert message["From"].addresses[0].username == "ne-pas-repondre"
    assert message["Message-ID"].startswith(f"<{email_id}@")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text, html = (message.get_body((form,)).get_content() for form in ("plain", "html"))
    url = str(message["List-Unsubscribe"]).strip("<>")
    assert url in text and url in html
    for word in (*SECRET.split(), "Camille", "Durand"):
        assert word not in message["Subject"] + text.replace(url, "") + html.replace(url, "") or word in {"par"}
    assert state(email_id) == "sent"


def test_security_has_no_way_out_in_its_headers(people: Seeded, sent: Office) -> None:
    send_email(str(email_of(people, SECURITY)))
    assert "List-Unsubscribe" not in sent.received[0]


def test_an_email_is_handed_over_once(people: Seeded, sent: Office) -> None:
    email_id = email_of(people)
    for _ in range(2):
        send_email(str(email_id))
    assert len(sent.received) == 1


def test_a_refusal_for_good_is_counted_and_not_tried_again(people: Seeded, sent: Office) -> None:
    sent.to_recipient = FOR_GOOD
    ids = [email_of(people) for _ in range(3)]
    for email_id in ids:
        send_email(str(email_id))
        assert state(email_id) == "refused"
    with transaction():
        assert queries.count_emails() == queries.EmailCounts(sent=0, waiting=0, refused=3)
        assert queries.count_recent(queries.address_lookup("camille@exemple.invalid")).given_up
    sent.to_recipient = "250 OK"
    send_email(str(ids[0]))
    tell(people.patients["camille"], kind=SECURITY)
    with transaction():
        assert queries.count_emails().waiting == 0, "nobody writes to an address that refused three times"
    assert sent.received == []


@pytest.mark.parametrize("answer", ["to_recipient", "to_data"])
def test_what_may_heal_is_tried_again(people: Seeded, sent: Office, answer: str) -> None:
    email_id = email_of(people)
    setattr(sent, answer, LATER)
    with pytest.raises(Unavailable):
        send_email(str(email_id))
    assert state(email_id) == "waiting"
    setattr(sent, answer, "250 OK")
    send_email(str(email_id))
    assert state(email_id) == "sent"
    assert len(sent.received) == 1


def test_a_body_refused_for_good_is_not_tried_again(people: Seeded, sent: Office) -> None:
    sent.to_data = "554 5.7.1 Refused"
    email_id = email_of(people)
    send_email(str(email_id))
    assert state(email_id) == "refused"


def test_nothing_is_said_to_a_server_that_nobody_vouches_for(
    people: Seeded, sent: Office, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "nobody.pem").touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nobody.pem"))
    email_id = email_of(people)
    with pytest.raises(Unavailable):
        send_email(str(email_id))
    assert (state(email_id), sent.received) == ("waiting", [])


def test_a_wrong_password_keeps_the_email(people: Seeded, sent: Office) -> None:
    current = config.current()
    config.configure(replace(current, smtp_url=current.smtp_url.replace("p%40ss", "other")))
    email_id = email_of(people)
    with pytest.raises(Unavailable):
        send_email(str(email_id))
    assert state(email_id) == "waiting"


def test_no_server_keeps_the_email(people: Seeded, sent: Office) -> None:
    email_id = email_of(people)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        config.configure(replace(config.current(), smtp_url=f"smtp://127.0.0.1:{silent.getsockname()[1]}"))
        with pytest.raises(Unavailable):
            send_email(str(email_id))
    assert state(email_id) == "waiting"


def test_an_email_that_a_dead_task_took_is_taken_again_after_its_lease(
    people: Seeded, sent: Office, clock: FrozenClock
) -> None:
    email_id = email_of(people)
    with transaction():
        assert take_email(email_id=email_id) is not None
    with pytest.raises(Unavailable, match="Another task"):
        send_email(str(email_id))
    clock.move(seconds=LEASE.total_seconds() + 1)
    send_email(str(email_id))
    assert state(email_id) == "sent"


def test_old_emails_are_deleted(people: Seeded, sent: Office, clock: FrozenClock) -> None:
    send_email(str(email_of(people)))
    clock.move(days=29)
    recent = email_of(people)
    clock.move(days=2)
    delete_old_emails()
    with transaction():
        assert db.session.scalars(sa.select(Email.id)).all() == [recent]


def test_the_outbox_carries_the_id_of_the_email_and_nothing_else(people: Seeded) -> None:
    email_id = email_of(people)
    with transaction():
        (message,) = db.session.scalars(sa.select(OutboxMessage)).all()
        stored = db.session.scalars(sa.text("SELECT e::text FROM notification_email e")).one()
    assert (message.task, message.arguments) == ("notification.send_email", [str(email_id)])
    assert "camille" not in stored and b"camille".hex() not in stored
