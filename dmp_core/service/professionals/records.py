"""A professional reads a record: by what right, what their profession reaches, one line of journal for each reading."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from dmp_core.categories import DOCUMENT_KINDS, DOCUMENT_TYPES
from dmp_core.models.documents import DocumentRow
from dmp_core.queries import documents
from dmp_core.queries import professionals as queries
from dmp_core.queries.documents import Sought
from dmp_core.queries.search import Within
from dmp_core.rules.documents.asked import Condition
from dmp_core.rules.documents.visibility import Viewer
from dmp_core.rules.professionals.agreements import Mode, mode_of_access
from dmp_core.rules.professionals.matrix import Level, Reach, reach_of
from dmp_core.service.professionals.agreements import PAGE, professional_of
from dmp_core.workflow import DocumentState
from identity_core import queries as identity
from identity_core.queries import PatientView, ProfessionalView
from notification_core import service as notification
from platform_core import clock
from platform_core.access import Access, Actor
from platform_core.categories import registry
from platform_core.errors import Forbidden, NotFound
from platform_core.fhir.search import ANY_TIME
from platform_core.journal import service as journal


@dataclass(frozen=True, slots=True)
class Opening:
    """A record open to a professional: in what quality they come, and what their profession reaches."""

    patient: PatientView
    professional: ProfessionalView
    mode: Mode
    reach: Reach
    by: Actor

    @property
    def viewer(self) -> Viewer:
        return Viewer.of(self.by)

    def sought(self, *conditions: Condition) -> Sought:
        """A search of the present documents that the profession reaches, under more conditions."""
        within = (
            Condition("types", {"codes": self.reach.types_at(Level.READ)}),
            Condition("states", {"codes": [DocumentState.CURRENT]}),
            Condition("archived", {"value": False}),
        )
        return Sought(self.patient.id, self.viewer, dict.fromkeys(DOCUMENT_KINDS, ANY_TIME), (*within, *conditions))

    def within(self) -> Within:
        """What the profession reaches, for a search of the record."""
        reached = [one.code for one in registry.all() if self.reach.reads(one.code)]
        return Within(self.reach.types_at(Level.READ), reached)


def open_record(*, patient_id: UUID, by: Actor) -> Opening:
    """Open a record to a professional, and tell the patient the first time. The transaction is bound to the patient.

    Raises `Forbidden` (`no-agreement`), the same for who was never let in, is let in no longer, is blocked, or names a
    patient that does not exist; `Forbidden` (`profession-without-access`).
    """
    professional_id = professional_of(by)
    blocked = queries.is_blocked(patient_id, professional_id)
    agreements = queries.list_agreements(patient_id, professional_id)
    mode = mode_of_access(agreements, blocked=blocked, now=clock.now())
    if mode is None or not (patient := identity.get_patient(patient_id)).is_open:
        raise Forbidden("The patient does not open this record to you, or no longer does.", code="no-agreement")
    professional = identity.get_professional(professional_id)
    reach = reach_of(professional.profession, professional.speciality)
    if not reach.label:
        raise Forbidden("Your profession reaches no record.", code="profession-without-access")
    notification.notify(
        patient_id=patient_id,
        kind="dmp.first-reading",
        title="Un professionnel a ouvert votre dossier pour la première fois",
        body=f"{by.name} a ouvert votre dossier. Si vous ne vous y attendiez pas, mettez-y fin ou bloquez cette "
        "personne.",
        link=PAGE,
        key=f"dmp.first-reading:{professional_id}",
        by=by,
    )
    return Opening(patient, professional, mode, reach, by)


def get_document(opening: Opening, document_id: UUID) -> DocumentRow:
    """A document that the professional may see. Raises `NotFound`, also for one that is masked or out of reach."""
    row = documents.get_document(patient_id=opening.patient.id, document_id=document_id, viewer=opening.viewer)
    if opening.reach.level(row.type_code) < Level.READ:
        raise NotFound(f"There is no document {document_id}.")
    return row


def note_reading(
    opening: Opening, counts: Mapping[str, int], *, resource: str, request_id: str, ids: Sequence[UUID] | None = None
) -> None:
    """Write in the journal what was shown, by category, and in what quality (the `code` of the line)."""
    journal.record(
        journal.Entry(
            patient_id=opening.patient.id,
            actor=opening.by,
            interaction="search" if ids is None else "read",
            resource=resource,
            access=Access.READ,
            outcome=journal.SERVED,
            request_id=request_id,
            categories=sorted(counts),
            count=sum(counts.values()),
            code=opening.mode,
            resources=list(ids) if ids else None,
        )
    )


def note_refusal(*, patient_id: UUID, code: str, by: Actor, request_id: str) -> None:
    """Write in the journal of a patient, if there is one, that a professional was refused."""
    try:
        identity.get_patient(patient_id)
    except NotFound:
        return
    journal.record(
        journal.Entry(
            patient_id=patient_id,
            actor=by,
            interaction="read",
            resource="DocumentReference",
            access=Access.READ,
            outcome=journal.REFUSED,
            request_id=request_id,
            code=code,
        )
    )


def category_of(document: DocumentRow) -> str:
    """The category of data of a document."""
    return DOCUMENT_KINDS[DOCUMENT_TYPES[document.type_code].kind].category
