"""The mail server (RFC 5321), or none in development: e-mails then wait in the development mailbox."""

import smtplib
import ssl
from email.message import EmailMessage
from typing import Protocol
from urllib.parse import unquote, urlsplit

from platform_core import config
from platform_core.errors import Invalid, Unavailable

_TIMEOUT_SECONDS = 10


class Mailer(Protocol):
    """What is asked of a mail server."""

    def send(self, *, recipient: str, subject: str, body: str) -> None:
        """Hand an e-mail over. Raises `Unavailable`, or `Invalid` when the address is refused for good."""


class SmtpMailer:
    """A mail server at `smtp://` (STARTTLS) or `smtps://`, with the user and password of the address."""

    def __init__(self, url: str, *, sender: str) -> None:
        self._url = urlsplit(url)
        self._sender = sender

    def send(self, *, recipient: str, subject: str, body: str) -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, recipient, subject
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(body)
        try:
            with self._connect() as server:
                if self._url.username:
                    server.login(unquote(self._url.username), unquote(self._url.password or ""))
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            raise Invalid("The mail server refuses this address.", code="address-refused") from error
        except (smtplib.SMTPException, OSError) as error:
            raise Unavailable("The mail server does not take e-mails now.") from error

    def _connect(self) -> smtplib.SMTP:
        host, context = self._url.hostname or "", ssl.create_default_context()
        if self._url.scheme == "smtps":
            return smtplib.SMTP_SSL(host, self._url.port or 465, timeout=_TIMEOUT_SECONDS, context=context)
        server = smtplib.SMTP(host, self._url.port or 587, timeout=_TIMEOUT_SECONDS)
        server.starttls(context=context)
        return server


class Mailbox:
    """Sends nothing: the development mailbox shows what is stored."""

    def send(self, *, recipient: str, subject: str, body: str) -> None:
        return None


def mailer() -> Mailer:
    """The mailer of this process. Production without a mail server keeps its e-mails waiting."""
    settings = config.current()
    if settings.smtp_url:
        host = urlsplit(settings.base_url).hostname
        return SmtpMailer(settings.smtp_url, sender=f"Espace numérique de santé <ne-pas-repondre@{host}>")
    if settings.is_production:
        raise Unavailable("ENS_SMTP_URL is not set: e-mails wait.")
    return Mailbox()
