"""A DocumentReference on its way in: what it says and its content are judged; nothing is kept of what is refused."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Any

from dmp_core.categories import DOCUMENT_KINDS
from dmp_core.rules.documents.metadata import CONTENT_TYPES, Metadata, read_metadata
from dmp_core.service.documents.contents import Content, announced_faults, received_content
from dmp_core.service.drafts import check_subject
from platform_core.errors import Fault, Invalid
from platform_core.fhir.bodies import open_attachment
from platform_core.fhir.registry import Resource
from platform_core.fhir.validation import invalid, validate

ATTACHMENT = "DocumentReference.content[0].attachment"


@dataclass(frozen=True, slots=True)
class Draft:
    """An accepted DocumentReference, what it says, its content and where a fault of the content is told."""

    resource: Resource
    metadata: Metadata
    content: IO[bytes]
    path: str = ATTACHMENT

    @property
    def category(self) -> str:
        return DOCUMENT_KINDS[self.metadata.type.kind].category


def detach(resource: Resource) -> tuple[dict[str, Any], str]:
    """The resource without the base64 of its document, and that base64 (empty when there is none)."""
    contents, data, given = [], "", resource.get("content")
    for content in given if isinstance(given, list) else ():
        attachment = content.get("attachment") if isinstance(content, dict) else None
        if isinstance(attachment, dict) and isinstance(attachment.get("data"), str):
            data = data or attachment["data"]
            content = {**content, "attachment": {k: v for k, v in attachment.items() if k != "data"}}
        contents.append(content)
    return ({**resource, "content": contents} if contents else dict(resource)), data


def judge(resource: Resource, patient_reference: str, *, comprehensive: bool) -> Metadata:
    """What a DocumentReference without its data says. Raises `Invalid`, or `Forbidden` (`patient-mismatch`)."""
    validate(resource)
    check_subject(resource, patient_reference)
    read = read_metadata(resource, comprehensive=comprehensive)
    if isinstance(read, list):
        raise invalid(read)
    return read


def opened(data: str, path: str) -> IO[bytes]:
    """The document of a base64 element. Raises `Invalid` (`invalid-resource`)."""
    try:
        return open_attachment(data)
    except ValueError:
        raise invalid([Fault(path, "is not base64.", "value")]) from None


@contextmanager
def received(draft: Draft) -> Iterator[Content]:
    """The content of a draft, sealed aside. Raises `Invalid` (`invalid-resource`) when it is not what was announced."""
    wanted = draft.metadata.content_type
    extension = CONTENT_TYPES[wanted]
    with ExitStack() as stack:
        try:
            content = stack.enter_context(received_content(draft.content, f"document.{extension}", {extension}))
        except Invalid as error:
            message = f"is not {wanted} that can be filed: {error.message}"
            raise invalid([Fault(f"{draft.path}.data", message, "value")]) from error
        if faults := announced_faults(draft.metadata, content, draft.path):
            raise invalid(faults)
        yield content
