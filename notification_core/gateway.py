"""The mail server (RFC 5321), or none in development: e-mails then wait in the development mailbox."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol
from urllib.parse import unquote, urlsplit

from notification_core.rules import Parcel
from platform_core import clock, config
from platform_core.errors import Invalid, Unavailable

_TIMEOUT_SECONDS = 10


class Mailer(Protocol):
    """What is asked of a mail server."""

    def send(self, parcel: Parcel) -> None:
        """Hand an e-mail over. Raises `Unavailable`, or `Invalid` when the address is refused for good."""


class SmtpMailer:
    """A mail server at `smtp://` (STARTTLS, RFC 3207) or `smtps://` (RFC 8314), with the user and password of the
    address. Nothing is said to a server whose certificate does not hold.
    """

    def __init__(self, url: str, *, sender: str, host: str) -> None:
        self._url = urlsplit(url)
        self._sender = sender
        self._host = host

    def send(self, parcel: Parcel) -> None:
        message = self._compose(parcel)
        try:
            with self._connect() as server:
                if self._url.username:
                    server.login(unquote(self._url.username), unquote(self._url.password or ""))
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            ((code, _),) = error.recipients.values()
            raise _refusal(code) from error
        except smtplib.SMTPDataError as error:
            raise _refusal(error.smtp_code) from error
        except (smtplib.SMTPException, OSError) as error:
            raise Unavailable("The mail server does not take e-mails now.") from error

    def _compose(self, parcel: Parcel) -> EmailMessage:
        message, letter = EmailMessage(), parcel.letter
        message["From"], message["To"], message["Subject"] = self._sender, parcel.recipient, letter.subject
        message["Date"] = format_datetime(clock.now())
        message["Message-ID"] = f"<{parcel.id}@{self._host}>"
        message["Auto-Submitted"] = "auto-generated"
        if letter.unsubscribe_url:
            message["List-Unsubscribe"] = f"<{letter.unsubscribe_url}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(letter.text)
        message.add_alternative(letter.html, subtype="html")
        return message

    def _connect(self) -> smtplib.SMTP:
        host, context = self._url.hostname or "", ssl.create_default_context()
        if self._url.scheme == "smtps":
            return smtplib.SMTP_SSL(host, self._url.port or 465, timeout=_TIMEOUT_SECONDS, context=context)
        server = smtplib.SMTP(host, self._url.port or 587, timeout=_TIMEOUT_SECONDS)
        try:
            server.starttls(context=context)
        except BaseException:
            server.close()
            raise
        return server


class Mailbox:
    """Sends nothing: the development mailbox shows what is stored."""

    def send(self, parcel: Parcel) -> None:
        return None


def mailer() -> Mailer:
    """The mailer of this process. Production without a mail server keeps its e-mails waiting."""
    settings = config.current()
    if settings.smtp_url:
        host = urlsplit(settings.base_url).hostname or ""
        return SmtpMailer(settings.smtp_url, sender=f"Espace numérique de santé <ne-pas-repondre@{host}>", host=host)
    if settings.is_production:
        raise Unavailable("ENS_SMTP_URL is not set: e-mails wait.")
    return Mailbox()


def _refusal(code: int) -> Invalid | Unavailable:
    """RFC 5321 §4.2.1: 5yz is for good, 4yz (greylisting, a full mailbox) may heal."""
    if code >= 500:
        return Invalid("The mail server refuses this address.", code="address-refused")
    return Unavailable("The mail server asks to try this address again later.")
