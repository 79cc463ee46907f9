"""What can go wrong while signing in."""

from platform_core.errors import Forbidden


class SignInFailed(Forbidden):
    """The provider refused, or what it sent back does not hold: nobody is signed in."""

    code = "sign-in-failed"


class NoSpace(Forbidden):
    """The space of this person is not open."""

    code = "space-not-open"
