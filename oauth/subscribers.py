"""What the authorization server hears of the people who sign in."""

from identity_core.events import SignedOut
from oauth import service


def tell_apps(event: SignedOut) -> None:
    """The apps that were given an id_token during that sign-in are told that it is over."""
    service.end_logins(event.session_id)


def end_software(event: SignedOut) -> None:
    """Software that worked for a professional during that sign-in stops."""
    service.end_session(event.session_id)
