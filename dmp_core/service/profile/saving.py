"""The profile saved as a document of the record (type DOCPAT08), in the place of the one saved before."""

import io
from collections.abc import Sequence
from uuid import UUID

from dmp_core.categories import SETTINGS
from dmp_core.fhir.documents import write_document
from dmp_core.queries import documents as queries
from dmp_core.queries.documents import Condition, Sought
from dmp_core.rules.documents.metadata import PATIENT
from dmp_core.rules.documents.visibility import Viewer, ViewerKind
from dmp_core.service.documents import acts
from dmp_core.service.documents.contents import received_content
from dmp_core.service.documents.drafts import Draft, judge
from dmp_core.service.documents.storing import ALONE, Links, file_document
from dmp_core.service.drafts import Author
from dmp_core.service.profile.printing import Part, write_pdf
from dmp_core.service.typed import BY_HAND
from dmp_core.workflow import DocumentAct
from platform_core import audit, clock
from platform_core.access import Actor
from platform_core.fhir.search import ANY_TIME

TYPE = "DOCPAT08"


def save_profile(*, patient_id: UUID, title: str, head: Sequence[str], parts: Sequence[Part], by: Actor) -> UUID:
    """File the profile as a PDF made of these texts; the one saved before gives way. Its id."""
    now = clock.now().isoformat()
    reference, setting = str(patient_id), "|".join(SETTINGS[PATIENT].coding)
    resource = write_document(
        title=title,
        type_code=TYPE,
        content_type="application/pdf",
        made=now,
        date=now,
        author=by.name,
        patient_reference=reference,
        facility=setting,
        setting=setting,
    )
    links = _replacing(patient_id, by)
    if links.replaces:
        resource["relatesTo"] = [{"code": "replaces", "target": {"reference": f"DocumentReference/{links.replaces}"}}]
    stream = io.BytesIO(write_pdf(title=title, head=head, parts=parts, author=by.name))
    with received_content(stream, "profil.pdf", {"pdf"}) as content:
        draft = Draft(resource, judge(resource, reference, comprehensive=False), stream)
        author = Author(patient_id, reference, patient_id, by.name, BY_HAND)
        id = file_document(draft, content, author, by=by, links=links)
    audit.record("dmp:profile:saved", by=by, object_type="document", object_id=id)
    return id


def _replacing(patient_id: UUID, by: Actor) -> Links:
    viewer = Viewer(ViewerKind.AUTHOR, patient_id)
    present = (Condition("states", {"codes": ["current"]}), Condition("types", {"codes": [TYPE]}))
    found = queries.search_documents(
        Sought(patient_id, viewer, {"patient-documents": ANY_TIME}, present), sort="care", limit=1
    )
    if not found:
        return ALONE
    acts.perform(DocumentAct.REPLACE, patient_id=patient_id, document_id=found[0].id, by=by, viewer=viewer)
    return Links(replaces=found[0].id)
