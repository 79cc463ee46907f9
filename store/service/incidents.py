"""Incidents that publishers declare on their own applications, and what the authority tells people of them."""

from datetime import date
from uuid import UUID

from platform_core import audit, clock, crypto, events
from platform_core.access import Actor
from platform_core.database import db
from platform_core.errors import Conflict, NotFound
from store.events import IncidentMadeKnown
from store.models.applications import Application
from store.models.reports import Incident
from store.rules import reports as rules
from store.rules.reports import Kind, Origin, People
from store.service.reports import Receipt, lock_report, open_report, tell_reviewers
from store.service.transitions import check_role, own_application, tell_publisher
from store.workflow import Role


def declare_incident(
    *, application_id: UUID, what: str, noticed_on: date, people: People, measures: str, by: Actor
) -> Receipt:
    """Declare a security incident: what happened, since when it is known, how many people it concerns, what was done.

    It opens a report, examined as any other. Raises `NotFound` for the application of another organisation, `Invalid`
    (`incident-invalid`).
    """
    application = own_application(application_id, by=by)
    rules.check_incident(what, measures, noticed_on, people, clock.today())
    receipt = open_report(application_id, Origin.INCIDENT, Kind.SECURITY, what, by=by)
    sealed = crypto.seal(measures.strip().encode(), f"store:incident:measures:{receipt.report_id}")
    db.session.add(Incident(report_id=receipt.report_id, noticed_on=noticed_on, people=people, measures_sealed=sealed))
    title = f"{application.name} : incident de sécurité déclaré"
    body = f"L’éditeur de {application.name} déclare un incident de sécurité."
    tell_reviewers(receipt.report_id, title, body, by=by)
    return receipt


def make_known(*, report_id: UUID, text: str, by: Actor) -> None:
    """Have the people who authorized the application told of an incident, in these words; the publisher is told too.

    The decision of the authority (RGPD art. 34), once for each incident: raises `Conflict` (`already-told`), `Invalid`
    (`notice-invalid`), `NotFound` for a report that declares none, `RoleRequired`, `OwnOrganisation`.
    """
    check_role(by, Role.DECIDER)
    report = lock_report(report_id, by=by)
    incident = db.session.get(Incident, report_id)
    if incident is None:
        raise NotFound("No incident was declared under this report.")
    if incident.told_at:
        raise Conflict("People were told of this incident already.", code="already-told")
    rules.check_notice(text)
    incident.notice, incident.told_at, incident.told_by_name = text.strip(), clock.now(), by.name
    audit.record("store:incident:make_known", by=by, object_type="report", object_id=report_id)
    events.publish(IncidentMadeKnown(report.application_id, incident.notice, by))
    application = db.session.get_one(Application, report.application_id)
    title = f"{application.name} : les personnes sont informées de l’incident"
    body = "L’autorité informe de l’incident déclaré les personnes qui ont autorisé l’application."
    tell_publisher(application, kind="store.incident_made_known", title=title, body=body, by=by)
