"""After the listing: what expires, what is suspended, audits and reports that wait."""

from flask import Blueprint, render_template

from identity_core.sessions import agent_required
from platform_core.database import transaction
from store.queries.audits import list_audits
from store.queries.reports import count_reports
from store.queries.surveillance import list_ending_listings, list_expiring_evidence, list_suspended
from store.rules.reports import State

blueprint = Blueprint("surveillance", __name__, template_folder="../../templates")


@blueprint.get("/instruction/surveillance")
@agent_required("reviewer", "decider", "commission")
def show() -> str:
    with transaction():
        evidence = list_expiring_evidence()
        ending = list_ending_listings()
        suspended = list_suspended()
        audits = list_audits(open_only=True)
        reports = count_reports()
    waiting = sum(count for state, count in reports.items() if state is not State.CLOSED)
    return render_template(
        "store/reviewer/surveillance.html",
        evidence=evidence,
        ending=ending,
        suspended=suspended,
        audits=audits,
        reports=waiting,
    )
