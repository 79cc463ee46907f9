"""Use cases of the referencing: dossiers (publishers), reviews (reviewers and deciders), listings, demonstration."""

from store.service.demo import seed_applications
from store.service.dossiers import (
    create_application,
    open_submission,
    remove_item,
    save_item,
    save_section,
    submit,
)
from store.service.listings import (
    expire_listings,
    list_application,
    reinstate_listing,
    suspend_listing,
    withdraw_listing,
)
from store.service.reviews import accept, propose, record_verdict, refuse, request_complements, take_in_charge

__all__ = [
    "accept",
    "create_application",
    "expire_listings",
    "list_application",
    "open_submission",
    "propose",
    "record_verdict",
    "refuse",
    "reinstate_listing",
    "remove_item",
    "request_complements",
    "save_item",
    "save_section",
    "seed_applications",
    "submit",
    "suspend_listing",
    "take_in_charge",
    "withdraw_listing",
]
