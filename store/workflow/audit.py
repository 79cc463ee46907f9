"""The life of an audit of a listed application (arrêté of 20 November 2023): on documents, then on site if needed."""

from enum import StrEnum

from store.workflow.transitions import Role, Table, leads


class AuditState(StrEnum):
    PLANNED = "planned"
    DOCUMENTS = "documents"
    ON_SITE = "on_site"
    REPORT = "report"
    CORRECTIVE_ACTION = "corrective_action"
    CLOSED = "closed"


class AuditVerb(StrEnum):
    PLAN = "plan"
    REQUEST_DOCUMENTS = "request_documents"
    SEND_DOCUMENTS = "send_documents"
    VISIT = "visit"
    ISSUE_REPORT = "issue_report"
    REQUIRE_CORRECTIONS = "require_corrections"
    REPORT_CORRECTION = "report_correction"
    CLOSE = "close"


_A, _V = AuditState, AuditVerb
_REVIEWER, _PUBLISHER = {Role.REVIEWER}, {Role.PUBLISHER}

AUDIT: Table = {
    _V.PLAN: leads(None, to=_A.PLANNED, by=_REVIEWER),
    _V.REQUEST_DOCUMENTS: leads(_A.PLANNED, to=_A.DOCUMENTS, by=_REVIEWER),
    _V.SEND_DOCUMENTS: leads(_A.DOCUMENTS, to=None, by=_PUBLISHER),
    _V.VISIT: leads(_A.DOCUMENTS, to=_A.ON_SITE, by=_REVIEWER, motive=True),
    _V.ISSUE_REPORT: leads(_A.DOCUMENTS, _A.ON_SITE, to=_A.REPORT, by=_REVIEWER),
    _V.REQUIRE_CORRECTIONS: leads(_A.REPORT, to=_A.CORRECTIVE_ACTION, by=_REVIEWER),
    _V.REPORT_CORRECTION: leads(_A.CORRECTIVE_ACTION, to=None, by=_PUBLISHER),
    _V.CLOSE: leads(_A.REPORT, _A.CORRECTIVE_ACTION, to=_A.CLOSED, by=_REVIEWER, motive=True),
}
