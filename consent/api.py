"""What the consent publishes to programs: the schema of its receipts."""

from typing import Any

from consent.rules import receipts
from platform_core import rest
from platform_core.web import public

blueprint = rest.blueprint("consent", __name__, "The consent: what its receipts say")


@blueprint.get("/schemas/consent-receipt")
@public("the schema of receipts is published")
def show_receipt_schema() -> Any:
    """The JSON Schema of a consent receipt, a profile of ISO/IEC TS 27560."""
    return dict(receipts.SCHEMA)
