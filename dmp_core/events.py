"""What happens in the record, told to those who hear it within the same transaction."""

from dataclasses import dataclass
from typing import IO
from uuid import UUID


@dataclass(frozen=True, slots=True)
class DocumentFiled:
    """A document entered the record. `content` is the document itself, from its start, as long as the act lasts.

    Who hears this may refuse the document by raising `Invalid`: then nothing of it is kept.
    """

    patient_id: UUID
    document_id: UUID
    type_code: str
    media_type: str
    author_id: UUID | None
    content: IO[bytes]
