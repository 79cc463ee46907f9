"""How often people are written to. Pure."""

from dataclasses import dataclass

DIGESTS = (30, 90, 180)
DEFAULT_DIGEST = 90
"""Days between two reminders of the accesses that go on."""

MOST_AN_HOUR, MOST_A_DAY = 4, 12
MANDATORY_TIMES = 3
GIVEN_UP_AFTER = 3


@dataclass(frozen=True, slots=True)
class Recent:
    """What one address was sent in the last hour and day, and how many of the last e-mails in a row it refused."""

    hour: int
    day: int
    refused: int

    @property
    def given_up(self) -> bool:
        """Whether the mail server of this address has refused it for good so often that nobody writes there."""
        return self.refused >= GIVEN_UP_AFTER


def may_write(recent: Recent, *, mandatory: bool) -> bool:
    """Whether one more e-mail may go to this address.

    One that says « a message waits » is worth many: beyond the limit the inbox is enough. What is mandatory has a limit
    three times as high, so that nobody floods a mailbox through us.
    """
    times = MANDATORY_TIMES if mandatory else 1
    return not recent.given_up and recent.hour < MOST_AN_HOUR * times and recent.day < MOST_A_DAY * times
