"""Programs of publishers, which call the publisher's part of `/api/v1`: what their tokens let them do. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from platform_core.access import Actor
from platform_core.errors import NotFound


class Scope(StrEnum):
    """What a program may do, by part of the API. Who may write a part may read it."""

    APPLICATIONS_READ = "applications:read"
    APPLICATIONS_WRITE = "applications:write"
    EVIDENCE_READ = "evidence:read"
    EVIDENCE_WRITE = "evidence:write"
    QUESTIONS_READ = "questions:read"
    QUESTIONS_WRITE = "questions:write"
    CREDENTIALS_READ = "credentials:read"
    CREDENTIALS_WRITE = "credentials:write"
    USAGE_READ = "usage:read"

    @property
    def part(self) -> str:
        return self.partition(":")[0]

    @property
    def writes(self) -> bool:
        return self.endswith(":write")


@dataclass(frozen=True, slots=True)
class Caller:
    """A program, and for whom it acts. An app's own token names its application and its client, and sees no other."""

    actor: Actor
    scopes: frozenset[str]
    application_id: UUID | None = None
    client_pk: UUID | None = None

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes or (not scope.writes and f"{scope.part}:write" in self.scopes)

    def check_application(self, application_id: UUID) -> None:
        """Raises `NotFound` for another application than that of the token: it is not told from an unknown one."""
        if self.application_id not in {None, application_id}:
            raise NotFound("This application does not exist.")
