"""What the publisher and the public will see of an act, before it is confirmed."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from platform_core import clock
from store.pages import catalogue
from store.pages.reviewer.desk import Desk
from store.queries.listings import ListingView
from store.rules import dossier, procedure
from store.rules.catalogue import family_levels, public_entry
from store.service.transitions import NOTICES
from store.workflow import ListingState, ListingVerb, SubmissionVerb

_SHOWN = {SubmissionVerb.ACCEPT, ListingVerb.LIST}


def list_notices(verb: StrEnum, desk: Desk) -> Mapping[str, str]:
    """The notice that the publisher receives; empty when the act tells them nothing."""
    subject = "listing" if isinstance(verb, ListingVerb) else "submission"
    notice = NOTICES[subject].get(verb)
    if notice is None or notice["to"] != "publisher":
        return {}
    number = desk.listing.number if desk.listing else "…"
    return {part: notice[part].format(name=desk.file.application_name, number=number) for part in ("title", "body")}


def find_public_page(verb: StrEnum, desk: Desk) -> Mapping[str, Any] | None:
    """The page of the catalogue as the dossier would make it, for the acts that lead there; None for the others."""
    ceiling = dossier.find_ceiling(desk.sent.dossier)
    if verb not in _SHOWN or ceiling is None:
        return None
    listing, today = desk.listing, clock.today()
    former = listing.expires_on if listing else None
    shown = ListingView(
        desk.file.application_id,
        desk.file.id,
        desk.sent.dossier["service"]["name"],
        listing.slug if listing else "",
        ListingState.LISTED,
        listing.number if listing else "…",
        today,
        procedure.last_day(desk.file.kind, former, today),
        ceiling,
        desk.sent.dossier["technical"]["profile"],
        public_entry(desk.sent.dossier),
    )
    levels = family_levels(desk.grid, desk.found, desk.answers)
    return {"listing": shown, "levels": levels, "history": (), **catalogue.describe_entry(shown)}
