"""What can go wrong while signing in, acting for somebody, and among the members of an organisation."""

from platform_core.errors import Conflict, Forbidden


class SignInFailed(Forbidden):
    """The provider refused, or what it sent back does not hold: nobody is signed in."""

    code = "sign-in-failed"


class NoSpace(Forbidden):
    """The space of this person is not open."""

    code = "space-not-open"


class LastAdministrator(Conflict):
    """An organisation keeps at least one administrator."""

    code = "last-administrator"


class OutsideMandate(Forbidden):
    """The mandate of a helper does not allow this."""

    code = "outside-mandate"


class MandateNotYours(Forbidden):
    """Somebody else than the patient gives, confirms or takes back a mandate."""

    code = "mandate-not-yours"
