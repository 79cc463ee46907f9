"""What happens in the record, told to those who hear it within the same transaction."""

from dataclasses import dataclass
from typing import IO
from uuid import UUID


@dataclass(frozen=True, slots=True)
class DocumentFiled:
    """A document entered the record. Who hears this may refuse it by raising `Invalid`: then nothing of it is kept."""

    patient_id: UUID
    document_id: UUID
    type_code: str
    media_type: str
    author_id: UUID | None
    stream: IO[bytes]

    @property
    def content(self) -> IO[bytes]:
        """The document itself, from its start for each who asks, as long as the act lasts."""
        self.stream.seek(0)
        return self.stream
