"""Domain errors: what went wrong, in stable words. HTTP appears only in `renderers`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a refused input: where it stands (field name or FHIRPath) and what is wrong."""

    where: str
    message: str
    code: str = "invalid"


class DomainError(Exception):
    """Base of every refusal. `code` is stable and public; `message` says what is wrong and what to do."""

    code = "error"

    def __init__(
        self,
        message: str = "",
        *,
        code: str | None = None,
        faults: Sequence[Fault] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.faults = tuple(faults)


class Invalid(DomainError):
    """The input itself is wrong: a person or a program must send something else."""

    code = "invalid"


class Malformed(DomainError):
    """The request cannot be read at all: not JSON, a parameter that has no meaning, a missing body."""

    code = "invalid-request"


class Unauthenticated(DomainError):
    """Nobody, or nobody known, is speaking. `challenge` holds the parameters of WWW-Authenticate."""

    code = "invalid-token"

    def __init__(
        self,
        message: str = "",
        *,
        code: str | None = None,
        scheme: str = "Bearer",
        challenge: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.scheme = scheme
        self.challenge = challenge or {}


class Forbidden(DomainError):
    """Somebody known asks for what they may not have."""

    code = "forbidden"


class NotFound(DomainError):
    """Absent, or not visible to the one who asks: the two are not told apart."""

    code = "not-found"


class Conflict(DomainError):
    """The state of things does not allow the act, or somebody else was first."""

    code = "conflict"


class VersionMismatch(DomainError):
    """The version the caller believed in is not the present one (`If-Match`, optimistic lock)."""

    code = "version-mismatch"


class TooLarge(DomainError):
    """The input is larger than the limit, which the message states."""

    code = "too-large"


class UnsupportedType(DomainError):
    """The media type or kind of content is not one that is read."""

    code = "unsupported-type"


class TooManyRequests(DomainError):
    """Allowed, but not now. `retry_at` is the next possible instant, when there is one."""

    code = "rate-limited"

    def __init__(self, message: str = "", *, code: str | None = None, retry_at: datetime | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_at = retry_at


class Unavailable(DomainError):
    """A part that the act needs is away; nothing was written. `retry_after` is in seconds."""

    code = "unavailable"

    def __init__(self, message: str = "", *, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ConfigurationError(DomainError):
    """A setting is missing or unfit: the process refuses to start and says which one."""

    code = "configuration"
