"""ExplanationOfBenefit: a care reimbursed by the health insurance."""

from dmp_core.cda.resources.parts import Resource, Source, actor, coded, concept, dates, filled, quantity
from dmp_core.cda.statements import CareKind, Reimbursement

_TYPES = {CareKind.MEDICATION: "pharmacy", CareKind.VACCINE: "pharmacy", CareKind.HOSPITAL: "institutional"}
_INSURER = {"display": "Assurance maladie"}


def explanation(found: Reimbursement, source: Source) -> Resource:
    """One care: what, when, by whom, on whose prescription; the amount when the document states it."""
    provider = actor(found.performer) or actor(found.prescriber) or {"display": "Non précisé"}
    prescriber = actor(found.prescriber)
    team = [{"sequence": 1, "provider": provider, "role": coded("claimcareteamrole", "primary")}]
    if prescriber:
        team.append({"sequence": 2, "provider": prescriber, "role": {"text": "Prescripteur"}})
    item = filled(
        {
            "sequence": 1,
            "category": {"text": found.kind.value},
            "productOrService": concept(found.code),
            "servicedPeriod": dates(found.period),
            "quantity": quantity(found.quantity),
            "net": {"value": found.amount, "currency": "EUR"} if found.amount is not None else None,
        }
    )
    return filled(
        {
            "resourceType": "ExplanationOfBenefit",
            "status": "active",
            "type": coded("claim-type", _TYPES.get(found.kind, "professional")),
            "use": "claim",
            "patient": {"reference": source.patient},
            "billablePeriod": dates(found.period),
            "created": source.created.text,
            "insurer": _INSURER,
            "provider": provider,
            "outcome": "complete",
            "careTeam": team,
            "supportingInfo": [
                {
                    "sequence": 1,
                    "category": coded("claiminformationcategory", "info"),
                    "valueReference": {"reference": source.document},
                }
            ],
            "insurance": [{"focal": True, "coverage": {"display": "Assurance maladie obligatoire"}}],
            "item": [item],
        }
    )
